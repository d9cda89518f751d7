//! tracing-subscriber: the registry's pages (sharded-slab), and a layer's data in each span.
#![no_main]
use tracing::{dispatcher, Span};
use zkalloc_crates::{repro, spans, Run};

fn open_and_close(run: Run, count: usize, open: &mut Vec<Span>) {
    for i in 0..count {
        open.push(spans::new());
        if !spans::open(&open[i], i as u64) {
            run.wrong("a span's extension is another");
        }
    }
    while let Some(span) = open.last() {
        spans::leave(span);
        open.pop();
    }
}

fn body(run: Run) {
    let count = run.option("spans\0");
    let warm = run.option("warm\0");
    let registry = spans::new_registry();
    let guard = dispatcher::set_default(&registry);
    // Leaked, so that a panic does not drop it: only the program closes spans.
    let open: &mut Vec<Span> = Box::leak(Box::new(Vec::with_capacity(count.max(warm))));

    for _ in 0..warm {
        open.push(spans::new());
    }
    while open.pop().is_some() {}
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        open_and_close(run, count, open);
        run.end();
    }
    drop(registry);
    if run.option("destroy\0") == 0 {
        std::mem::forget(guard);
    }
}

repro!(
    "span_registry_pages",
    "the pages of a span registry of the phase before hold the spans of this one",
    body,
    "spans": "spans alive at once in each phase", 512,
    "warm": "spans made and closed before the first phase", 0,
    "destroy": "1: drops the registry at the end of the program", 0
);
