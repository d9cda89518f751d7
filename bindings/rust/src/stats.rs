//! What the allocator has counted.

use crate::ffi;
use std::mem::MaybeUninit;

/// Counts of the process. Exact when no other thread is inside the allocator. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Begins that started a new phase.
    pub phases: u64,
    /// Blocks served from slabs.
    pub arena_count: u64,
    /// Their bytes, rounding and alignment included.
    pub arena_bytes: u64,
    /// Blocks served by the C library, in a phase or not.
    pub system_count: u64,
    /// Their bytes, as asked for.
    pub system_bytes: u64,
    /// Those of them that should have come from the arena, but found no slab or no room.
    pub overflow_count: u64,
    /// Their bytes.
    pub overflow_bytes: u64,
    /// Arena blocks of earlier phases, neither freed nor discarded at the last begin.
    pub retained_count: u64,
    /// Phases that a begin found left open by an ended thread or a `longjmp`.
    pub orphans: u64,
    /// Slabs reserved.
    pub slabs: u64,
    /// Bytes of each.
    pub slab_bytes: u64,
    /// Slabs that a living thread holds.
    pub slabs_in_use: u64,
}

/// The counts, now. Any thread.
///
/// ```
/// let before = zkalloc::stats().phases;
/// zkalloc::phase(|| ());
/// assert_eq!(zkalloc::stats().phases, before + 1);
/// ```
pub fn stats() -> Stats {
    let mut raw = MaybeUninit::<ffi::RawStats>::zeroed();
    // Safety: the library fills its struct, whose layout the fields have (tested in ffi.rs), and
    // for which there is room; all zeros are valid.
    let raw = unsafe {
        ffi::zk_stats(raw.as_mut_ptr());
        raw.assume_init()
    };
    Stats {
        phases: raw.phases,
        arena_count: raw.arena_count,
        arena_bytes: raw.arena_bytes,
        system_count: raw.system_count,
        system_bytes: raw.system_bytes,
        overflow_count: raw.overflow_count,
        overflow_bytes: raw.overflow_bytes,
        retained_count: raw.retained_count,
        orphans: raw.orphans,
        slabs: raw.slabs,
        slab_bytes: raw.slab_bytes,
        slabs_in_use: raw.slabs_in_use,
    }
}

/// Sets the counts back to 0; what describes the present (retained, slabs) stays. Any thread.
pub fn reset_stats() {
    // Safety: may be called at any time.
    unsafe { ffi::zk_reset_stats() }
}

/// Bytes that the calling thread's slab served in the last phase before the present one in which it
/// was used: the size of an allocation that overwrites all of it. 0 if there is none.
pub fn high_water() -> usize {
    // Safety: may be called at any time.
    unsafe { ffi::zk_high_water() }
}
