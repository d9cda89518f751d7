//! As the global allocator, with every size in the arena: layouts, phases, and what is kept across.

use std::alloc::{alloc, alloc_zeroed, dealloc, realloc, Layout};
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use zkalloc::{owns, phase, try_phase, Phase, Refused, Zkalloc};

#[global_allocator]
static GLOBAL: Zkalloc = Zkalloc;

/// Phases belong to the process: one test at a time. The settings are read at the first begin.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    let guard = LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    std::env::set_var("ZK_ALLOC_MIN_BYTES", "0");
    std::env::set_var("ZK_ALLOC_RECYCLE", "pinned");
    std::env::set_var("ZK_ALLOC_PRETENURE", "off"); // sizes stay where the tests look for them
    guard
}

fn no_phase_is_open() -> bool {
    Phase::begin().is_ok()
}

/// Safety: bytes from p on are allocated.
unsafe fn is_all(p: *const u8, bytes: usize, value: u8) -> bool {
    (0..bytes).all(|i| *p.add(i) == value)
}

fn check_layouts() {
    for shift in 0..17 {
        for size in [1, 15, 16, 17, 100, 4095, 4096, 70_000] {
            let layout = Layout::from_size_align(size, 1 << shift).unwrap();
            let larger = Layout::from_size_align(3 * size, 1 << shift).unwrap();
            // Safety: each block is used within its layout, and freed with it.
            unsafe {
                let p = alloc(layout);
                assert!(!p.is_null() && p as usize % layout.align() == 0);
                p.write_bytes(0xab, size);
                let p = realloc(p, layout, larger.size());
                assert!(!p.is_null() && p as usize % layout.align() == 0);
                assert!(is_all(p, size, 0xab));
                p.write_bytes(0xab, larger.size());
                let p = realloc(p, larger, size);
                assert!(p as usize % layout.align() == 0 && is_all(p, size, 0xab));
                dealloc(p, layout);
                let zeroed = alloc_zeroed(larger);
                assert!(!zeroed.is_null() && zeroed as usize % layout.align() == 0);
                assert!(is_all(zeroed, larger.size(), 0));
                zeroed.write_bytes(0xcd, larger.size());
                dealloc(zeroed, larger);
            }
        }
    }
}

#[test]
fn layouts_in_a_phase_and_outside() {
    let _alone = alone();
    for _ in 0..3 {
        check_layouts();
        phase(check_layouts);
    }
}

#[test]
fn a_phase_is_in_the_arena_and_outside_is_not() {
    let _alone = alone();
    let inside = phase(|| Box::new([1u8; 100]));
    assert!(owns(&*inside));
    assert!(!owns(&*Box::new([1u8; 100])));
}

#[test]
fn a_panic_inside_leaves_no_phase_open() {
    let _alone = alone();
    let result = catch_unwind(|| phase(|| panic!("on purpose")));
    let payload = result.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose")); // it goes on
    assert!(no_phase_is_open());
    assert!(!owns(&*Box::new(1u64)));
    let result = catch_unwind(|| {
        let _phase = Phase::begin().unwrap();
        panic!("on purpose");
    });
    assert!(result.is_err() && no_phase_is_open());
}

#[test]
fn a_phase_inside_a_phase() {
    let _alone = alone();
    let phases = zkalloc::stats().phases;
    assert_eq!(phase(|| phase(|| 3)), 3); // the inner one is part of the outer one
    assert_eq!(zkalloc::stats().phases, phases + 1);
    phase(|| {
        assert_eq!(Phase::begin().unwrap_err(), Refused::Nested);
        assert_eq!(try_phase(|| -> u8 { unreachable!() }), Err(Refused::Nested));
        phase(|| ());
        assert!(owns(&*Box::new(1u64))); // and the outer one is still active
    });
    assert!(no_phase_is_open());
}

#[test]
fn another_threads_phase_is_refused() {
    let _alone = alone();
    let _phase = Phase::begin().unwrap();
    let refused = std::thread::spawn(|| Phase::begin().unwrap_err()).join().unwrap();
    assert_eq!(refused, Refused::Foreign);
}

#[test]
fn hooks_run_after_each_phase_once() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let _alone = alone();
    zkalloc::on_phase_end(|| {
        assert!(!owns(&*Box::new(1u64)));
        RUNS.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    let before = RUNS.load(Ordering::SeqCst);
    phase(|| ());
    let _ = catch_unwind(|| phase(|| panic!("on purpose")));
    assert_eq!(RUNS.load(Ordering::SeqCst), before + 2);
}

#[test]
fn high_water_is_what_the_phase_before_used() {
    let _alone = alone();
    phase(|| drop(vec![1u8; 300_000]));
    let used = phase(zkalloc::high_water);
    assert!((300_000..600_000).contains(&used), "{used}");
}

#[test]
fn counts_are_counted() {
    let _alone = alone();
    zkalloc::reset_stats();
    let kept = phase(|| vec![1u8; 5000]);
    let counted = zkalloc::stats();
    assert_eq!(counted.phases, 1);
    assert!(counted.arena_count >= 1 && counted.arena_bytes >= 5000);
    phase(|| ());
    assert!(zkalloc::stats().retained_count >= 1);
    drop(kept);
}

#[test]
fn containers_that_cross_1000_phases() {
    let _alone = alone();
    let mut map = HashMap::new();
    let mut list = Vec::new();
    let mut shared = Arc::new(vec![0u32; 3000]);
    for round in 0..1000u32 {
        phase(|| {
            map.insert(round, vec![round; 50]);
            list.push(format!("round {round}"));
            if round % 10 == 0 {
                shared = Arc::new(vec![round; 3000]);
            }
            let filler = vec![0xaau8; zkalloc::high_water() + 1];
            assert_eq!(filler[filler.len() / 2], 0xaa);
        });
        assert!(shared.iter().all(|&word| word == round - round % 10));
    }
    for round in 0..1000u32 {
        assert_eq!(map[&round], vec![round; 50]);
        assert_eq!(list[round as usize], format!("round {round}"));
    }
}
