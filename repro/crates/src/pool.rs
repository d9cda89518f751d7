//! A pool of rayon, like the model's.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Slot(UnsafeCell<MaybeUninit<ThreadPool>>);

// Safety: `new` writes it before anybody else knows it.
unsafe impl Sync for Slot {}

/// The only pool at a time; it is in static memory, so that only rayon's own blocks are retained.
static SLOT: Slot = Slot(UnsafeCell::new(MaybeUninit::uninit()));

/// Makes a pool, and waits until all of its workers run. There is one at a time: `end` makes room
/// for the next.
pub fn new(workers: usize) -> &'static ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(workers).build().expect("threads can be started");
    pool.broadcast(|_| ());
    // Safety: there is no other pool, and nobody uses the slot.
    unsafe { (*SLOT.0.get()).write(pool) }
}

/// Ends the pool of `new`.
///
/// Safety: nobody uses it any more.
pub unsafe fn end() {
    (*SLOT.0.get()).assume_init_drop();
}

/// The pool of `new`.
pub fn the() -> &'static ThreadPool {
    // Safety: new has been called, and end has not.
    unsafe { (*SLOT.0.get()).assume_init_ref() }
}

/// Hands that many empty jobs to the pool, one after the other, and waits for each. Not on a
/// worker.
pub fn join_times(times: usize) -> bool {
    for _ in 0..times {
        the().install(|| ());
    }
    true
}

fn descend(depth: usize, leaves: &AtomicUsize) {
    if depth > 0 {
        rayon::join(
            || descend(depth - 1, leaves),
            || {
                leaves.fetch_add(1, Ordering::Relaxed);
            },
        );
    }
}

/// Runs that many nested joins; returns the number of right halves that were run.
pub fn recurse(pool: &ThreadPool, depth: usize) -> usize {
    let leaves = AtomicUsize::new(0);
    pool.install(|| descend(depth, &leaves));
    leaves.into_inner()
}
