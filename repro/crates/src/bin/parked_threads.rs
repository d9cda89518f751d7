//! parking_lot: the table of waiting threads, made when the first one has to wait.
#![no_main]
use parking_lot::Mutex;
use std::time::Duration;
use zkalloc_crates::{repro, Run};

static MUTEX: Mutex<()> = Mutex::new(());

fn body(run: Run) {
    let mut threads = Vec::with_capacity(run.threads() as usize);
    for _ in 0..run.threads() {
        threads.push(run.spawn());
    }
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        let held = MUTEX.lock();
        for &thread in &threads {
            run.on(thread, || {
                if MUTEX.try_lock_for(Duration::from_micros(50)).is_some() {
                    run.wrong("two threads hold the mutex");
                }
                true
            });
        }
        drop(held);
        for &thread in &threads {
            run.on(thread, || {
                drop(MUTEX.lock());
                true
            });
        }
        run.end();
    }
    for &thread in &threads {
        run.join(thread);
    }
}

repro!("parked_threads", "the first thread to wait in the next phase finds no table", body);
