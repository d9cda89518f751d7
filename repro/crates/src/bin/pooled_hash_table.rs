//! std's HashMap (hashbrown) as a library pools it: cleared, and used again in the next phase.
#![no_main]
use std::collections::hash_map::DefaultHasher;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use zkalloc_crates::{repro, Run};

/// The hasher has the same keys in every run, so that each run shows the same.
type Table = HashMap<u64, u64, BuildHasherDefault<DefaultHasher>>;

const ENTRIES: u64 = 10;

fn insert(table: &mut Table, phase: u64) {
    for key in 0..ENTRIES {
        table.insert(key, key + phase);
    }
}

fn look_up(run: Run, table: &Table, phase: u64) {
    if (0..ENTRIES).any(|key| table.get(&key) != Some(&(key + phase))) {
        run.wrong("an entry that was just inserted is not found");
    }
}

fn body(run: Run) {
    run.fill_with(!0);
    let capacity = run.option("capacity\0");
    for _ in 0..run.cycles() {
        run.cycle();
        if !run.begin() {
            return;
        }
        let mut pooled = Table::with_capacity_and_hasher(capacity, Default::default());
        insert(&mut pooled, 1);
        look_up(run, &pooled, 1);
        pooled.clear();
        run.end();
        if !run.begin() {
            return;
        }
        insert(&mut pooled, 2);
        run.check();
        run.refill();
        look_up(run, &pooled, 2);
        drop(pooled);
        run.end();
    }
}

repro!(
    "pooled_hash_table",
    "a HashMap that is cleared and used again keeps its buffer",
    body,
    "capacity": "entries that the table was made for", 100
);
