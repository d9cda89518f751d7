//! Phases: a guard, and two functions that hold one.

use crate::ffi;
use std::fmt;
use std::io;
use std::marker::PhantomData;

/// Why a phase did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// A phase is active, and nesting is refused (`ZK_ALLOC_NESTING=refuse`, the default).
    Nested,
    /// A phase that another thread began is active (`ZK_ALLOC_OWNER=exclusive`, the default).
    Foreign,
    /// No phase is active: it has already been ended.
    NotActive,
    /// Any other error, by its `errno`.
    Other(i32),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Nested => f.write_str("a phase is active: end it first"),
            Refused::Foreign => f.write_str("another thread's phase is active: let it end first"),
            Refused::NotActive => f.write_str("no phase is active: begin one first"),
            Refused::Other(error) => write!(f, "{}", io::Error::from_raw_os_error(*error)),
        }
    }
}

impl std::error::Error for Refused {}

// The same on x86-64 and aarch64 Linux, the only platforms of the library.
const EPERM: i32 = 1;
const EAGAIN: i32 = 11;
const EBUSY: i32 = 16;
const EINVAL: i32 = 22;

fn result_of(status: i32) -> Result<(), Refused> {
    if status == 0 {
        return Ok(());
    }
    Err(match io::Error::last_os_error().raw_os_error() {
        Some(EBUSY) => Refused::Nested,
        Some(EPERM) => Refused::Foreign,
        Some(EINVAL) => Refused::NotActive,
        other => Refused::Other(other.unwrap_or(0)),
    })
}

/// A phase, from [`Phase::begin`] until it is dropped: by a return, by `?`, by a panic that unwinds.
///
/// It belongs to the thread that began it, and cannot be sent to another:
///
/// ```compile_fail
/// let phase = zkalloc::Phase::begin().unwrap();
/// std::thread::spawn(move || drop(phase)); // error: `*mut ()` cannot be sent between threads
/// ```
///
/// A phase that is leaked ([`std::mem::forget`]) stays open, and the next begin is refused.
#[derive(Debug)]
#[must_use = "a phase ends when this is dropped"]
pub struct Phase {
    of_this_thread: PhantomData<*mut ()>,
}

impl Phase {
    /// Begins a phase, and so recycles what the one before left: under pinned recycling, only
    /// memory without live blocks.
    ///
    /// ```
    /// use zkalloc::{Phase, Refused};
    ///
    /// let phase = Phase::begin()?;
    /// assert_eq!(Phase::begin().unwrap_err(), Refused::Nested);
    /// drop(phase);
    /// let again = Phase::begin()?;
    /// # drop(again);
    /// # Ok::<(), Refused>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refused::Nested`] or [`Refused::Foreign`]: nothing has changed then.
    pub fn begin() -> Result<Phase, Refused> {
        // Safety: may be called at any time. Under blind recycling, what is kept from the phase
        // before is overwritten from here on: see the crate's documentation.
        result_of(unsafe { ffi::zk_begin_phase() })?;
        Ok(Phase { of_this_thread: PhantomData })
    }

    /// Ends the phase, and overwrites all freed memory of the arena with zeros, in the slabs of all
    /// threads; what has not been freed stays as it is. For the end of a proof: drop its secrets
    /// before.
    ///
    /// `Ok(false)`: not everything could be wiped yet; the rest is wiped when its thread next
    /// allocates in a phase; `man zkalloc`, "SECRETS", says when that is so, and what is not
    /// reached at all (blocks below `ZK_ALLOC_MIN_BYTES`, for one).
    ///
    /// ```
    /// let phase = zkalloc::Phase::begin()?;
    /// let witness = vec![0x5au8; 1 << 20];
    /// drop(witness);
    /// assert!(phase.wipe()?);
    /// assert!(zkalloc::Phase::begin().is_ok()); // it has ended
    /// # Ok::<(), zkalloc::Refused>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refused`] when another thread's phase is active; then nothing was done.
    pub fn wipe(self) -> Result<bool, Refused> {
        // Safety: may be called at any time.
        let result = result_of(unsafe { ffi::zk_wipe_phase() });
        std::mem::forget(self); // has ended
        match result {
            Ok(()) => Ok(true),
            Err(Refused::Other(EAGAIN)) => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    /// Ends the phase, and declares dead every block that was allocated in it and has not been freed:
    /// for programs that leave their frees to the reset, under pinned recycling.
    ///
    /// # Safety
    ///
    /// No block that any thread has allocated in this phase, and that has not been freed in it, may be
    /// used, or freed, once the next phase has begun. Most values have a destructor that frees: those
    /// must be dropped before, or be forgotten. Libraries keep blocks that the caller does not see (a
    /// thread pool, a registry of spans): the caller must know that none of them is in the arena,
    /// for example because of `ZK_ALLOC_MIN_BYTES`.
    ///
    /// # Errors
    ///
    /// [`Refused`] when the phase no longer exists.
    pub unsafe fn discard(self) -> Result<(), Refused> {
        let result = result_of(ffi::zk_discard_phase());
        std::mem::forget(self); // has ended
        result
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        // Safety: may be called at any time. An error says that somebody else has ended it.
        unsafe { ffi::zk_end_phase() };
    }
}

/// Runs `body` in a phase, which ends when `body` returns or panics; a panic goes on.
///
/// If the phase is refused ([`Phase::begin`]), `body` still runs, in the phase that is already
/// active: calls of this function may be nested. [`try_phase`] does not run it.
///
/// ```
/// let result = std::panic::catch_unwind(|| zkalloc::phase(|| panic!("the prover's own")));
/// assert!(result.is_err());
/// assert!(zkalloc::Phase::begin().is_ok()); // none was left open
/// ```
pub fn phase<R>(body: impl FnOnce() -> R) -> R {
    let _phase = Phase::begin();
    body()
}

/// Runs `body` in a phase of its own, as [`phase`] does, or not at all.
///
/// ```
/// use zkalloc::{try_phase, Refused};
///
/// assert_eq!(try_phase(|| 7), Ok(7));
/// assert_eq!(try_phase(|| try_phase(|| 7)), Ok(Err(Refused::Nested)));
/// ```
///
/// # Errors
///
/// Those of [`Phase::begin`].
pub fn try_phase<R>(body: impl FnOnce() -> R) -> Result<R, Refused> {
    let _phase = Phase::begin()?;
    Ok(body())
}
