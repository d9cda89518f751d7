//! tracing-subscriber: each thread's current spans, in buckets that double (thread_local).
#![no_main]
use tracing::{dispatcher, Dispatch};
use zkalloc_crates::{repro, spans, Run, Thread};

fn open_and_close(run: Run, registry: &Dispatch) -> bool {
    dispatcher::with_default(registry, || {
        let span = spans::new();
        if !spans::enter(&span) {
            run.wrong("the thread is in another span");
        }
        spans::leave(&span);
    });
    true
}

fn body(run: Run) {
    let mut threads: Vec<Thread> = Vec::with_capacity(run.threads() as usize);
    let first = spans::new_registry();
    for _ in 0..run.threads() {
        let thread = run.spawn();
        run.on(thread, || open_and_close(run, &first)); // gives the thread its number
        threads.push(thread);
    }
    drop(first);
    let registry = spans::new_registry();
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        for &thread in threads.iter().rev() {
            if !run.on(thread, || open_and_close(run, &registry)) {
                std::mem::forget(registry);
                return;
            }
        }
        run.end();
    }
    for &thread in &threads {
        run.join(thread);
    }
    std::mem::forget(registry);
}

repro!("span_stack_bucket", "the threads' current spans lie in a table of the phase before", body);
