#!/usr/bin/env bash
# The crate of bindings/rust: tests, clippy, format, package, and the prover example, with Debian's
# Rust, or CARGO's. Prints the name of each step that cannot be run. Exit status: 0; 1 something
# failed; 2 wrong usage; 3 no build; 77 no cargo.
set -euo pipefail

name=rust
source=$(realpath "$(dirname "$0")/..")
# shellcheck source=script_common.sh
. "$source/scripts/script_common.sh"
want_arguments 1 1 BUILD "$@"
[[ -f $1/alloc/libzkalloc.a ]] || no_data "$1/alloc/libzkalloc.a: no such library: run make build"
build=$(realpath "$1")
crate=$source/bindings/rust
folder=${CRATES_FOLDER:-/usr/share/cargo/registry}

cargo=${CARGO:-/usr/bin/cargo}
command -v "$cargo" >/dev/null || { echo "rust: skipped: no $cargo: scripts/bootstrap.sh --crates installs it" >&2; exit 77; }
# The compiler and cargo's subcommands come from cargo's own folder.
PATH=$(dirname "$(command -v "$cargo")"):$PATH
export PATH CARGO_TARGET_DIR=$build/cargo CARGO_BUILD_JOBS=${CARGO_BUILD_JOBS:-$(nproc)} ZKALLOC_NO_PKG_CONFIG=1
unset ZKALLOC_LIB_DIR RUSTC

scratch=$(mktemp -d "$build/rust.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
failed=0
step() {
    local name=$1
    shift
    if "$@" >"$scratch/log" 2>&1; then
        echo "rust: $name: ok"
    else
        cat "$scratch/log" >&2
        echo "rust: $name: FAILED: $*" >&2
        failed=1
    fi
}
skip() { echo "rust: $1: skipped: $2" >&2; }

# A command that must fail, and what it must print.
refuses() {
    local words=$1
    shift
    ! "$@" >"$scratch/refused" 2>&1 && grep -q -e "$words" "$scratch/refused"
}

cd "$crate"
step "tests, library built from source" "$cargo" test --offline --quiet
step "tests, feature drain-rayon" "$cargo" test --offline --quiet --features drain-rayon --lib
step "tests, ZKALLOC_LIB_DIR" env ZKALLOC_LIB_DIR="$build/alloc" "$cargo" test --offline --quiet --tests
# The same programs with the preload library: there is only one arena.
mapfile -t programs < <(ZKALLOC_LIB_DIR=$build/alloc "$cargo" test --offline --tests --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
((${#programs[@]} > 0)) || { echo "rust: no test programs were built" >&2; failed=1; }
for program in "${programs[@]}"; do
    step "preloaded, $(basename "$program" | sed 's/-[0-9a-f]*$//')" \
        env ZK_ALLOC_MIN_BYTES=0 ZK_ALLOC_PRETENURE=off LD_PRELOAD="$build/alloc/libzkalloc-preload.so" "$program"
done
step "ZKALLOC_LIB_DIR without a library is an error" refuses 'no libzkalloc.a there' \
    env ZKALLOC_LIB_DIR="$scratch" CARGO_TARGET_DIR="$scratch/target" "$cargo" build --offline
if command -v pkg-config >/dev/null; then
    DESTDIR=$scratch/install "$source/scripts/install.sh" "$build" /usr >/dev/null 2>&1
    pc=$(dirname "$(find "$scratch/install" -name zkalloc.pc)")
    # Without the library's sources in the crate, so that it must have been found.
    cp -rL "$crate" "$scratch/crate"
    rm -rf "$scratch/crate/c"
    step "library found by pkg-config" env -u ZKALLOC_NO_PKG_CONFIG PKG_CONFIG_PATH="$pc" \
        CARGO_TARGET_DIR="$scratch/target" "$cargo" test --offline --quiet --manifest-path "$scratch/crate/Cargo.toml" \
        --test global
else
    skip "library found by pkg-config" "no pkg-config"
fi
if "$cargo" clippy --version >/dev/null 2>&1; then
    step "clippy" "$cargo" clippy --offline --quiet --all-targets --features drain-rayon -- -D warnings
else
    skip clippy "not installed (Debian's rust-clippy)"
fi
if "$cargo" fmt --version >/dev/null 2>&1; then
    step "format" "$cargo" fmt --check
    step "format, repro/crates" "$cargo" fmt --check --manifest-path "$source/repro/crates/Cargo.toml"
    step "format, prover" "$cargo" fmt --check --manifest-path "$crate/prover/Cargo.toml"
else
    skip format "not installed (Debian's rustfmt)"
fi
step "package" "$cargo" package --offline --quiet --allow-dirty

# ---- The prover example: rayon, tracing and std's containers, for 1000 phases ----

prover() {
    local status=0
    timeout 60 "$@" >"$scratch/prover" 2>&1 || status=$?
    cat "$scratch/prover"
    return "$status"
}
# Blind at MIN_BYTES 0 must not succeed: the prover dies, hangs, or reports damage.
prover_fails() { ! prover "$@" || return 1; }
says() {
    local words=$1
    shift
    prover "$@" && grep -q -e "$words" "$scratch/prover"
}

if [[ -d $folder ]]; then
    printf '[source.crates-io]\nreplace-with = "folder"\n[source.folder]\ndirectory = "%s"\n' "$folder" >"$scratch/config.toml"
    cd "$crate/prover"
    rm -f Cargo.lock
    step "prover builds" env ZKALLOC_LIB_DIR="$build/alloc" CARGO_TARGET_DIR="$build/crates/target" \
        "$cargo" build --release --offline --quiet --config "$scratch/config.toml"
    global=$build/crates/target/release/global preloaded=$build/crates/target/release/preloaded
    preload=$build/alloc/libzkalloc-preload.so
    step "prover, pinned at 0, 1000 phases" says '1000 proofs in 1000 phases, all right' \
        env ZK_ALLOC_MIN_BYTES=0 ZK_ALLOC_RECYCLE=pinned "$global" 1000
    step "prover, blind at 0: fails" prover_fails env ZK_ALLOC_MIN_BYTES=0 ZK_ALLOC_RECYCLE=blind timeout 10 "$global" 1000
    step "prover, queues drained" says '20 proofs in 20 phases' env DRAIN=1 "$global" 20
    step "prover, without the library" says '20 proofs in 0 phases, all right' "$preloaded" 20
    step "prover, preloaded, 1000 phases" says '1000 proofs in 1000 phases, all right' \
        env LD_PRELOAD="$preload" ZK_ALLOC_MIN_BYTES=0 "$preloaded" 1000
    step "prover, linked and preloaded" says '100 proofs in 100 phases, all right' \
        env LD_PRELOAD="$preload" ZK_ALLOC_MIN_BYTES=0 "$global" 100
else
    skip "prover" "no folder of crates $folder (scripts/bootstrap.sh --crates)"
fi
exit "$failed"
