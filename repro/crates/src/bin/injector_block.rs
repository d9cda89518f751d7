//! rayon: a thread that is not a worker hands its jobs over through crossbeam-deque's injector.
#![no_main]
use zkalloc_crates::pool::{self, join_times};
use zkalloc_crates::{repro, Run};

fn drain() {
    join_times(256);
}

fn body(run: Run) {
    pool::new(run.threads() as usize);
    run.on_flush(drain);
    join_times(20); // the block in use at a boundary is used in part ...
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        join_times(1);
        run.check();
        join_times(62); // ... and a new one is allocated in each phase
        run.end();
    }
}

repro!("injector_block", "rayon pushes a job into the injector's block of the phase before", body);
