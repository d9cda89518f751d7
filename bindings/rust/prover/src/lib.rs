//! The prover of both programs: it proves that it knows a column of numbers. A proof is the root of
//! a Merkle tree over an extension of the column, made on all cores, in spans of tracing, with
//! std's containers. The hash is a toy that takes the time and memory of a real one.

use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use tracing::span::{Attributes, Id};
use tracing::{info_span, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

const MODULUS: u64 = 0x7800_0001; // BabyBear's

/// A layer that counts closed spans, by means of data that it has stored in each span.
pub struct CountSpans(pub Arc<AtomicU64>);

struct Note(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for CountSpans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).expect("a span that is new is there");
        span.extensions_mut().insert(Note(attributes.metadata().name().to_string()));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).expect("a span that is closed is still there");
        let extensions = span.extensions();
        let note = extensions.get::<Note>().expect("its note is there");
        assert_eq!(note.0, span.name());
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts spans from now on. To be called once.
pub fn count_spans() -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let registry = tracing_subscriber::registry().with(CountSpans(count.clone()));
    tracing::subscriber::set_global_default(registry).expect("there is no other one");
    count
}

fn mix(a: u64, b: u64) -> u64 {
    let mut word = a ^ b.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15;
    for _ in 0..8 {
        word = (word ^ (word >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    word
}

fn extend(column: &[u64]) -> Vec<u64> {
    let _span = info_span!("extend").entered();
    (0..4 * column.len())
        .into_par_iter()
        .map(|i| (column[i % column.len()] * (i as u64 + 1)) % MODULUS)
        .collect()
}

fn root_of(mut level: Vec<u64>) -> u64 {
    let _span = info_span!("commit").entered();
    while level.len() > 1 {
        let _span = info_span!("level").entered();
        level = level.par_chunks(2).map(|pair| mix(pair[0], pair[pair.len() - 1])).collect();
    }
    level[0]
}

/// A number that can be checked: the same column and round give the same one.
pub fn prove(size: usize, round: u64) -> u64 {
    let _span = info_span!("prove").entered();
    let column: Vec<u64> = (0..size as u64).map(|i| mix(i, round) % MODULUS).collect();
    root_of(extend(&column))
}

/// Proofs that are kept across rounds, as an aggregator does.
#[derive(Default)]
pub struct Proofs {
    roots: HashMap<u64, Box<u64>>,
}

impl Proofs {
    /// Adds a proof.
    pub fn add(&mut self, round: u64, root: u64) {
        self.roots.insert(round, Box::new(root));
    }

    /// Are all proofs unchanged? Each is made again and compared; the new one is not kept.
    pub fn all_right(&self, size: usize) -> bool {
        self.roots.iter().all(|(&round, root)| **root == prove(size, round))
    }
}
