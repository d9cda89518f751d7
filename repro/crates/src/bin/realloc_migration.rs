//! std's Vec, made before any phase, and grown inside one.
#![no_main]
use zkalloc_crates::{repro, Run};

fn body(run: Run) {
    for _ in 0..run.cycles() {
        run.cycle();
        let mut list = vec![0x44u8; 8 << 10];
        if !run.begin() {
            return;
        }
        list.reserve_exact(8 << 10);
        list.resize(16 << 10, 0x44);
        run.end();
        if !run.begin() {
            return;
        }
        if list.iter().any(|&byte| byte != 0x44) {
            run.wrong("the list differs");
        }
        run.end();
    }
}

repro!("realloc_migration", "a Vec from before the phases grows into the arena", body);
