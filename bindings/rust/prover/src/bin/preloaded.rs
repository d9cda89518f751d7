//! The prover without any link to zkalloc: it begins phases if the preload library is loaded, and
//! is an ordinary program if not.
//!
//! ```text
//! LD_PRELOAD=build/alloc/libzkalloc-preload.so target/release/preloaded [rounds]
//! ```

use std::ffi::CStr;
use std::os::raw::{c_char, c_int, c_void};
use zkalloc_prover_example::{count_spans, prove, Proofs};

const SIZE: usize = 1 << 10;

extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

type PhaseCall = extern "C" fn() -> c_int;

/// A function of the preload library, or none. Weak symbols would do in C; stable Rust has none.
fn look_up(name: &'static [u8]) -> Option<PhaseCall> {
    let name = CStr::from_bytes_with_nul(name).expect("it ends in a NUL");
    // Safety: a null handle is RTLD_DEFAULT; zkalloc.h declares both functions as this type.
    unsafe {
        std::mem::transmute::<*mut c_void, Option<PhaseCall>>(dlsym(std::ptr::null_mut(), name.as_ptr()))
    }
}

/// A phase that ends when it is dropped, even by a panic.
struct Phase(Option<PhaseCall>);

impl Phase {
    fn begin() -> Phase {
        let begun = look_up(b"zk_begin_phase\0").map_or(false, |begin| begin() == 0);
        Phase(if begun { look_up(b"zk_end_phase\0") } else { None })
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        if let Some(end) = self.0 {
            end();
        }
    }
}

fn main() {
    let rounds = std::env::args().nth(1).map_or(10, |text| text.parse().expect("rounds: a number"));
    count_spans();
    let mut proofs = Proofs::default();
    let mut phases = 0;
    for round in 0..rounds {
        let phase = Phase::begin();
        phases += u64::from(phase.0.is_some());
        proofs.add(round, prove(SIZE, round));
    }
    assert!(proofs.all_right(SIZE), "a proof that was kept is damaged");
    println!("{rounds} proofs in {phases} phases, all right");
}
