//! Hooks that run at the end of each phase.

use crate::ffi;
use std::os::raw::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::abort;

/// There was no memory for the hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

impl std::fmt::Display for NoMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no memory to register a hook")
    }
}

impl std::error::Error for NoMemory {}

type Hook = Box<dyn Fn() + Send + Sync>;

extern "C" fn run(arg: *mut c_void) {
    // Safety: arg is what on_phase_end leaked: it lives for ever, and is Sync.
    let hook = unsafe { &*arg.cast::<Hook>() };
    // A panic must not unwind into C. The message has been printed by then.
    if catch_unwind(AssertUnwindSafe(hook)).is_err() {
        abort();
    }
}

/// Runs `hook` after each phase from now on, on the thread that ended it, once allocations come from
/// the system again: the place to drain queues. It stays registered for the life of the program, must
/// neither begin nor end a phase, and ends the program if it panics. Any thread; not in a phase, so
/// that what the hook itself keeps is not in the arena.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// static ENDED: AtomicU32 = AtomicU32::new(0);
/// zkalloc::on_phase_end(|| {
///     ENDED.fetch_add(1, Ordering::Relaxed);
/// })?;
/// zkalloc::phase(|| ());
/// assert_eq!(ENDED.load(Ordering::Relaxed), 1);
/// # Ok::<(), zkalloc::NoMemory>(())
/// ```
///
/// # Errors
///
/// [`NoMemory`], and then `hook` is dropped.
pub fn on_phase_end(hook: impl Fn() + Send + Sync + 'static) -> Result<(), NoMemory> {
    let hook: *mut Hook = Box::into_raw(Box::new(Box::new(hook)));
    // Safety: run takes what hook points to, which is not freed unless it was refused.
    if unsafe { ffi::zk_on_phase_end(run, hook.cast()) } == 0 {
        return Ok(());
    }
    // Safety: nobody else has it.
    drop(unsafe { Box::from_raw(hook) });
    Err(NoMemory)
}

/// The number of jobs of a drain: enough to use up each block of 63 that the queue has.
#[cfg(feature = "drain-rayon")]
#[doc(hidden)]
pub const DRAIN_JOBS: usize = 256;

/// At the end of each phase from now on, drains rayon's queue: 256 empty joins, which replace the
/// queue's block with one from the system. Once, from any thread that is not one of rayon's:
///
/// ```ignore
/// zkalloc::drain_rayon!()?;
/// ```
///
/// The macro uses the caller's own dependency `rayon`; this crate does not depend on it. It closes
/// one class of many under blind recycling (see the project's matrix); under pinned recycling it is
/// not needed.
#[cfg(feature = "drain-rayon")]
#[macro_export]
macro_rules! drain_rayon {
    () => {
        $crate::on_phase_end(|| {
            for _ in 0..$crate::DRAIN_JOBS {
                ::rayon::join(|| (), || ());
            }
        })
    };
}
