#!/usr/bin/env bash
# builds.sh [NAME...]: builds the project as others would: as a part of another project, with clang,
# with the flags of distributions, at every level of optimisation, for 32 bits (which is refused),
# for aarch64; and runs a little of each. The builds go to the folder BUILDS if that is set, else to
# build/builds/. A build whose compiler is missing is skipped, and its name printed.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
builds=${BUILDS:-$source/build/builds}
mkdir -p "$builds"
builds=$(cd "$builds" && pwd)
jobs=${JOBS:-$(nproc)}
failed=0
fail() { echo "builds: $1: $2" >&2; failed=1; }

# build NAME OPTION...: configures and builds what is run here (by clang, whose warnings are others, all but tests and benchmarks:
# link-time optimisation of each repro takes minutes), without any warning, and runs a repro that must go wrong and one
# that must not.
build() {
    local name=$1 log=$builds/$1.log slug
    local targets=(zkalloc zkalloc-preload zk-audit zk-sweep retained_table injector_block span_registry_pages)
    shift
    [[ $name != clang ]] || targets=(all)
    echo "builds: $name"
    if ! { cmake -S "$source" -B "$builds/$name" -DZKALLOC_WERROR=ON -DZKALLOC_BUILD_TESTS=OFF \
        -DZKALLOC_BUILD_BENCH=OFF "$@" && cmake --build "$builds/$name" --parallel "$jobs" --target "${targets[@]}"; } >"$log" 2>&1; then
        grep -m 20 -E 'warning:|error:|undefined|\*\*\*' "$log" >&2 || true
        fail "$name" "does not build: see $log"
        return
    fi
    for slug in injector_block span_registry_pages; do
        for profile in seed pinned system; do
            "$builds/$name/repro/$slug" --profile $profile --expect declared >"$log" 2>&1 ||
                fail "$name" "$slug --profile $profile is not as declared: $(tail -1 "$log")"
        done
    done
    [[ $(LD_PRELOAD=$builds/$name/alloc/libzkalloc-preload.so /bin/echo -n served) == served ]] ||
        fail "$name" "a program does not run under the preload library"
    "$builds/$name/sweep/zk-audit" -- "$builds/$name/examples/retained_table" >"$log" 2>&1 || [[ $? -eq 1 ]] ||
        fail "$name" "zk-audit on the example: $(tail -1 "$log")"
}

# As a part of another project: only the libraries, with that project's own flags.
subproject() {
    local folder=$builds/subproject
    echo "builds: subproject"
    rm -rf "$folder"
    mkdir -p "$folder/own"
    cat >"$folder/own/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.21)
project(own LANGUAGES C)
add_subdirectory($source zkalloc)
add_executable(own own.c)
target_link_libraries(own PRIVATE zkalloc::zkalloc)
EOF
    cat >"$folder/own/own.c" <<'EOF'
#include <zkalloc.h>

int main(void)
{
    zk_begin_phase();
    zk_free(zk_malloc(100));
    zk_end_phase();
    return 0;
}
EOF
    if ! { cmake -S "$folder/own" -B "$folder/build" -DCMAKE_BUILD_TYPE=Release &&
        cmake --build "$folder/build" --parallel "$jobs"; } >"$folder/log" 2>&1; then
        fail subproject "does not build: see $folder/log"
        return
    fi
    "$folder/build/own" || fail subproject "the program fails"
    [[ ! -e $folder/build/zkalloc/repro && ! -e $folder/build/zkalloc/sweep ]] ||
        fail subproject "more than the libraries is built"
    ! grep -q 'CMOCKA' "$folder/build/CMakeCache.txt" || fail subproject "it looks for cmocka"
    DESTDIR=$folder/installed cmake --install "$folder/build" >"$folder/log" 2>&1 || fail subproject "install: see $folder/log"
    [[ -z $(find "$folder/installed" -type f 2>/dev/null) ]] || fail subproject "it installs itself with the other project"
}

