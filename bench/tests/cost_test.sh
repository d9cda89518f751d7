#!/usr/bin/env bash
# cost_test.sh SOURCE: what routing costs and moves, on a program that makes up its times, under a
# valgrind that makes up its counts. Nothing is timed.
set -euo pipefail
scripts=$1/scripts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "cost_test: $1" >&2; exit 1; }

# The program gets slower with each round. It is slower by a half above MIN_BYTES 4096 and by a
# tenth when pinned; at MIN_BYTES 64 by a tenth in every second round, and as fast in the others.
# Allocates 3 blocks of 100 bytes, 2 of 4096 and one of 91508: 100000 bytes. A round starts when
# MIN_BYTES 0 has been timed once more than the others. With the library that counts copies, 5
# faults and 70 copied bytes.
mkdir -p "$work"/{build/bench,results,bin}
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
if [[ $LD_PRELOAD == *copies* ]]; then
    printf 'page_faults\t5\ncopied_bytes\t70\n' >"$report"
    exit
fi
echo "$setting" >>"$ORDER"
round=$(grep -cx "$setting" "$ORDER")
case $setting in
pinned) ratio=1.1 ;; 64) ratio=1.$((round % 2)) ;; 4097 | 6144 | 8192) ratio=1.5 ;; *) ratio=1 ;;
esac
awk -v ratio=$ratio -v round="$round" 'BEGIN { printf "warm_ms_low\t%.3f\nsystem_ms\t%s\n", ratio * 10 ^ round, round }' >"$report"
FAKE
cp "$scripts/../bench/tests/fake_valgrind.sh" "$work/bin/valgrind"
chmod +x "$work/build/bench/prove_fake"
printf '%s\n' 'mode	program	log_size	iterations	rounds	phases' 'cost	prove_fake	16	2	9	3' >"$work/workloads"
export ORDER=$work/order PATH=$work/bin:$PATH

cost() { "$scripts/bench_cost.sh" "$work/build" "$work/results" --workloads "$work/workloads" "$@" >"$work/out" 2>"$work/err"; }
expect() { grep -qxF "${1// /$'\t'}" "$work/results/cost.tsv" || fail "no line '$1': $(cat "$work/results/cost.tsv")"; }

cost || fail "exit status $?: $(cat "$work/err")"
header='workload min_bytes instructions d1_misses ll_misses page_faults copied_bytes moved_bytes moved_percent system_ms'
header+=' rounds median_ratio low high'
[[ $(head -1 "$work/results/cost.tsv") == "${header// /$'\t'}" ]] || fail "not its header: $(head -1 "$work/results/cost.tsv")"
expect 'prove_fake-16 0 6 60 600 5 70 0 0.000 5.000 9 1.000 1.000 1.000'
expect 'prove_fake-16 64 6 60 600 5 70 0 0.000 5.000 9 1.100 1.000 1.100'
expect 'prove_fake-16 128 6 60 600 5 70 300 0.300 5.000 9 1.000 1.000 1.000'
expect 'prove_fake-16 4096 9 90 900 5 70 300 0.300 5.000 9 1.000 1.000 1.000'
expect 'prove_fake-16 4097 6 60 600 5 70 8492 8.492 5.000 9 1.500 1.500 1.500'
expect 'prove_fake-16 pinned 6 60 600 5 70 300 0.300 5.000 9 1.100 1.100 1.100'
[[ $(wc -l <"$work/results/cost.tsv") -eq 19 ]] || fail "not a row for each MIN_BYTES, and one for pinned"

# Counted again, with the existing times; an error if there are none.
cp "$work/results/cost.tsv" "$work/before"
sed -i 's/^\(prove_fake-16\t4096\t\)9\t90\t900\t/\17\t7\t7\t/' "$work/results/cost.tsv"
! cmp -s "$work/before" "$work/results/cost.tsv" || fail "nothing was changed"
rm "$ORDER"
cost --counts-only || fail "--counts-only: $(cat "$work/err")"
cmp "$work/before" "$work/results/cost.tsv" || fail "--counts-only: another table"
! grep -qv sizes "$ORDER" || fail "--counts-only: timed"
rm "$work/results/cost.tsv"
status=0
cost --counts-only || status=$?
[[ $status -eq 3 && ! -e $work/results/cost.tsv ]] && grep -q 'no data: .*cost.tsv' "$work/err" ||
    fail "--counts-only without times: exit status $status: $(cat "$work/err")"

# A run that fails leaves the table as it was.
cp "$work/before" "$work/results/cost.tsv"
for setting in sizes 1521 pinned; do
    status=0
    FAIL=$setting cost || status=$?
    [[ $status -eq 2 ]] && grep -q 'fails: .*prove_fake' "$work/err" || fail "a run at $setting fails: $(cat "$work/err")"
    cmp "$work/before" "$work/results/cost.tsv" || fail "a run at $setting fails: the table changed"
    [[ $(find "$work/results" -type f | wc -l) -eq 1 ]] || fail "a run at $setting fails: something is left behind"
done

# A program whose number of phases is not the one in the table of workloads.
sed -i 's/3$/2/' "$work/workloads"
status=0
cost || status=$?
[[ $status -eq 2 ]] && cmp "$work/before" "$work/results/cost.tsv" || fail "other phases: exit status $status: $(cat "$work/err")"
