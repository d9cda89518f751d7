//! The harness (../harness/repro.h), for Rust: a program describes itself with `repro!`, and the
//! harness's main runs its body in the same ways as that of a C repro. Everything that the program
//! allocates comes from zkalloc.

use std::any::Any;
use std::ffi::CString;
use std::mem::size_of;
use std::os::raw::{c_char, c_uint, c_ulong, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;

pub mod pool;
pub mod spans;

pub use zkalloc::Zkalloc;

include!(concat!(env!("OUT_DIR"), "/layout.rs"));

/// `struct repro_option`.
#[repr(C)]
pub struct ReproOption {
    pub name: *const c_char,
    pub meaning: *const c_char,
    pub initial: c_ulong,
    pub least: c_ulong,
    pub most: c_ulong,
    pub words: *const *const c_char,
    pub counts: *const c_char,
}

/// `struct repro`.
#[repr(C)]
pub struct Repro {
    pub id: *const c_char,
    pub slug: *const c_char,
    pub class: *const c_char,
    pub title: *const c_char,
    pub seed: *const c_char,
    pub severity: *const c_char,
    pub claim: *const c_char,
    pub explain: *const c_char,
    pub body: extern "C" fn(*mut c_void),
    pub expect: [c_uint; 6],
    pub expect_here: *const c_void,
    pub damage: *const c_void,
    pub cycles: c_uint,
    pub threads: c_uint,
    pub at_length: *const c_char,
    pub filler: u64,
    pub slab_bytes: usize,
    pub variants: *const c_void,
    pub options: *const ReproOption,
    pub findings: *const c_void,
    pub law: *const c_void,
}

// Safety: it points to literals, and is only read.
unsafe impl Sync for Repro {}
unsafe impl Sync for ReproOption {}

const _: () = assert!(size_of::<Repro>() == REPRO_BYTES);
const _: () = assert!(size_of::<ReproOption>() == REPRO_OPTION_BYTES);
const _: () = assert!(REPRO_LAW_OFFSET == REPRO_BYTES - size_of::<usize>());
const _: () = assert!(REPRO_FILLER_OFFSET == REPRO_BYTES - 6 * size_of::<usize>());

pub const NO_OPTION: ReproOption = ReproOption {
    name: ptr::null(),
    meaning: ptr::null(),
    initial: 0,
    least: 0,
    most: 0,
    words: ptr::null(),
    counts: ptr::null(),
};

/// Any outcome of a run. Under the profiles that permit damage, outcomes are not declared here, but
/// compared with the model's (scripts/crates.sh).
pub const ANY: c_uint = 0x7f;
pub const CLEAN: c_uint = 1;

/// Text for C.
#[macro_export]
macro_rules! c {
    ($text:expr) => {
        concat!($text, "\0").as_ptr().cast::<std::os::raw::c_char>()
    };
}

/// The descriptor: the name of the model's repro, one line, the body, and the options, whose names and
/// values are the model's.
#[macro_export]
macro_rules! repro {
    ($slug:literal, $title:literal, $body:path $(, $option:literal: $meaning:literal, $initial:literal)*) => {
        #[global_allocator]
        static GLOBAL: $crate::Zkalloc = $crate::Zkalloc;

        static OPTIONS: &[$crate::ReproOption] = &[
            $($crate::ReproOption {
                name: $crate::c!($option),
                meaning: $crate::c!($meaning),
                initial: $initial,
                least: 0,
                most: 1 << 24,
                ..$crate::NO_OPTION
            },)*
            $crate::NO_OPTION,
        ];

        extern "C" fn c_body(run: *mut std::os::raw::c_void) {
            // Safety: the harness calls it with its run.
            $crate::run_body(unsafe { $crate::Run::from_raw(run) }, $body);
        }

        #[no_mangle]
        #[used]
        #[allow(non_upper_case_globals)]
        pub static repro: $crate::Repro = $crate::Repro {
            id: $crate::c!("-"),
            slug: $crate::c!($slug),
            class: $crate::c!("real crate"),
            title: $crate::c!($title),
            seed: $crate::c!("-"),
            severity: $crate::c!("high"),
            claim: std::ptr::null(),
            explain: $crate::c!("The real crate beside the model of the same name, which tells the story.\n"),
            body: c_body,
            expect: [$crate::ANY, $crate::ANY, $crate::ANY, $crate::ANY, $crate::CLEAN, $crate::CLEAN],
            expect_here: std::ptr::null(),
            damage: std::ptr::null(),
            cycles: 0,
            threads: 0,
            at_length: std::ptr::null(),
            filler: 0,
            slab_bytes: 0,
            variants: std::ptr::null(),
            options: OPTIONS.as_ptr(),
            findings: std::ptr::null(),
            law: std::ptr::null(),
        };
    };
}

type Act = extern "C" fn(*mut c_void);
type Reach = extern "C" fn(*mut c_void, Act, *mut c_void);

extern "C" {
    fn repro_cycles(run: *const c_void) -> c_uint;
    fn repro_threads(run: *const c_void) -> c_uint;
    fn repro_option(run: *const c_void, name: *const c_char) -> c_ulong;
    fn repro_cycle(run: *mut c_void);
    fn repro_begin(run: *mut c_void) -> bool;
    fn repro_end(run: *mut c_void);
    fn repro_check(run: *mut c_void);
    fn repro_refill(run: *mut c_void);
    fn repro_fill_with(run: *mut c_void, word: u64);
    fn repro_wrong(run: *mut c_void, format: *const c_char, ...);
    fn repro_spawn(run: *mut c_void) -> *mut c_void;
    fn repro_on(thread: *mut c_void, act: Act, arg: *mut c_void);
    fn repro_join(run: *mut c_void, thread: *mut c_void);
    fn repro_team(run: *mut c_void, reach: Option<Reach>, team: *mut c_void);
    fn repro_on_flush(run: *mut c_void, drain: Act, arg: *mut c_void);
}

/// A run of the harness. Its methods are those of repro.h.
#[derive(Clone, Copy)]
pub struct Run(*mut c_void);

// Safety: only `wrong` is called on other threads, which repro.h allows.
unsafe impl Send for Run {}
unsafe impl Sync for Run {}

/// A thread of the harness's.
#[derive(Clone, Copy)]
pub struct Thread(*mut c_void);

fn text_of(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text.to_string(),
        (_, Some(text)) => text.clone(),
        _ => String::from("a panic"),
    }
}

