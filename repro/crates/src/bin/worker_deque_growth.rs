//! rayon: nested joins make a worker's deque grow in a phase; the pool was built before.
#![no_main]
use zkalloc_crates::pool::{self, recurse};
use zkalloc_crates::{repro, Run};

fn body(run: Run) {
    let depth = run.option("depth\0");
    let pool = pool::new(run.threads() as usize);
    run.team(Some(pool));
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        if recurse(pool, depth) != depth {
            run.wrong("a job was lost");
        }
        run.end();
    }
}

repro!(
    "worker_deque_growth",
    "a deque of rayon's grows inside a phase",
    body,
    "depth": "levels of nested join", 256
);
