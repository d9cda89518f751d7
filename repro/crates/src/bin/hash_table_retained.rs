//! std's HashMap (hashbrown), kept across a phase: a lookup never ends.
#![no_main]
use std::collections::hash_map::DefaultHasher;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use zkalloc_crates::{repro, Run};

/// The hasher has the same keys in every run, so that each run shows the same.
type Table = HashMap<u64, u64, BuildHasherDefault<DefaultHasher>>;

fn body(run: Run) {
    let entries = run.option("entries\0") as u64;
    let mut kept: Option<Table> = None;
    run.fill_with(0x5555_5555_5555_5555);
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        if let Some(table) = kept.take() {
            if table.get(&entries) != Some(&!entries) {
                run.wrong("an entry is lost, or has a wrong value");
            }
        }
        let mut table = Table::with_capacity_and_hasher(entries as usize, Default::default());
        for key in 1..=entries {
            table.insert(key, !key);
        }
        kept = Some(table);
        run.end();
    }
}

repro!(
    "hash_table_retained",
    "a lookup in a HashMap of the phase before never returns",
    body,
    "entries": "entries of the table", 1000
);
