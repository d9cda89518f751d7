#!/usr/bin/env bash
# workload_test.sh TOY [PRELOAD]: the driver of the provers: options, exit status, report. With
# PRELOAD, libzkalloc's preload library, also: phases are begun, and the span registry breaks where
# it must.
set -euo pipefail
toy=$1 preload=${2:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export ASAN_OPTIONS=allocator_may_return_null=1:${ASAN_OPTIONS:-}

fail() { echo "workload_test: $*: $(cat "$dir/out" "$dir/err")" >&2; exit 1; }
run() { # run STATUS OPTION...: the toy's output is in $dir/out and $dir/err
    local wanted=$1 status=0
    shift
    timeout 60 "$toy" "$@" >"$dir/out" 2>"$dir/err" || status=$?
    ((status == wanted)) || fail "$*: status $status, not $wanted"
}
says() { grep -qE -- "$2" "$dir/$1" || fail "no '$2' in $1"; }
value() { awk -F'\t' -v key="$1" '$1 == key { print $2 }' "$dir/report"; }

run 0
says out '^toy: 8 of 8 proofs verified, 35 of 35 tampered ones rejected$'
says out 'ms a proof .* the first .* 0.1 MiB in 1 blocks'
[[ ! -s $dir/err ]] || fail "says something on stderr"
run 0 --iters 1
says out '^  the first '
run 0 --tampered 0
says out ' 0 of 0 tampered ones rejected$'
run 0 --help
says out '^usage: toy '

# Bad input: one line, nothing else, and no report.
bad() {
    run 2 --report "$dir/report" "${@:2}"
    says err "^toy: $1"
    [[ $(wc -l <"$dir/err") == 1 && ! -s $dir/out && ! -e $dir/report ]] || fail "$* leaves more"
}
bad '--iters 0: want a number from 1 to ' --iters 0
bad '--iters -1: want' --iters -1
bad '--iters 5x: want' --iters 5x
bad '--log-size 5: want a number from 0 to 4$' --log-size 5
bad '--threads : want' --threads ''
bad '--spans 99999: want' --spans 99999
bad '--seed 18446744073709551616: want' --seed 18446744073709551616
bad '--phases yes: want on or off$' --phases yes
bad '--iters: no value' --iters
bad '--nonsense: unknown option' --nonsense
bad 'more: not an option' more

# A report that cannot be written gives an error before the work, not after it.
run 2 --iters 1000000 --report "$dir/none/report"
says err "^toy: --report .*none/report: No such file or directory: want a file in a directory that can be written to$"
[[ ! -s $dir/out ]] || fail "it worked first"

# The report has every key once, in this order; it replaces an old one, and no other file is left.
keys="name iterations log_size threads spans seed phases proofs_verified tampered tampered_rejected first_ms
warm_ms warm_ms_low warm_ms_high phase_bytes phase_count peak_rss_bytes page_faults context_switches cycles
instructions dtlb_misses system_ms copied_bytes"
echo old >"$dir/report"
run 0 --iters 3 --seed 7 --threads 1 --spans 2 --report "$dir/report"
[[ $(cut -f1 "$dir/report" | xargs) == "$(xargs <<<"$keys")" ]] || fail "other keys: $(cat "$dir/report")"
[[ $(awk -F'\t' 'NF != 2 || $2 == ""' "$dir/report") == "" ]] || fail "a line without a value"
[[ $(value name) == toy && $(value iterations) == 3 && $(value proofs_verified) == 3 &&
    $(value seed) == 7 && $(value threads) == 1 && $(value spans) == 2 && $(value phases) == off &&
    $(value tampered) == 35 && $(value tampered_rejected) == 35 && $(value phase_bytes) == 65536 &&
    $(value phase_count) == 1 ]] || fail "other values: $(cat "$dir/report")"
[[ $(find "$dir" -name 'report*' | wc -l) == 1 ]] || fail "a temporary file is left"
run 0 --iters 1 --report "$dir/report"
[[ $(value warm_ms) == NA ]] || fail "a warm time of one proof"
run 2 --report "$dir/no/where"
says err '^toy: --report .*/no/where: No such file'
mkdir "$dir/folder"
run 2 --report "$dir/folder"
[[ -z $(find "$dir" -name '*.tmp') ]] || fail "a temporary file is left"

# Failures are printed, and the report is written all the same.
run 1 --log-size 1 --report "$dir/report"
says out ' 0 of 35 tampered ones rejected$'
says err '^toy: a tampered proof is accepted: bit '
[[ $(value tampered_rejected) == 0 ]] || fail "the report knows nothing of it"
run 1 --log-size 4
says err '^toy: a tampered proof is accepted: bit . of byte [0-9]+ of 64$'
run 1 --log-size 2 --iters 5
says out '^toy: 3 of 5 proofs verified, 35 of 35'
says err '^toy: proof 2 does not verify$'
says err '^toy: proof 4 does not verify$'
run 3 --log-size 3
says err '^toy: out of memory: '

[[ -n $preload ]] || exit 0
export LD_PRELOAD=$preload ZK_ALLOC_MIN_BYTES=0 ZK_ALLOC_RECYCLE=pinned
run 0 --spans 64 --report "$dir/report"
[[ $(value phases) == on ]] || fail "no phases"
run 0 --spans 64 --phases off --report "$dir/report"
[[ $(value phases) == off ]] || fail "phases"
export ZK_ALLOC_RECYCLE=blind
run 0 # no spans, nothing retained
export ZK_ALLOC_MIN_BYTES=4096
run 0 --spans 16 --iters 100
run 4 --spans 64 # a page of 6144 bytes
says err '^toy: panic in the span registry, proof 2: [a-z]'
[[ $(wc -l <"$dir/err") == 1 && ! -s $dir/out ]] || fail "more than a line"