# For aarch64, under qemu's user emulation, with pages of 4, 16 and 64 KiB (chunks of 256 KiB with the first, of 1 MiB with the others).
# A test that needs what this emulator does not do skips itself by name (alloc/tests/emulator.h: limits of memory, robust
# mutexes, MADV_WIPEONFORK, threads in a child forked beside threads; and huge pages, test_config).
# Reserved memory is not free there: qemu 7.2 has books of 6 MiB on each GiB. So what reserves much, above all the trap, 4 TiB,
# runs where ulimit -v leaves less.
# Not run, with the reason that was seen:
#     test_oracle with forks: most of its children are made without fork handlers, and only a word that MADV_WIPEONFORK
#         wipes tells those from their parents. (Wiped by hand in the child, they pass, but where qemu's assertion ends a child
#         that was forked beside threads and starts one.)
#     test_trap_calls: it skips itself, as there is no syscall user dispatch;
#     test_trap_access, test_trap_free: qemu does not say whether an access was a read or a write, so that it is NA (see aarch64_trap);
#     test_audit_*: they start themselves again as programs, and nothing tells this kernel who runs programs for aarch64;
#     repros that crash or hang by design: their end is not to be told from the emulation's own.
# They pass with 64 KiB, but take long: test_wipe, test_thread_slabs, test_thread_fork, test_census_*, test_trap_handler,
# test_trap_limits; test_trap_threads also needs more addresses than can be left to it (each of its blocks takes a page).
aarch64() {
    local folder=$builds/aarch64 page name profile
    local tests=(arena_bytes arena_place arena_route arena_size arena_stats realloc aligned_calloc pinned_discard pinned_reuse
        pinned_many pinned_runs pinned_warning tenure phase_begin phase_escape phase_hook phase_jump phase_orphan phase_scope
        thread_blocks zeroed course)
    local large_pages=(arena_size pinned_many pinned_reuse pinned_runs pinned_warning tenure course) # again with 16 KiB
    local with_64_kib=(config death lifetime pinned_threads thread_destructors thread_phases)
    local reserving=(inherit limits misuse trap_zeroes) # with 64 KiB as well, but with fewer addresses
    local repros=(injector_block worker_deque_growth pooled_hash_table refcount_header realloc_across_phase longjmp_escape
        two_thread_phases stdio_buffer stale_secret)
    echo "builds: aarch64"
    if ! { cmake -S "$source" -B "$folder" -DCMAKE_TOOLCHAIN_FILE="$source/cmake/aarch64-linux-gnu.cmake" \
        -DZKALLOC_WERROR=ON -DCMAKE_BUILD_TYPE=Release && cmake --build "$folder" --parallel "$jobs" --target \
        zkalloc zkalloc-preload zk-sweep zk-audit retained_table test_oracle test_small_scope "${tests[@]/#/test_}" \
        "${with_64_kib[@]/#/test_}" "${reserving[@]/#/test_}" "${repros[@]}"; } >"$folder.log" 2>&1; then
        grep -m 20 -E 'warning:|error:|undefined|\*\*\*' "$folder.log" >&2 || true
        fail aarch64 "does not build: see $folder.log"
        return
    fi
    emulated_tests 4096 "${tests[@]}"
    emulated_tests 16384 "${large_pages[@]}"
    emulated_tests 65536 "${tests[@]}" "${with_64_kib[@]}"
    reserved_kib=20000000 emulated_tests 65536 "${reserving[@]}"
    emulated 65536 test_small_scope "$folder/alloc/test_small_scope" --length 4
    for page in 4096 65536; do
        emulated $page 'test_oracle' "$folder/alloc/test_oracle" --ops 20000 --forks 0
        for name in "${repros[@]}"; do
            for profile in none seed pinned system; do
                emulated $page "$name --profile $profile" "$folder/repro/$name" --profile $profile --expect declared
            done
        done
        aarch64_trap $page
        aarch64_sweep $page
    done
}

# emulated PAGE NAME PROGRAM ARGUMENT...: it succeeds, or skips itself, with pages of PAGE bytes, and of reserved_kib KiB of
# address space if that is set.
emulated() {
    local page=$1 name=$2
    shift 2
    (ulimit -v "${reserved_kib:-$(ulimit -v)}" && timeout 300 qemu-aarch64 -p "$page" "$@") >"$builds/aarch64.log" 2>&1 || [[ $? -eq 77 ]] ||
        fail aarch64 "$name, pages of $page bytes: $(grep -m1 'FAILED' "$builds/aarch64.log" || tail -1 "$builds/aarch64.log")"
}
emulated_tests() {
    local page=$1 name
    shift
    for name in "$@"; do
        emulated "$page" "test_$name" "$builds/aarch64/alloc/test_$name"
    done
}

