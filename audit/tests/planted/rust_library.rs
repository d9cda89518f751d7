// Blocks that Rust's library allocates are attributed to the line that asked for them; with --cfg shim they come through
// an allocator of the program's own, which would otherwise be blamed for all. Needs only the standard library.
use std::collections::{BTreeMap, HashMap, VecDeque};
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

#[cfg(shim)]
mod shim {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    pub struct Counting;
    pub static COUNT: AtomicUsize = AtomicUsize::new(0);

    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            COUNT.fetch_add(1, Relaxed);
            System.alloc(layout)
        }
        unsafe fn realloc(&self, p: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
            COUNT.fetch_add(1, Relaxed);
            System.realloc(p, layout, bytes)
        }
        unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
            System.dealloc(p, layout)
        }
    }
}

#[cfg(shim)]
#[global_allocator]
static ALLOCATOR: shim::Counting = shim::Counting;

#[derive(Default)]
struct Kept {
    coefficients: Vec<u64>,
    columns: HashMap<String, u64>,
    squares: Option<Arc<Vec<u64>>>,
    name: String,
    rows: BTreeMap<u32, [u8; 600]>,
    queue: VecDeque<u32>,
    closure: Option<Box<dyn Fn(u64) -> u64 + Send>>,
    frozen: Option<Box<[u16]>>,
    unused: Vec<u8>,
}

static KEPT: Mutex<Option<Kept>> = Mutex::new(None);

#[inline(never)]
fn extend(kept: &mut Kept, count: u64) {
    for i in 0..count {
        kept.coefficients.push(i * 3); // PLANT:coefficients 65536 extend
    }
    for i in 0..20_000 {
        kept.queue.push_back(i); // PLANT:queue 131072 extend
    }
}

#[inline(never)]
fn index(kept: &mut Kept) {
    for i in 0..2000u64 {
        kept.columns.insert(format!("column number {}", i), i); // PLANT:columns ~ index
    }
    for i in 0..40 {
        kept.rows.insert(i, [1; 600]); // PLANT:rows ~ index
    }
}

#[inline(never)]
fn collect(kept: &mut Kept) {
    let squares: Vec<u64> = (0..2500u64).map(|x| x * x).collect(); // PLANT:squares 20000 collect
    kept.squares = Some(Arc::new(squares));
    kept.name.push_str(&"abc".repeat(2500)); // PLANT:name 7500 collect
    kept.frozen = Some(vec![5u16; 3000].into_boxed_slice()); // PLANT:frozen 6000 collect
    kept.unused.resize(9000, 1); // PLANT:unused 9000 collect
}

#[inline(never)]
fn capture(kept: &mut Kept) {
    let table = [7u64; 700];
    kept.closure = Some(Box::new(move |x| table[(x % 700) as usize] + x)); // PLANT:closure 5600 capture STALE:closure
}

/* Each under the lock, so that none is moved to where another one is. */
fn with<R>(look: impl FnOnce(&Kept) -> R) -> R {
    look(KEPT.lock().unwrap().as_ref().unwrap())
}

#[inline(never)]
fn use_all() -> u64 {
    let mut sum = 0;
    sum += with(|kept| kept.coefficients[17]); // STALE:coefficients
    sum += with(|kept| kept.queue[3]) as u64; // STALE:queue
    sum += with(|kept| *kept.columns.get("column number 77").unwrap()); // STALE:columns
    sum += with(|kept| kept.rows.get(&33).map_or(0, |row| row[5])) as u64; // STALE:rows
    sum += with(|kept| kept.squares.as_ref().unwrap()[55]); // STALE:squares
    sum += with(|kept| kept.name.as_bytes()[4000]) as u64; // STALE:name
    sum += with(|kept| kept.frozen.as_ref().unwrap()[9]) as u64; // STALE:frozen
    sum += with(|kept| kept.closure.as_ref().unwrap()(44));
    sum
}

fn main() {
    let mut total = 0u64;
    for round in 0..3 {
        call(b"zk_begin_phase\0");
        if round == 0 {
            let mut guard = KEPT.lock().unwrap();
            let kept = guard.get_or_insert_with(Kept::default);
            extend(kept, 5000);
            index(kept);
            collect(kept);
            capture(kept);
        } else {
            total = total.wrapping_add(use_all());
        }
        call(b"zk_end_phase\0");
    }
    std::process::exit(if total == 1 { 1 } else { 0 });
}
