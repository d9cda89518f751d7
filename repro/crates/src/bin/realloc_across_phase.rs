//! std's Vec, filled in one phase and grown in the next.
#![no_main]
use zkalloc_crates::{repro, Run};

fn body(run: Run) {
    let mut kept: Vec<Vec<u8>> = Vec::with_capacity(2); // before any phase
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        for mut vector in kept.drain(..) {
            let full = vector.len();
            vector.push(0x33);
            if vector[..full].iter().any(|&byte| byte != 0x33) {
                run.wrong("the vector differs");
            }
        }
        run.check();
        for size in [8 << 10, 16 << 10] {
            kept.push(vec![0x33; size]);
        }
        run.end();
    }
}

repro!("realloc_across_phase", "a Vec of the phase before is grown", body);
