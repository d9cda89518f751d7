//! crossbeam-epoch: deferred calls wait in bags of 64, which a later phase walks.
#![no_main]
use crossbeam_epoch::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use zkalloc_crates::{repro, Run};

static CALLED: AtomicUsize = AtomicUsize::new(0);

fn retire_some(run: Run, deferred: &mut usize) {
    for _ in 0..128 {
        let words = (*deferred, !*deferred);
        // Safety: the deferred closure owns everything that it uses.
        unsafe {
            pin().defer_unchecked(move || {
                if words.0 != !words.1 {
                    run.wrong("a deferred call has other words");
                }
                CALLED.fetch_add(1, Ordering::Relaxed);
            })
        };
        *deferred += 1;
    }
}

fn collect() {
    for _ in 0..4 {
        pin().flush();
    }
}

fn body(run: Run) {
    let mut deferred = 0;
    drop(pin()); // the collector, and this thread's record, before any phase
    run.on_flush(collect);
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        retire_some(run, &mut deferred);
        run.end();
    }
    collect();
    if CALLED.load(Ordering::Relaxed) != deferred {
        run.wrong("a deferred call was not made");
    }
}

repro!("epoch_bags", "crossbeam-epoch walks the bags of the phase before", body);
