#!/usr/bin/env bash
# bounds_test.sh REPROS MODELS: what the census and the trap report on single repros: the sizes of
# the real structures, and the matching exit status.
set -uo pipefail
repros=$1 models=$2 checks=0 failures=0
unset ZK_ALLOC_AUDIT ZK_ALLOC_AUDIT_OUT
fail() { failures=$((failures + 1)); echo "FAIL: $*"; }

# largest SIZE REPRO ARGUMENTS...: the largest retained block has SIZE bytes, and the trap sees it touched
largest() {
    local size=$1 repro=$2 got status
    shift 2
    checks=$((checks + 2))
    got=$("$repros/$repro" "$@" --profile none --audit census --tsv 2>/dev/null)
    status=$?
    [[ $status -eq 10 && $(cut -f10 <<<"$got") == "$size" ]] ||
        fail "$repro $*: census: exit $status, want 10 and $size bytes: $got"
    got=$("$repros/$repro" "$@" --profile none --audit trap --tsv 2>/dev/null)
    status=$?
    [[ $status -eq 11 && $(cut -f11 <<<"$got") == "the largest block touched has $size bytes" ]] ||
        fail "$repro $*: trap: exit $status, want 11 and $size bytes: $got"
}

# Pages of 32, 64, 128, 256 and 512 slots of 96 bytes; each is allocated when those before it are
# full.
for spans in 1:3072 32:3072 33:6144 96:6144 97:12288 224:12288 225:24576 480:24576 481:49152; do
    largest "${spans#*:}" span_registry_pages --spans "${spans%:*}"
done
# A pool's largest block: the epoch record, whose size depends on the release; from 17 workers on
# (19 with the larger record), the sleep states.
for pool in 2104:16 2176:17 3968:31 4096:32 '2304:16 --crates 2026' '2304:18 --crates 2026' '2432:19 --crates 2026'; do
    # shellcheck disable=SC2086 # words
    largest "${pool%%:*}" pool_built_in_phase --pool-threads ${pool#*:}
done
largest 1520 injector_block
largest 16400 refcount_header
largest 16400 refcount_header --variant underflow
largest 34832 hash_table_retained

# If the contract is kept, or if there is no arena, nothing is seen.
checks=$((checks + 1))
"$repros/injector_block" --profile system --audit trap --expect clean >/dev/null 2>&1 ||
    fail "injector_block --profile system --audit trap: not clean"

# The report names the place in the model that allocates.
checks=$((checks + 1))
report=$("$repros/injector_block" --audit census 2>&1 >/dev/null)
line=$(grep -n 'zk_calloc\|zk_malloc' "$models/injector.c" | cut -d: -f1 | paste -sd'|')
places=$(awk -F'\t' '$1 ~ /^[0-9]+$/ { split($3, site, /[+;]/); print $8, site[2] }' <<<"$report" |
    while read -r module offset; do addr2line -e "$module" "$offset"; done)
grep -qE "injector\.c:($line)( |$)" <<<"$places" ||
    fail "the census report has no line of injector.c: $places"

echo "bounds_test: $checks checks, $failures failed"
[[ $failures -eq 0 ]]
