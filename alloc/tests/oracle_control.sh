#!/usr/bin/env bash
# oracle_control.sh TEST_ORACLE: the oracle's own control. Blind recycling has the bug that pinned does
# not have: the oracle must find it, shorten the sequence, and find it again in what it has printed.
set -euo pipefail
oracle=$1 most=12
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TSAN_OPTIONS=halt_on_error=1:atexit_sleep_ms=0

fail() {
    echo "oracle_control: $1"
    cat "$work/found"
    exit 1
}
count_of() { # operations in a printed sequence
    grep -c '^[a-z_]* thread ' "$1" || true
}

for seed in 1 2 3 4 5; do
    status=0
    "$oracle" --recycle blind --seed "$seed" --shrink >"$work/found" || status=$?
    [[ $status == 1 ]] || fail "blind, seed $seed: exit status $status, and should be 1"
    grep -q '^pattern mismatch' "$work/found" || fail "blind, seed $seed: no pattern mismatch"
    sed -n '/^setup /,$p' "$work/found" | grep -v '^#' >"$work/sequence"
    count=$(count_of "$work/sequence")
    ((count > 0 && count <= most)) || fail "blind, seed $seed: $count operations, and should be at most $most"

    status=0
    "$oracle" --replay "$work/sequence" >"$work/again" || status=$?
    [[ $status == 1 ]] || fail "replay of seed $seed: exit status $status, and should be 1"
    grep -q '^pattern mismatch' "$work/again" || fail "replay of seed $seed: no pattern mismatch"

    sed 's/^setup recycle 1/setup recycle 0/' "$work/sequence" >"$work/cured"
    "$oracle" --replay "$work/cured" >"$work/found" || fail "the same under pinned, seed $seed: fails"
    echo "seed $seed: found in blind, $count operations; replayed; gone in pinned"
done
