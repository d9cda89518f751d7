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

# build NAME OPTION...: configures and builds all but tests and benchmarks, without any warning, and
# runs a repro that must go wrong and one that must not.
build() {
    local name=$1 log=$builds/$1.log slug
    shift
    echo "builds: $name"
    if ! { cmake -S "$source" -B "$builds/$name" -DZKALLOC_WERROR=ON -DZKALLOC_BUILD_TESTS=OFF \
        -DZKALLOC_BUILD_BENCH=OFF "$@" && cmake --build "$builds/$name" --parallel "$jobs"; } >"$log" 2>&1; then
        grep -E 'warning:|error:|undefined' "$log" | head -20 >&2
        fail "$name" "does not build: see $log"
        return
    fi
    for slug in injector_block span_slab_pages; do
        [[ -x $builds/$name/repro/$slug ]] || continue
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

# For aarch64, under qemu's user emulation, with pages of 4 and 64 KiB: the arena's own tests, and
# repros in all profiles. Not run there: tests of what the emulation lacks (syscall user dispatch,
# breakpoints, /proc/PID/syscall, with which hangs are proven), and tests that are too slow under
# emulation.
aarch64() {
    local folder=$builds/aarch64 page name profile
    local tests=(arena_place arena_route arena_bytes arena_size arena_stats realloc pinned_reuse pinned_runs aligned_calloc)
    local repros=(injector_block worker_deque_growth pooled_hash_table refcount_header realloc_across_phase longjmp_escape
        two_thread_phases stdio_buffer stale_secret)
    echo "builds: aarch64"
    if ! { cmake -S "$source" -B "$folder" -DCMAKE_TOOLCHAIN_FILE="$source/cmake/aarch64-linux-gnu.cmake" \
        -DZKALLOC_WERROR=ON -DCMAKE_BUILD_TYPE=Release && cmake --build "$folder" --parallel "$jobs" --target \
        zkalloc zkalloc-preload zk-sweep zk-audit "${tests[@]/#/test_}" "${repros[@]}"; } >"$folder.log" 2>&1; then
        grep -E 'warning:|error:|undefined' "$folder.log" | head -20 >&2
        fail aarch64 "does not build: see $folder.log"
        return
    fi
    for page in 4096 65536; do
        for name in "${tests[@]}"; do
            timeout 300 qemu-aarch64 -p $page "$folder/alloc/test_$name" >"$folder.log" 2>&1 ||
                fail aarch64 "test_$name, pages of $page bytes: $(grep -m1 'FAILED' "$folder.log" || tail -1 "$folder.log")"
        done
        for name in "${repros[@]}"; do
            for profile in none seed pinned system; do
                # Crashes and hangs cannot be distinguished from those of the emulation.
                timeout 300 qemu-aarch64 -p $page "$folder/repro/$name" --profile $profile --expect declared >"$folder.log" 2>&1 ||
                    [[ $? -eq 77 ]] || fail aarch64 "$name --profile $profile, pages of $page bytes: $(head -1 "$folder.log")"
            done
        done
    done
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
