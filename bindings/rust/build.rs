//! Finds libzkalloc.a in `ZKALLOC_LIB_DIR` or by pkg-config, or builds it from the C sources next
//! to this file (`c/`). Needs no network and no other crate.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{exit, Command};

fn main() {
    for name in ["ZKALLOC_LIB_DIR", "ZKALLOC_NO_PKG_CONFIG", "PKG_CONFIG", "PKG_CONFIG_PATH", "CC"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    if env::var_os("DOCS_RS").is_some() {
        return; // documentation needs no library
    }
    let target_os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target_os != "linux" {
        fail(&format!("target {target_os}: only Linux is served: build without this crate there"));
    }
    if let Some(folder) = env::var_os("ZKALLOC_LIB_DIR") {
        in_folder(Path::new(&folder));
    } else if env::var_os("ZKALLOC_NO_PKG_CONFIG").is_some() || !by_pkg_config() {
        from_sources();
    }
}

fn fail(message: &str) -> ! {
    eprintln!("zkalloc: {message}");
    exit(2);
}

fn link(folder: &Path) {
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=static=zkalloc");
    println!("cargo:rustc-link-lib=dl"); // glibc before 2.34 has dlsym there
    println!("cargo:rustc-link-lib=pthread");
}

/// `ZKALLOC_LIB_DIR` is final: a wrong folder is an error, not a reason to look elsewhere.
fn in_folder(folder: &Path) {
    let library = folder.join("libzkalloc.a");
    if !library.is_file() {
        fail(&format!(
            "ZKALLOC_LIB_DIR={}: no libzkalloc.a there: name the folder that has it (build/alloc after make build), or unset it",
            folder.display()
        ));
    }
    println!("cargo:rerun-if-changed={}", library.display());
    link(folder);
}

/// Uses an installed library of exactly this version. False when there is none.
fn by_pkg_config() -> bool {
    let program = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let version = env::var("CARGO_PKG_VERSION").expect("cargo says the version");
    // A library of the host is of no use when cross-compiling.
    if env::var("HOST").ok() != env::var("TARGET").ok() {
        return false;
    }
    let found = Command::new(&program)
        .args(["--exact-version", &version, "zkalloc"])
        .output()
        .map_or(false, |output| output.status.success());
    if !found {
        return false;
    }
    let output = match Command::new(&program).args(["--variable=libdir", "zkalloc"]).output() {
        Ok(output) if output.status.success() => output,
        _ => return false,
    };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if !folder.join("libzkalloc.a").is_file() {
        return false;
    }
    link(&folder);
    true
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| {
        fail(&format!(
            "{}: {error}: the C sources are missing: set ZKALLOC_LIB_DIR, or install zkalloc where pkg-config finds it",
            folder.display()
        ))
    });
    let mut sources: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension().map_or(false, |extension| extension == "c") && !path.ends_with(STAND_IN)
        })
        .collect();
    sources.sort();
    sources
}

fn run(command: &mut Command) {
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => fail(&format!("{command:?}: {status}")),
        Err(error) => {
            fail(&format!("{command:?}: {error}: install a C compiler (or set CC), or set ZKALLOC_LIB_DIR"))
        }
    }
}

/// The folders of the allocator's sources: the same as `ZKALLOC_ROOMS` in alloc/CMakeLists.txt.
const ROOMS: [&str; 5] = ["os", "arena", "tools", "audit", "start"];
/// The file that stands in for the audit in a build without it.
const STAND_IN: &str = "without_audit.c";

/// The thread-local storage model is initial-exec, so that the library can be part of a shared
/// object, too.
fn from_sources() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where")).join("c");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to"));
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let archive = out.join("libzkalloc.a");
    let mut objects = Vec::new();

    for folder in ROOMS.iter().chain(&["include"]) {
        println!("cargo:rerun-if-changed={}", root.join(folder).display());
    }
    for source in ROOMS.iter().flat_map(|room| sources(&root.join(room))) {
        let object = out.join(source.file_stem().expect("it has a name")).with_extension("o");
        run(Command::new(&compiler)
            .args(["-std=gnu11", "-O2", "-g", "-fPIC", "-pthread", "-fvisibility=hidden"])
            .args(["-D_GNU_SOURCE", "-DZK_TLS_MODEL=\"initial-exec\""])
            .args(ROOMS.iter().chain(&["include"]).map(|folder| format!("-I{}", root.join(folder).display())))
            .arg("-c")
            .arg(&source)
            .arg("-o")
            .arg(&object));
        objects.push(object);
    }
    let _ = fs::remove_file(&archive); // ar would add to an existing archive
    run(Command::new("ar").arg("crs").arg(&archive).args(&objects));
    link(&out);
}
