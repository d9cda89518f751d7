//! The functions of `zkalloc.h` that the crate uses. Each is safe to call from any thread at any
//! time, except from a signal handler; only pointers are unsafe, as with `malloc`.

use std::os::raw::{c_int, c_void};

/// `struct zk_stats`, followed by room for fields that a later library may add.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawStats {
    pub phases: u64,
    pub arena_count: u64,
    pub arena_bytes: u64,
    pub system_count: u64,
    pub system_bytes: u64,
    pub overflow_count: u64,
    pub overflow_bytes: u64,
    pub retained_count: u64,
    pub rewinds: u64,
    pub walks: u64,
    pub reuses: u64,
    pub reclaimed_bytes: u64,
    pub pinned_chunks: u64,
    pub pinned_bytes: u64,
    pub orphans: u64,
    pub slabs: u64,
    pub slab_bytes: u64,
    pub slabs_in_use: u64,
    pub misuses: u64,
    pub rest: [u64; 64],
}

extern "C" {
    pub fn zk_malloc(size: usize) -> *mut c_void;
    pub fn zk_calloc(count: usize, size: usize) -> *mut c_void;
    pub fn zk_aligned_alloc(align: usize, size: usize) -> *mut c_void;
    pub fn zk_aligned_calloc(align: usize, count: usize, size: usize) -> *mut c_void;
    pub fn zk_realloc_sized(p: *mut c_void, old_size: usize, align: usize, size: usize) -> *mut c_void;
    pub fn zk_free_sized(p: *mut c_void, size: usize);
    pub fn zk_owns(p: *const c_void) -> bool;
    pub fn zk_begin_phase() -> c_int;
    pub fn zk_end_phase() -> c_int;
    pub fn zk_discard_phase() -> c_int;
    pub fn zk_wipe_phase() -> c_int;
    pub fn zk_on_phase_end(hook: extern "C" fn(*mut c_void), arg: *mut c_void) -> c_int;
    pub fn zk_high_water() -> usize;
    pub fn zk_stats(stats: *mut RawStats) -> c_int;
    pub fn zk_reset_stats();
}

#[cfg(test)]
mod tests {
    use super::RawStats;
    use std::fs;
    use std::mem::{size_of, MaybeUninit};
    use std::path::Path;
    use std::process::Command;
    use std::ptr::addr_of;

    /// The offset of each field according to the C compiler, and in the last line the size of the
    /// struct.
    fn offsets_in_c(fields: &[&str]) -> Vec<usize> {
        let out = Path::new(env!("OUT_DIR")).join("layout");
        let source = out.with_extension("c");
        let mut text = String::from("#include <stdio.h>\n#include \"zkalloc.h\"\nint main(void)\n{\n");
        text.extend(
            fields
                .iter()
                .map(|field| format!("    printf(\"%zu\\n\", offsetof(struct zk_stats, {field}));\n")),
        );
        text += "    printf(\"%zu\\n\", sizeof(struct zk_stats));\n}\n";
        fs::write(&source, text).unwrap();
        let compiled = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
            .arg("-I")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/c/include"))
            .arg(&source)
            .arg("-o")
            .arg(&out)
            .status()
            .unwrap();
        assert!(compiled.success());
        let output = Command::new(&out).output().unwrap().stdout;
        String::from_utf8(output).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }

    #[test]
    fn fields_lie_where_the_header_has_them() {
        let raw = MaybeUninit::<RawStats>::uninit();
        let base = raw.as_ptr();
        let mut names = Vec::new();
        let mut ours = Vec::new();
        macro_rules! note {
            ($($field:ident)*) => {$(
                names.push(stringify!($field));
                // Safety: addresses only.
                ours.push(unsafe { addr_of!((*base).$field) } as usize - base as usize);
            )*};
        }
        note!(phases arena_count arena_bytes system_count system_bytes overflow_count overflow_bytes
              retained_count rewinds walks reuses reclaimed_bytes pinned_chunks pinned_bytes orphans slabs
              slab_bytes slabs_in_use misuses);
        let mut in_c = offsets_in_c(&names);
        let size = in_c.pop().unwrap();
        assert_eq!(ours, in_c);
        assert!(size <= size_of::<RawStats>(), "the library would write {size} bytes");
    }
}
