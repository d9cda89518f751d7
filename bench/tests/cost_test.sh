#!/usr/bin/env bash
# cost_test.sh SOURCE: what routing costs and moves, on a program that makes its times up. Nothing is timed.
set -euo pipefail
scripts=$1/scripts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "cost_test: $1" >&2; exit 1; }

# Slower in each round, by a half above MIN_BYTES 4096 and by a tenth when pinned. Allocates 3 blocks of 100 bytes, 2
# of 4096 and one of 91508: 100000 bytes. A round starts when MIN_BYTES 0 has been timed once more than the others.
mkdir -p "$work"/{build/bench,results}
cat >"$work/build/bench/prove_fake" <<'FAKE'
#!/usr/bin/env bash
while [[ $# -gt 1 ]]; do [[ $1 != --report ]] || report=$2; shift; done
setting=${ZK_ALLOC_MIN_BYTES:-pinned}
if [[ -n ${BENCH_STATIC_SIZES:-} ]]; then
    printf '100\t3\n4096\t2\n91508\t1\n' >"$BENCH_STATIC_SIZES"
    [[ $BENCH_STATIC_PERIOD == 3 ]] || exit 1
    setting=sizes
fi
[[ $setting != "${FAIL:-}" ]] || exit 1
echo "$setting" >>"$ORDER"
round=$(grep -cx "$setting" "$ORDER")
case $setting in pinned) ratio=1.1 ;; 4097 | 6144 | 8192) ratio=1.5 ;; *) ratio=1 ;; esac
awk -v ratio=$ratio -v round="$round" 'BEGIN { printf "warm_ms_low\t%.3f\n", ratio * 10 ^ round }' >"$report"
FAKE
chmod +x "$work/build/bench/prove_fake"
printf '%s\n' 'mode	program	log_size	iterations	rounds	phases' 'cost	prove_fake	16	2	3	3' >"$work/workloads"
export ORDER=$work/order

cost() { "$scripts/bench_cost.sh" "$work/build" "$work/results" --workloads "$work/workloads" >"$work/out" 2>"$work/err"; }
expect() { grep -qxF "${1// /$'\t'}" "$work/results/cost.tsv" || fail "no line '$1': $(cat "$work/results/cost.tsv")"; }

cost || fail "exit status $?: $(cat "$work/err")"
[[ $(head -1 "$work/results/cost.tsv") == "workload	min_bytes	median_ratio	low	high	moved_bytes	moved_percent" ]] ||
    fail "not its header"
expect 'prove_fake-16 0 1.000 1.000 1.000 0 0.000'
expect 'prove_fake-16 64 1.000 1.000 1.000 0 0.000'
expect 'prove_fake-16 128 1.000 1.000 1.000 300 0.300'
expect 'prove_fake-16 4096 1.000 1.000 1.000 300 0.300'
expect 'prove_fake-16 4097 1.500 1.500 1.500 8492 8.492'
expect 'prove_fake-16 pinned 1.100 1.100 1.100 300 0.300'
[[ $(wc -l <"$work/results/cost.tsv") -eq 19 ]] || fail "not a row for each MIN_BYTES, and one for pinned"

# A run that fails leaves the table as it was.
cp "$work/results/cost.tsv" "$work/before"
for setting in sizes 1521 pinned; do
    status=0
    FAIL=$setting cost || status=$?
    [[ $status -eq 2 ]] && grep -q 'fails: .*prove_fake' "$work/err" || fail "a run at $setting fails: $(cat "$work/err")"
    cmp "$work/before" "$work/results/cost.tsv" || fail "a run at $setting fails: the table changed"
    [[ $(find "$work/results" -type f | wc -l) -eq 1 ]] || fail "a run at $setting fails: something is left behind"
done
