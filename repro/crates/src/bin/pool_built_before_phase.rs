//! rayon: a pool that is built before any phase, as a control.
#![no_main]
use zkalloc_crates::pool::{self, recurse};
use zkalloc_crates::{repro, Run};

fn drain() {
    for _ in 0..256 {
        recurse(pool::the(), 0);
    }
}

fn body(run: Run) {
    let pool = pool::new(run.option("pool-threads\0"));
    run.team(Some(pool));
    run.on_flush(drain);
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        if recurse(pool, 32) != 32 {
            run.wrong("a job was lost");
        }
        run.end();
    }
}

repro!(
    "pool_built_before_phase",
    "a pool of rayon's that is built before any phase survives",
    body,
    "pool-threads": "workers of the pool", 4
);
