// Blocks that a crate allocates are attributed to the line of this file that called it; blocks that it allocates on
// threads of its own belong to no line here, and are shown as the crate's.
use crossbeam::queue::SegQueue;
use hashbrown::HashMap;
use rayon::prelude::*;
use std::ffi::c_void;
use std::os::raw::{c_char, c_int};
use std::sync::{Arc, Mutex};

extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

fn call(name: &[u8]) {
    unsafe {
        let function = dlsym(std::ptr::null_mut(), name.as_ptr() as *const c_char);
        if !function.is_null() {
            let function: unsafe extern "C" fn() -> c_int = std::mem::transmute(function);
            function();
        }
    }
}

type Table = Arc<Vec<u64>>;

static POOL: Mutex<Option<HashMap<u64, [u64; 8]>>> = Mutex::new(None);
static SQUARES: Mutex<Option<Table>> = Mutex::new(None);
static CHUNKS: Mutex<Vec<Vec<u32>>> = Mutex::new(Vec::new());
static QUEUE: Mutex<Option<SegQueue<[u64; 64]>>> = Mutex::new(None);

#[inline(never)]
fn make() {
    let mut pool = HashMap::new();
    pool.reserve(600); // PLANT:pool ~ make
    for i in 0..600u64 {
        pool.insert(i, [i; 8]);
    }
    *POOL.lock().unwrap() = Some(pool);
    let squares: Vec<u64> = (0..4000u64).into_par_iter().map(|x| x * x).collect(); // PLANT:squares 32000 make
    *SQUARES.lock().unwrap() = Some(Arc::new(squares));
    let queue = SegQueue::new();
    queue.push([3; 64]); // PLANT:queue ~ make
    *QUEUE.lock().unwrap() = Some(queue);
}

#[inline(never)]
fn in_parallel() {
    let chunks = (0..64u32)
        .into_par_iter()
        .map(|i| vec![i; 2000]) // PLANT:chunks 8000 in_parallel
        .collect();
    *CHUNKS.lock().unwrap() = chunks;
}

#[inline(never)]
fn use_all() -> u64 {
    let mut sum = 0;
    sum += POOL.lock().unwrap().as_ref().unwrap()[&33][2]; // STALE:pool
    sum += SQUARES.lock().unwrap().as_ref().unwrap()[55]; // STALE:squares
    sum += CHUNKS.lock().unwrap()[7][70] as u64; // STALE:chunks
    sum += QUEUE.lock().unwrap().as_ref().unwrap().pop().map_or(0, |item| item[5]); // STALE:queue
    sum
}

fn main() {
    let mut total = 0u64;
    for round in 0..2 {
        call(b"zk_begin_phase\0");
        if round == 0 {
            make();
            in_parallel();
        } else {
            total = total.wrapping_add(use_all());
        }
        call(b"zk_end_phase\0");
    }
    std::process::exit(if total == 1 { 1 } else { 0 });
}