# The trap finds what the example keeps, where qemu has to reserve less for it; and says NA of what it does not know there, what an
# access was.
aarch64_trap() {
    local page=$1 report=$builds/aarch64.trap
    rm -f "$report"
    (ulimit -v 6000000 && ZK_ALLOC_AUDIT=trap ZK_ALLOC_AUDIT_OUT=$report timeout 60 qemu-aarch64 -p "$page" \
        "$builds/aarch64/examples/retained_table") >"$builds/aarch64.log" 2>&1 || fail aarch64 "the example under the trap: see $builds/aarch64.log"
    grep -q $'^touched\tNA\t1\t2\t16400\t0\t' "$report" || fail aarch64 "the trap does not find what the example keeps, pages of $page bytes"
    qemu-aarch64 -p "$page" "$builds/aarch64/sweep/zk-audit" --help >/dev/null || fail aarch64 "zk-audit does not start, pages of $page bytes"
}

# A sweep finds the bound to the byte: 8 + 63 * 24 + 1, as the law has it. The repro is started through a script, as nothing
# tells this kernel (by binfmt_misc) who runs programs for aarch64; and the trap is to reserve less, as above.
aarch64_sweep() {
    local page=$1 wrappers=$builds/aarch64-repros
    mkdir -p "$wrappers"
    printf '#!/bin/sh\nexec qemu-aarch64 -p %s %q "$@"\n' "$page" "$builds/aarch64/repro/injector_block" >"$wrappers/injector_block"
    chmod +x "$wrappers/injector_block"
    (ulimit -v 8000000 && qemu-aarch64 -p "$page" "$builds/aarch64/sweep/zk-sweep" --repro-dir "$wrappers" --only injector_block --min-bytes 0,1024 \
        --profile none,route,pinned,system --jobs 2) >"$builds/aarch64.log" 2>&1 ||
        fail aarch64 "the sweep, pages of $page bytes: $(tail -1 "$builds/aarch64.log")"
    grep -q '^injector_block *1521 *1521 *1521 *corrupt *NA *clean *NA *clean *clean' "$builds/aarch64.log" ||
        fail aarch64 "the sweep's table, pages of $page bytes: $(grep -m1 '^injector_block' "$builds/aarch64.log")"
}

# A compiler for 32 bits is refused by one line that says so.
i386() {
    local folder=$builds/i386
    echo "builds: i386"
    rm -rf "$folder"
    if cmake -S "$source" -B "$folder" "$@" >"$builds/i386.log" 2>&1; then
        fail i386 "is not refused"
    fi
    grep -q 'makes programs of 32 bits' "$builds/i386.log" || fail i386 "is not refused by the line that says why: see $builds/i386.log"
}

names=("$@")
[[ $# -gt 0 ]] || names=(subproject i386 clang file_offset fortify O0 O1 O3 aarch64)
# wants PROGRAM: checks for a program that the next build needs.
wants() {
    command -v "$1" >/dev/null && return
    echo "builds: $name is skipped: $1 is not installed (scripts/bootstrap.sh --cross)"
    return 1
}
for name in "${names[@]}"; do
    case $name in
    i386) wants i686-linux-gnu-gcc || continue ;;
    clang) wants clang || continue ;;
    aarch64) wants aarch64-linux-gnu-gcc && wants qemu-aarch64 || continue ;;
    esac
    case $name in
    subproject) subproject ;;
    i386) i386 -DCMAKE_C_COMPILER=i686-linux-gnu-gcc ;;
    clang) build clang -DCMAKE_C_COMPILER=clang ;;
    file_offset) build file_offset -DCMAKE_C_FLAGS=-D_FILE_OFFSET_BITS=64 ;;
    fortify) build fortify '-DCMAKE_C_FLAGS=-D_FORTIFY_SOURCE=3 -fstack-protector-strong -flto=auto' ;;
    O0 | O1 | O3) build "$name" "-DCMAKE_C_FLAGS_RELEASE=-$name -g" ;;
    aarch64) aarch64 ;;
    *) echo "builds: $name: no build of that name: subproject, i386, clang, file_offset, fortify, O0, O1, O3 or aarch64" >&2; exit 2 ;;
    esac
done
exit "$failed"
