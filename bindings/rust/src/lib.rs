//! A phase arena for programs that work in rounds (a prover that makes proof after proof).
//!
//! Inside a phase, blocks of at least `ZK_ALLOC_MIN_BYTES` (4096) are bumped out of the thread's own
//! slab; all others come from the system's malloc. A begin recycles every slab, so that each round
//! uses the same warm pages:
//!
//! ```
//! use zkalloc::Zkalloc;
//!
//! #[global_allocator]
//! static GLOBAL: Zkalloc = Zkalloc;
//!
//! for round in 1..=3u64 {
//!     let sum: u64 = zkalloc::phase(|| vec![round; 100_000].iter().sum());
//!     assert_eq!(sum, round * 100_000);
//! }
//! ```
//!
//! # What is safe
//!
//! Under *pinned* recycling, which is the default, a begin reclaims only memory without live
//! blocks: whatever outlives a phase stays where it is, and no phase can break a program.
//! [`Phase::begin`] and everything else here is safe then, except [`Phase::discard`], which
//! declares blocks dead.
//!
//! Under *blind* recycling (`ZK_ALLOC_RECYCLE=blind` in the environment of the program) a begin takes
//! back everything, and whatever is still used is overwritten: a vector, a thread pool, a registry of
//! spans. It is chosen when the program is started, like a debugger, and no function of this crate
//! chooses it; whoever does must know what the program keeps (`zk-audit` tells).
//!
//! # Preloaded
//!
//! Where `libzkalloc-preload.so` is loaded as well (`LD_PRELOAD`), it serves both C's malloc and this
//! crate: there is one arena, and one begin is a begin for both. A program need not link this crate at
//! all to have phases under it: the example `prover/src/bin/preloaded.rs` of the source tree.
//!
//! # Finding the library
//!
//! `libzkalloc.a` is taken from the folder that `ZKALLOC_LIB_DIR` names; or found by pkg-config, if
//! it has the version of this crate (not if `ZKALLOC_NO_PKG_CONFIG` is set); or built from the C
//! sources that come with this crate, with `cc` (or `CC`). There is no other dependency.
#![warn(missing_docs)]

mod allocator;
mod ffi;
mod hook;
mod phase;
mod stats;

pub use allocator::{owns, Zkalloc};
#[cfg(feature = "drain-rayon")]
#[doc(hidden)]
pub use hook::DRAIN_JOBS;
pub use hook::{on_phase_end, NoMemory};
pub use phase::{phase, try_phase, Phase, Refused};
pub use stats::{high_water, reset_stats, stats, Stats};
