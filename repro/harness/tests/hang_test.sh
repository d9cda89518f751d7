#!/usr/bin/env bash
# hang_test.sh BIN: what counts as a hang: a run that is proven to hang, or that has used up the
# time limit. BIN holds the test bodies.
set -uo pipefail
export ZK_ALLOC_TOOLS=ignore
bin=$1
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../../scripts/test_helpers.sh"

# stopped SECONDS BODY ARGUMENTS...: stops the body's child for that long, then lets it go on: it
# must be clean
stopped() {
    local seconds=$1 out parent child='' status
    shift
    checks=$((checks + 1))
    out=$(mktemp)
    "$bin/$1" "${@:2}" >"$out" 2>&1 &
    parent=$!
    while [[ -z $child ]]; do
        kill -0 "$parent" || { fail "$*: ended before it could be stopped: $(cat "$out")"; return; }
        child=$(cat "/proc/$parent/task/$parent/children")
    done
    # shellcheck disable=SC2086 # one number and a space
    kill -STOP $child
    sleep "$seconds"
    # shellcheck disable=SC2086
    kill -CONT $child
    wait "$parent"
    status=$?
    [[ $status -eq 0 ]] || fail "$*: stopped for $seconds s: exit $status: $(cat "$out")"
    rm -f "$out"
}

# Proven: the limits are beyond the test's own.
long=(--timeout 600000)
want 14 'proven: every thread waits for another' "$bin/body_deadlock" "${long[@]}"
want 14 'proven: every thread waits for another' "$bin/body_late" --never "${long[@]}"
want 14 'proven: a loop of the test' "$bin/body_endless" --wait "${long[@]}"

# A thread that ends does not hang, no matter which threads wait for it.
want 0 clean "$bin/body_late"
want 0 clean "$bin/body_endless"

# Not proven: the limit decides. It counts time in which the child runs or waits.
want 14 'no progress for 100 ms' "$bin/body_hang" --timeout 100
want 0 clean "$bin/body_slow" --timeout 200
want 0 clean "$bin/body_told" --timeout 600

# A stopped child does neither.
stopped 3 body_told --timeout 600
stopped 3 body_late --timeout 600

conclude hang_test
