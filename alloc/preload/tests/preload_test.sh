#!/usr/bin/env bash
# preload_test.sh LIBRARY TESTS: what libzkalloc-preload.so does where it cannot work (under tools that
# replace malloc themselves, in a setuid program), and the controls of malloc_api and malloc_life in folder
# TESTS.
set -uo pipefail
library=$(realpath "$1") tests=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 3
unset LD_PRELOAD ASAN_OPTIONS TSAN_OPTIONS
ulimit -c 0
failures=0 skipped=0

fail() {
    echo "FAIL: $1"
    sed 's/^/    /' out 2>/dev/null
    failures=$((failures + 1))
}
skip() {
    echo "skip: $1"
    skipped=$((skipped + 1))
}
limit_s=60 # for one program; the controls may hang
preloaded() { timeout "$limit_s" env "LD_PRELOAD=$library" "$@" >out 2>&1; }

cat >program.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
int main(void)
{
    char *volatile p = malloc(100);
    if (p == NULL)
        return 1;
    p[99] = 0;
    printf("%s, secure %lu\n", dlsym(RTLD_DEFAULT, "zk_begin_phase") ? "preloaded" : "alone", getauxval(AT_SECURE));
    free(p);
    return 0;
}
C
cc program.c -o plain -ldl || exit 3

# The control for all that follows: the library is loaded.
preloaded ./plain
[[ $? -eq 0 && $(<out) == 'preloaded, secure 0' ]] || fail "a plain program is preloaded"

# refused TOOL COMMAND...: exit status 2, our one line, and nothing else.
refused() {
    local tool=$1
    shift
    preloaded "$@"
    local status=$?
    [[ $status -eq 2 ]] || fail "$tool: exit status $status, not 2"
    [[ $(wc -l <out) -eq 1 ]] && grep -q "^zkalloc: $tool is malloc itself in this program, and excludes " out ||
        fail "$tool: not one line that says so"
}
sanitized() { # sanitized TOOL COMPILER FLAG
    if ! "$2" "$3" program.c -o sanitized 2>/dev/null || ! ./sanitized >/dev/null 2>&1; then
        skip "$1 of $2: no program of its runs here"
        return
    fi
    refused "$1" ./sanitized
}
sanitized AddressSanitizer gcc -fsanitize=address
sanitized AddressSanitizer clang -fsanitize=address
sanitized ThreadSanitizer gcc -fsanitize=thread
sanitized ThreadSanitizer clang -fsanitize=thread
sanitized MemorySanitizer clang -fsanitize=memory

if command -v valgrind >/dev/null && valgrind -q ./plain >/dev/null 2>&1; then
    if echo '#include <valgrind/valgrind.h>' | cc -E - >/dev/null 2>&1; then
        refused "Valgrind's tool" valgrind -q ./plain
        refused "Valgrind's tool" valgrind -q --tool=massif --massif-out-file=massif ./plain
    else
        skip "valgrind: no headers"
    fi
    preloaded valgrind -q --tool=none ./plain && grep -q '^preloaded' out || fail "valgrind --tool=none leaves malloc alone, and so do we"
else
    skip "valgrind: not installed"
fi

# A setuid program: the loader ignores LD_PRELOAD with a path in it. Only root can make one that belongs to
# another user, and the folder may be mounted nosuid.
if [[ $EUID -eq 0 ]] && chmod 755 . && cp plain secure && chown nobody secure && chmod 4755 secure && ./secure | grep -q 'secure 1$'; then
    preloaded ./secure
    [[ $? -eq 0 && $(tail -n 1 out) == 'alone, secure 1' ]] || fail "a setuid program is left alone"
else
    skip "setuid: cannot make a setuid program here"
fi

# Blind recycling has the bug that these tests look for: so they can find it.
control() {
    limit_s=15 preloaded ZK_ALLOC_RECYCLE=blind ZK_ALLOC_MIN_BYTES=0 ZK_ALLOC_CHAOS=50:1 "$@" &&
        fail "${1##*/}, blind: holds, and should not"
}
control "$tests/malloc_api"
control "$tests/malloc_life" "$tests/malloc_life_loaded.so"

# By these names, whatever the C library has.
for name in malloc calloc realloc reallocarray free memalign aligned_alloc posix_memalign valloc pvalloc \
    malloc_usable_size free_sized free_aligned_sized zk_malloc zk_begin_phase; do
    nm -D --defined-only "$library" | grep -q " [TW] $name\$" || fail "$name: not exported"
done

echo "preload_test: $failures failed, $skipped skipped"
[[ $failures -eq 0 ]]
