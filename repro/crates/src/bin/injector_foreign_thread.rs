//! rayon: as injector_block, but another thread does the pushes, so the blocks are in its slab.
#![no_main]
use zkalloc_crates::pool::{self, join_times};
use zkalloc_crates::{repro, Run};

fn drain() {
    join_times(256);
}

fn body(run: Run) {
    let pusher = run.spawn();
    let push = |times| run.on(pusher, || join_times(times));
    pool::new(run.threads() as usize);
    run.on_flush(drain);
    push(20);
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        let scratch = vec![0u8; 32 << 10]; // so that the main thread's slab is in use, too
        push(1);
        run.check();
        push(62);
        drop(scratch);
        run.end();
    }
    run.join(pusher);
}

repro!("injector_foreign_thread", "rayon's injector block lies in the slab of the thread that pushes", body);
