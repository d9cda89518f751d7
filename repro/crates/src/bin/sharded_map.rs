//! dashmap: the shards, four for each processor, in one block.
#![no_main]
use dashmap::DashMap;
use zkalloc_crates::{repro, Run};

fn body(run: Run) {
    let shards = (4 * run.option("processors\0")).next_power_of_two();
    let mut memo: Option<DashMap<u64, u64>> = None;
    for phase in 0..=u64::from(run.cycles()) {
        if !run.begin() {
            return;
        }
        let map = memo.get_or_insert_with(|| DashMap::with_shard_amount(shards));
        for key in 0..shards as u64 {
            map.insert(key, key + phase); // returns, or does not
        }
        for key in 0..shards as u64 {
            if map.get(&key).map(|value| *value) != Some(key + phase) {
                run.wrong("an entry that was just inserted is not found");
            }
        }
        run.end();
    }
}

repro!(
    "sharded_map",
    "a concurrent map of the phase before takes no entry",
    body,
    "processors": "of the machine that the map is made on", 8
);
