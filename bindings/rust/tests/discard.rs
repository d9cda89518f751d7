//! A phase that is discarded: what was not freed in it is dead at the next begin. This is a program
//! of its own, since nobody may keep blocks of such a phase, not even a test harness.

use zkalloc::{owns, phase, Phase, Zkalloc};

#[global_allocator]
static GLOBAL: Zkalloc = Zkalloc;

fn leak_in_a_phase() -> Phase {
    let phase = Phase::begin().expect("no other phase is active");
    let leaked = Box::leak(vec![7u8; 5000].into_boxed_slice());
    assert!(owns(leaked.as_ptr()));
    phase
}

fn main() {
    drop(leak_in_a_phase());
    phase(|| ());
    assert_eq!(zkalloc::stats().retained_count, 1); // control: ending alone keeps it
    for _ in 0..100 {
        let phase = leak_in_a_phase();
        // Safety: the leaked block is not used again.
        unsafe { phase.discard() }.expect("the phase was active");
    }
    phase(|| ());
    assert_eq!(zkalloc::stats().retained_count, 1);
    println!("discard: ok");
}