extern "C" fn act_on<F: FnMut()>(arg: *mut c_void) {
    // Safety: `on` lends it for as long as this runs.
    let (run, act) = unsafe { &mut *arg.cast::<(Run, F)>() };
    run.guarded(act);
}

impl Run {
    /// Safety: run comes from the harness.
    pub unsafe fn from_raw(run: *mut c_void) -> Run {
        Run(run)
    }

    /// A panic means that the crate has noticed the damage: the cycle is corrupt, as when a model
    /// reports it.
    fn guarded(&self, act: impl FnMut()) -> bool {
        match catch_unwind(AssertUnwindSafe(act)) {
            Ok(()) => true,
            Err(payload) => {
                self.wrong(&format!("panic: {}", text_of(&*payload)));
                std::mem::forget(payload); // it may be in damaged memory
                false
            }
        }
    }

    pub fn cycles(&self) -> u32 {
        unsafe { repro_cycles(self.0) }
    }

    pub fn threads(&self) -> u32 {
        unsafe { repro_threads(self.0) }
    }

    /// name ends in a NUL.
    pub fn option(&self, name: &'static str) -> usize {
        assert!(name.ends_with('\0'));
        unsafe { repro_option(self.0, name.as_ptr().cast()) as usize }
    }

    pub fn cycle(&self) {
        unsafe { repro_cycle(self.0) }
    }

    pub fn begin(&self) -> bool {
        unsafe { repro_begin(self.0) }
    }

    pub fn end(&self) {
        unsafe { repro_end(self.0) }
    }

    pub fn check(&self) {
        unsafe { repro_check(self.0) }
    }

    pub fn refill(&self) {
        unsafe { repro_refill(self.0) }
    }

    pub fn fill_with(&self, word: u64) {
        unsafe { repro_fill_with(self.0, word) }
    }

    pub fn wrong(&self, text: &str) {
        let line: Vec<u8> = text.bytes().map(|byte| if byte < b' ' { b' ' } else { byte }).collect();
        let line = CString::new(line).expect("it has no NUL");
        unsafe { repro_wrong(self.0, c!("%s"), line.as_ptr()) }
    }

    pub fn spawn(&self) -> Thread {
        Thread(unsafe { repro_spawn(self.0) })
    }

    /// Runs act on the thread, and returns when it has. False when it has panicked.
    pub fn on<F: FnMut() -> bool + Send>(&self, thread: Thread, mut act: F) -> bool {
        let mut done = false;
        let mut call = (*self, || done = act());
        // Safety: call outlives the call, and its type is the one that act_on takes it for.
        unsafe { start_on(thread, &mut call) };
        done
    }

    pub fn join(&self, thread: Thread) {
        unsafe { repro_join(self.0, thread.0) }
    }

    /// The workers of a pool take part in phases.
    pub fn team(&self, pool: Option<&'static rayon::ThreadPool>) {
        let (reach, team) = match pool {
            Some(pool) => (Some(reach_pool as Reach), pool as *const rayon::ThreadPool as *mut c_void),
            None => (None, ptr::null_mut()),
        };
        unsafe { repro_team(self.0, reach, team) }
    }

    /// Under profile flush, drain runs at the end of each phase.
    pub fn on_flush(&self, drain: fn()) {
        unsafe { repro_on_flush(self.0, call_drain, drain as *mut c_void) }
    }
}

unsafe fn start_on<F: FnMut()>(thread: Thread, call: &mut (Run, F)) {
    repro_on(thread.0, act_on::<F>, (call as *mut (Run, F)).cast());
}

extern "C" fn call_drain(drain: *mut c_void) {
    // Safety: on_flush made it from this type.
    let drain: fn() = unsafe { std::mem::transmute(drain) };
    drain();
}

struct Argument(*mut c_void);
// Safety: the harness says that act may be called on each thread of the team.
unsafe impl Send for Argument {}
unsafe impl Sync for Argument {}

extern "C" fn reach_pool(pool: *mut c_void, act: Act, arg: *mut c_void) {
    // Safety: team is a pool that lives for ever.
    let pool = unsafe { &*(pool as *const rayon::ThreadPool) };
    let arg = Argument(arg);
    let arg = &arg;
    pool.broadcast(|_| act(arg.0));
}

/// The entry point for the harness's main.
pub fn run_body(run: Run, body: fn(Run)) {
    std::panic::set_hook(Box::new(|_| ())); // no message: the report tells
    run.guarded(|| body(run));
}
