//! rand: thread_rng's state, one block for each thread, made at its first use.
#![no_main]
use rand::RngCore;
use zkalloc_crates::{repro, Run};

fn body(run: Run) {
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        let (one, other) = (rand::thread_rng().next_u64(), rand::thread_rng().next_u64());
        if one == other {
            run.wrong("two random numbers are the same");
        }
        run.end();
    }
}

repro!("random_state", "a random generator's state of the phase before is somebody's data", body);
