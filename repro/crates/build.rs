//! Links the harness, whose main calls the program's body, and asks the C compiler for the layout
//! of the harness's structs, so that the Rust ones cannot differ unnoticed.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const LAYOUT: &str = r#"
#include <stdio.h>
#include "repro.h"
int main(void)
{
    printf("pub const REPRO_BYTES: usize = %zu;\n", sizeof(struct repro));
    printf("pub const REPRO_OPTION_BYTES: usize = %zu;\n", sizeof(struct repro_option));
    printf("pub const REPRO_FILLER_OFFSET: usize = %zu;\n", offsetof(struct repro, filler));
    printf("pub const REPRO_LAW_OFFSET: usize = %zu;\n", offsetof(struct repro, law));
}
"#;

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("../..");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let build = env::var("ZKALLOC_BUILD").expect("set ZKALLOC_BUILD to the build folder: run make crates");

    for file in ["repro/libharness.a", "alloc/libzkalloc.a"] {
        println!("cargo:rustc-link-arg-bins={build}/{file}");
        println!("cargo:rerun-if-changed={build}/{file}");
    }
    println!("cargo:rerun-if-env-changed=ZKALLOC_BUILD");
    let source = out.join("layout.c");
    let program = out.join("layout");
    fs::write(&source, LAYOUT).unwrap();
    let compiled = Command::new("cc")
        .arg("-I")
        .arg(root.join("alloc/include"))
        .arg("-I")
        .arg(root.join("repro/harness"))
        .args([&source, &PathBuf::from("-o"), &program])
        .status()
        .expect("cc runs");
    assert!(compiled.success(), "the harness's header does not compile");
    let said = Command::new(&program).output().unwrap().stdout;
    fs::write(out.join("layout.rs"), said).unwrap();
    println!("cargo:rerun-if-changed={}", root.join("repro/harness/repro.h").display());
}
