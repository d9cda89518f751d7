#!/usr/bin/env bash
# provers_test.sh BUILD SOURCE: each prover without spans and with them, in three profiles: without
# any mitigation, those break that must; routed or pinned, they verify; the control always does; and
# memory does not grow after the tenth proof.
set -uo pipefail
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive
checks=0 failures=0
want() { # want OUTCOMES PROFILE PROVER...
    local wanted=$1 got
    shift
    checks=$((checks + 1))
    got=$("$source/scripts/prover_outcome.sh" "$build" "$@" 2>&1)
    [[ ",$wanted," == *",$got,"* ]] && return
    failures=$((failures + 1))
    echo "FAIL: $*: $got, not $wanted"
}

for prover in "prove_fri --log-size 6" "prove_hashsig --log-size 3" "prove_rounds --log-size 6" "prove_sumcheck --log-size 8"; do
    run="$prover --iters 5 --tampered 4"
    # shellcheck disable=SC2086 # words
    {
        want clean none $run
        want corrupt,crash,hang none $run --spans 1
        want corrupt,crash,hang none $run --spans 16
        want clean seed $run --spans 16
        want corrupt,crash,hang,latent seed $run --spans 64
        want clean pinned $run --spans 64 --team inside
        want clean system $run --spans 64
    }
done

# Peak resident memory of 30 proofs is that of 10.
peak() { awk -F'\t' '$1 == "peak_rss_bytes" { print $2 }' "$work/report"; }
for switches in "ZK_ALLOC_MIN_BYTES=0" "ZK_ALLOC_RECYCLE=blind ZK_ALLOC_MIN_BYTES=4096"; do
    for prover in "prove_fri --log-size 8" "prove_hashsig --log-size 3"; do
        for iterations in 10 30; do
            # shellcheck disable=SC2086 # words
            env LD_PRELOAD="$build/alloc/libzkalloc-preload.so" $switches "$build/bench/"$prover --iters $iterations \
                --spans 16 --tampered 0 --report "$work/report" >/dev/null
            [[ $iterations -eq 10 ]] && ten=$(peak) || thirty=$(peak)
        done
        checks=$((checks + 1))
        ((ten > 0 && thirty <= ten + ten / 20)) && continue
        failures=$((failures + 1))
        echo "FAIL: $prover, $switches: $ten bytes resident after 10 proofs, $thirty after 30"
    done
done

echo "provers_test: $checks checks, $failures failed"
[[ $failures -eq 0 ]]
