//! rayon: a pool that is built inside a phase, and used in the next.
#![no_main]
use zkalloc_crates::pool::{self, recurse};
use zkalloc_crates::{repro, Run};

const SHALLOW: usize = 32; // as many jobs as fit into a new deque

fn body(run: Run) {
    let workers = run.option("pool-threads\0");
    for _ in 0..run.cycles() {
        run.cycle();
        run.team(None);
        if !run.begin() {
            return;
        }
        let pool = pool::new(workers);
        if recurse(pool, SHALLOW) != SHALLOW {
            run.wrong("a job was lost");
        }
        run.end();
        run.team(Some(pool));
        if !run.begin() {
            return;
        }
        if recurse(pool, SHALLOW) != SHALLOW {
            run.wrong("a job was lost");
        }
        // Safety: nobody uses it any more.
        unsafe { pool::end() };
        run.end();
    }
}

repro!(
    "pool_built_in_phase",
    "a pool of rayon's that is built inside a phase is used in the next",
    body,
    "pool-threads": "workers of the pool", 4
);
