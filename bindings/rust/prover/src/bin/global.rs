//! The prover with the arena as its global allocator:
//!
//! ```text
//! cargo run --release --bin global -- [rounds]
//! ZK_ALLOC_MIN_BYTES=0 cargo run --release --bin global      # everything in the arena: pinned keeps it
//! ZK_ALLOC_MIN_BYTES=0 ZK_ALLOC_RECYCLE=blind ...            # dies on its second proof
//! ```

use std::sync::atomic::Ordering;
use zkalloc::Zkalloc;
use zkalloc_prover_example::{count_spans, prove, Proofs};

#[global_allocator]
static GLOBAL: Zkalloc = Zkalloc;

const SIZE: usize = 1 << 10;

fn main() {
    let rounds = std::env::args().nth(1).map_or(10, |text| text.parse().expect("rounds: a number"));
    let spans = count_spans();
    let mut proofs = Proofs::default();
    if std::env::var_os("DRAIN").is_some() {
        zkalloc::drain_rayon!().expect("there is memory for a hook");
    }
    for round in 0..rounds {
        zkalloc::phase(|| proofs.add(round, prove(SIZE, round)));
    }
    assert!(proofs.all_right(SIZE), "a proof that was kept is damaged");
    let stats = zkalloc::stats();
    println!(
        "{rounds} proofs in {} phases, all right; {} blocks from the arena; {} spans",
        stats.phases,
        stats.arena_count,
        spans.load(Ordering::Relaxed)
    );
}
