//! The global allocator.

use crate::ffi;
use std::alloc::{GlobalAlloc, Layout};

/// The allocator, for `#[global_allocator]`. It has no state of its own: the state belongs to the
/// process.
///
/// ```
/// use zkalloc::Zkalloc;
///
/// #[global_allocator]
/// static GLOBAL: Zkalloc = Zkalloc;
///
/// let table = zkalloc::phase(|| vec![1u64; 1000]);
/// assert!(zkalloc::owns(table.as_ptr()));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Zkalloc;

/// The alignment of blocks of `zk_malloc` and `zk_calloc`.
const GRANULE: usize = 16;

// Safety: under pinned recycling, the default, `zk_*` is an allocator like any other: a block that
// was not freed is not handed out again, whatever the program does with phases. Blind recycling
// (ZK_ALLOC_RECYCLE=blind) breaks this contract on purpose at each begin, for whatever is kept
// across it; that is the user's choice, and documented where recycling is chosen. Layouts have a
// size that is not 0 and an alignment that is a power of two. None of the functions unwinds.
unsafe impl GlobalAlloc for Zkalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= GRANULE {
            ffi::zk_malloc(layout.size()).cast()
        } else {
            ffi::zk_aligned_alloc(layout.align(), layout.size()).cast()
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= GRANULE {
            ffi::zk_calloc(1, layout.size()).cast()
        } else {
            ffi::zk_aligned_calloc(layout.align(), 1, layout.size()).cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        ffi::zk_free_sized(p.cast(), layout.size());
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ffi::zk_realloc_sized(p.cast(), layout.size(), layout.align(), size).cast()
    }
}

/// Does `p` point into the arena (to a block of any phase, live or not)? Any thread.
pub fn owns<T: ?Sized>(p: *const T) -> bool {
    // Safety: the address is compared, and nothing is read there.
    unsafe { ffi::zk_owns(p.cast()) }
}
