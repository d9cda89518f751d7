//! std's Arc: the counts are the first words of the block.
#![no_main]
use std::sync::Arc;
use zkalloc_crates::{repro, Run};

fn use_and_drop(run: Run, kept: Arc<[u8]>) {
    let before = Arc::strong_count(&kept);
    let second = Arc::clone(&kept);
    if before != 1 || Arc::strong_count(&kept) != 2 {
        run.wrong(&format!("the count reads {before:x}"));
    }
    drop(second);
    drop(kept);
}

fn body(run: Run) {
    run.fill_with(0x5555_5555_5555_5555);
    let payload = run.option("payload\0");
    let mut kept: Option<Arc<[u8]>> = None;
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        if let Some(kept) = kept.take() {
            use_and_drop(run, kept);
        }
        kept = Some(vec![7u8; payload].into());
        run.end();
    }
}

repro!(
    "refcount_header",
    "the counts of an Arc of the phase before read filler",
    body,
    "payload": "bytes that are shared", 16384
);
