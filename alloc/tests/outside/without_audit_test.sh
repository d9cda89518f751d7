#!/usr/bin/env bash
# without_audit_test.sh BUILD SOURCE: a build with ZKALLOC_AUDIT=OFF links, contains nothing of the audit, is smaller
# than BUILD, passes the arena's tests, and zk-audit says in one line why it sees nothing there.
set -uo pipefail
build=$1 source=$2
# shellcheck source=scripts/test_helpers.sh
. "$source/scripts/test_helpers.sh"
unset "${!ZK_ALLOC_@}" LD_LIBRARY_PATH
bare=$work/bare
tests=(without_audit arena_place arena_route realloc misuse)
quietly() { "$@" >"$work/log" 2>&1 || { tail -20 "$work/log"; return 1; }; }
text_bytes() { size -A "$1" | awk '$1 == ".text" { sum += $2 } END { print sum }'; }

compiler=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
check "it is configured" quietly cmake -S "$source" -B "$bare" -DZKALLOC_AUDIT=OFF -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_COMPILER="$compiler"
check "it is built" quietly cmake --build "$bare" --target zkalloc zkalloc-preload zk-audit retained_table "${tests[@]/#/test_}"
for name in "${tests[@]}"; do
    check "test_$name passes" quietly "$bare/alloc/test_$name"
done

# The witness is included, to say that the audit is missing.
of_audit='zk_(census|trap|tally|site|report|outlet|dispatch|distribution)_[a-z_]* *$'
symbols() { nm --defined-only "$1" 2>/dev/null | awk 'NF == 3 { print $3 }'; }
for library in libzkalloc.a libzkalloc-preload.so; do
    check "$library has it with the audit" grep -qE "^$of_audit" <<<"$(symbols "$build/alloc/$library")"
    got=$(symbols "$bare/alloc/$library" | grep -E "^$of_audit" | grep -vE '^zk_(site_closed|trap_catch_faults)$')
    check "$library has nothing of the audit: $got" [ -z "$got" ]
    with=$(text_bytes "$build/alloc/$library") without=$(text_bytes "$bare/alloc/$library")
    check "$library is smaller: $without bytes of code, not $with" [ "$without" -lt "$with" ]
done

# A program that is linked with it, or run under it. If another library with the audit is preloaded, that one sees the
# program.
why="retained_table: its own is built"
want 3 "$why" "$bare/sweep/zk-audit" -- "$bare/examples/retained_table"
want 3 'build it with ZKALLOC_AUDIT=ON' "$bare/sweep/zk-audit" -- "$bare/examples/retained_table"
want 1 "retained_table.c:27" "$build/sweep/zk-audit" -- "$bare/examples/retained_table"
conclude without_audit_test
