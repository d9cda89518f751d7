#!/usr/bin/env bash
# tools_test.sh asan|memcheck SOURCE LIBRARY: a memory debugger itself reports a stale access, at the
# right line, and reports nothing if nothing is wrong. The program is linked with the library as built.
set -uo pipefail
tool=$1 source=$2 library=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stale=$work/stale
for variable in "${!ZK_ALLOC_@}"; do unset "$variable"; done
unset LD_PRELOAD
failures=0
fail() { failures=$((failures + 1)); echo "FAIL: $*"; }
skip() { echo "skipped: $*"; exit 77; }
line_of() { # line_of FUNCTION: the line marked "here" in it
    awk -v start="static void $1(void)" '$0 == start { inside = 1 } inside && /\/\* here \*\// { print NR; exit }' \
        "$source/alloc/tests/tools/stale.c"
}

build() { # build FLAGS...
    gcc -std=gnu11 -O1 -g "$@" -I"$source/alloc/include" "$source/alloc/tests/tools/stale.c" "$library" \
        -ldl -pthread -o "$stale"
}
under=() flags=(-fno-omit-frame-pointer)
command -v gcc >/dev/null || skip "gcc is not here"
case $tool in
asan)
    flags+=(-fsanitize=address)
    echo 'int main(void) { return 0; }' >"$work/probe.c"
    gcc "${flags[@]}" "$work/probe.c" -o "$work/probe" 2>/dev/null || skip "gcc -fsanitize=address is not here"
    reported=1 reads='READ of size 1 ' writes='WRITE of size 1 ' copies='READ of size 5000 ' moves='READ of size'
    ;;
memcheck)
    command -v valgrind >/dev/null || skip "valgrind is not here"
    under=(valgrind --quiet --error-exitcode=9)
    reported=9 reads='Invalid read of size 1$' writes='Invalid write of size 1$' copies='Invalid read of size'
    moves=$copies
    ;;
*)
    echo "usage: tools_test.sh asan|memcheck SOURCE LIBRARY" >&2
    exit 2
    ;;
esac
build "${flags[@]}" || exit 1

run() { output=$("${under[@]}" "$stale" "$1" 2>&1); status=$?; }
finds() { # finds SETTINGS CASE PATTERN FUNCTION: reports it, at the line that is marked
    local line
    export ZK_ALLOC_RECYCLE=$1
    run "$2"
    [[ $status -eq $reported ]] || fail "$1 $2: exit $status, want $reported: $output"
    grep -Eq "$3" <<<"$output" || fail "$1 $2: no line matches '$3': $output"
    [[ -z ${4:-} ]] && return
    line=$(line_of "$4")
    [[ -n $line ]] || fail "no marked line in $4"
    grep -Eq "$4.*stale\.c:$line" <<<"$output" || fail "$1 $2: not at stale.c:$line: $output"
}
finds_nothing() { # finds_nothing SETTINGS CASE
    export ZK_ALLOC_RECYCLE=$1
    run "$2"
    [[ $status -eq 0 ]] || fail "$1 $2: exit $status, want 0: $output"
    [[ -z ${output//$'\n'/} ]] || fail "$1 $2: says something: $output"
}

finds blind reads-stale "$reads" reads_stale
export ZK_ALLOC_SLAB_GB=0.015625 # under memcheck, larger reservations take longer
finds blind writes-stale "$writes" writes_stale
finds blind copies-stale "$copies" copies_stale
finds blind reallocs-stale "$moves" reallocs_stale
finds pinned reads-freed "$reads" reads_freed
finds pinned writes-freed "$writes" writes_freed_of_an_earlier_phase
[[ $tool == asan ]] || finds blind reads-unwritten 'uninitialised' reads_what_was_never_written
[[ $tool == asan ]] || finds pinned reads-unwritten 'uninitialised' reads_what_was_never_written
for min_bytes in 0 4096; do
    export ZK_ALLOC_MIN_BYTES=$min_bytes
    finds_nothing blind clean
    finds_nothing pinned clean
    KEEP=1 finds_nothing pinned clean
done
unset ZK_ALLOC_MIN_BYTES
ZK_ALLOC_POISON_RESET=1 KEEP=1 finds_nothing pinned clean
# While an audit is on, nothing is reported to the debugger, neither what is served nor what is
# free.
for recycle in pinned blind; do
    ZK_ALLOC_AUDIT=census ZK_ALLOC_AUDIT_OUT=/dev/null ZK_ALLOC_POISON_RESET=1 ZK_ALLOC_MIN_BYTES=0 finds_nothing $recycle clean
done
# Without reports it finds nothing; and what is retained under pinned is not a bug.
ZK_ALLOC_TOOLS=ignore finds_nothing blind reads-stale
for case in reads-stale writes-stale copies-stale reallocs-stale; do finds_nothing pinned $case; done

((failures == 0)) || exit 1
echo "$tool: all found, and nothing else"
