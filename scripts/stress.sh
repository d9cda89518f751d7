#!/usr/bin/env bash
# stress.sh BUILD: runs every stress program at full length in every profile, then every repro 20
# times, with both cores busy; outcomes must be as declared. Ends with a line that counts the runs.
set -uo pipefail
name=stress
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
want_arguments 1 1 BUILD "$@"
build=$1
for program in "$build"/{stress/pinned_oracle,alloc/test_small_scope,sweep/zk-sweep}; do want_program "$program"; done
runs=0 failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect() { # expect PROGRAM ARGUMENTS...
    runs=$((runs + 1))
    "$@" --expect declared >/dev/null
    local status=$?
    [[ $status -eq 0 || $status -eq 77 ]] && return
    failures=$((failures + 1))
    echo "FAIL: $*: exit $status"
}
programs() { # programs FOLDER: those that use the harness
    for program in "$build/$1"/*; do
        [[ -f $program && -x $program && $(basename "$program") != test_* ]] || continue
        "$program" --describe 2>/dev/null | grep -q '^slug' && echo "$program"
    done
}

for seed in 1 2; do # first one operation at a time, replayable; then threads that run freely
    runs=$((runs + 1))
    "$build/stress/pinned_oracle" --ops 5000000 --seed "$seed" || failures=$((failures + 1))
    runs=$((runs + 1))
    "$build/stress/pinned_oracle" --concurrent --ops 5000000 --seed "$seed" || failures=$((failures + 1))
done

# Every sequence of up to nine operations on a slab of four chunks, in parts of a minute or so; and
# shorter ones, where operations take longer, or where there are more kinds of them.
small_scope() { # small_scope ARGUMENT...
    runs=$((runs + 1))
    "$build/alloc/test_small_scope" "$@" || failures=$((failures + 1))
}
small_scope --length 5 --oracle
small_scope --length 6 --age 70
small_scope --length 7 --all-orders
small_scope --length 8 --chunks 3
parts=16
runs=$((runs + parts))
seq 0 $((parts - 1)) | xargs -P "$(nproc)" -I@ "$build/alloc/test_small_scope" --length 9 --shard @/$parts >"$work/scope" ||
    failures=$((failures + 1))
grep -v 'nothing wrong' "$work/scope"
echo "stress: small scope done: $(awk '{ n += $2 } END { print n }' "$work/scope") sequences of up to 9 operations"

# Other people's programs, with phases where they expect none.
runs=$((runs + 1))
stress/chaos_programs.sh "$build" || failures=$((failures + 1))

# Campaigns with GNU parallel on hosts, and with Slurm; a host dies in the middle of each.
for engine in parallel slurm; do
    runs=$((runs + 1))
    "scripts/tests/campaign_${engine}_test.sh" . "$build"
    status=$?
    [[ $status -eq 0 || $status -eq 77 ]] || failures=$((failures + 1))
done

# Bounds as laws, each at all its values.
runs=$((runs + 1))
"$build/sweep/zk-sweep" --laws >/dev/null || failures=$((failures + 1))

# zk-audit names every marked line of the planted programs, in every build of them.
runs=$((runs + 1))
scripts/audit_score.sh "$build" || failures=$((failures + 1))

for program in $(programs stress); do
    # shellcheck disable=SC2046 # words
    for profile in none flush route seed pinned system; do
        expect "$program" --profile "$profile" $("$program" --describe | sed -n 's/^at_length\t//p')
    done
    echo "stress: $(basename "$program") done"
done

busy() { while :; do :; done; }
busy & first=$!
busy & second=$!
trap 'kill $first $second 2>/dev/null; rm -rf "$work"' EXIT
for program in $(programs repro); do
    for _ in $(seq 20); do
        for profile in none seed pinned system; do expect "$program" --profile "$profile"; done
    done
    echo "stress: $(basename "$program") 20 times done"
done

echo "stress: $runs runs, $failures failed"
[[ $failures -eq 0 ]]
