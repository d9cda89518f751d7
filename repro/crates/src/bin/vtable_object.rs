//! std's `Box<dyn Trait>`: the vtable survives, the fields do not.
#![no_main]
use zkalloc_crates::{repro, Run};

const SENTINEL: u64 = 0x0123_4567_89ab_cdef;

trait Object {
    fn sentinel(&self) -> u64;
    fn payload_sum(&self) -> u64;
}

struct Fields {
    sentinel: u64,
    number: Box<u64>,
    payload: [u8; 8192],
}

impl Object for Fields {
    fn sentinel(&self) -> u64 {
        self.sentinel
    }

    fn payload_sum(&self) -> u64 {
        self.payload.iter().map(|&byte| u64::from(byte)).sum()
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        assert_eq!(*self.number, !SENTINEL);
    }
}

fn make() -> Box<dyn Object> {
    Box::new(Fields { sentinel: SENTINEL, number: Box::new(!SENTINEL), payload: [3; 8192] })
}

fn body(run: Run) {
    run.fill_with(0x5555_5555_5555_5555);
    let mut kept: Option<Box<dyn Object>> = None;
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        if let Some(object) = kept.take() {
            if object.sentinel() != SENTINEL || object.payload_sum() != 3 * 8192 {
                run.wrong("every call finds its function, and no field its value");
                std::mem::forget(object); // its bytes belong to the new phase
            }
        }
        kept = Some(make());
        run.end();
    }
}

repro!("vtable_object", "the fields of a boxed trait object of the phase before read filler", body);
