#!/usr/bin/env bash
# bench_test.sh SOURCE: the driver of the benchmarks, on programs that make up their times. Nothing
# is timed.
set -euo pipefail
scripts=$1/scripts
for tool in hyperfine jq; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "bench_test: $1" >&2; exit 1; }

# A program on a machine that seems to get slower from round to round, with allocators as fast as
# $ratios says: glibc's time, the base of the ratios, is the same only within a round. The allocator
# and the round are in the name of its report.
mkdir -p "$work"/{build/bench,results}
cat >"$work/build/bench/prove_fake" <<'FAKE'
#!/usr/bin/env bash
while [[ $# -gt 1 ]]; do
    case $1 in --report) report=$2 ;; --log-size) log_size=$2 ;; esac
    shift
done
file=${report##*/} allocator=${file%%.*} round=${file#*.} round=${round%%.*}
if [[ ${LD_PRELOAD:-} == *copies* ]]; then
    printf 'page_faults\t5\ncopied_bytes\t70\n' >"$report"
    exit
fi
echo "$allocator.$round" >>"$ORDER"
[[ $allocator != "${FAIL:-}" ]] || exit 1
[[ $allocator != static ]] || echo "bench_static: no buffer for 1 of 9 allocations, ${MISSED:-0} of 1000 bytes" >&2
awk -v allocator="$allocator" -v round="$round" -v ratios="${RATIOS:-}" -v log_size="$log_size" 'BEGIN {
    n = split(ratios, word, /[ =]/)
    for (i = 1; i < n; i += 2) of[word[i]] = word[i + 1]
    ratio = allocator in of ? of[allocator] : 1
    if (allocator == "pinned") ratio *= 1 + round / 10
    printf "warm_ms\t%.6f\npage_faults\t%d\ninstructions\tNA\n", ratio * 10 ^ round, log_size * round
    printf "system_ms\t0.25\npeak_rss_bytes\t%d\nphase_bytes\t%d\n", 104857600 * ratio, 67108864
}' >"$report"
FAKE
chmod +x "$work/build/bench/prove_fake"
printf '%s\n' 'mode	program	log_size	iterations	rounds	phases' \
    'full	prove_fake	16	2	5	3' 'full	prove_fake	9	2	3	1' 'quick	prove_fake	9	2	2	1' >"$work/workloads"
export RATIOS='glibc_tuned=0.75 tcmalloc=0.6 mimalloc=0.5 jemalloc=2 pinned=0.5 static=0.5' ORDER=$work/order

bench() { "$scripts/bench.sh" "$work/build" "$work/results" --workloads "$work/workloads" "$@" >"$work/out" 2>"$work/err"; }
expect() { # expect FILE LINE: in results, with spaces for tabs
    grep -qxF "${2// /$'\t'}" "$work/results/$1" || fail "$1: no line '$2': $(cat "$work/results/$1")"
}

bench || fail "exit status $?: $(cat "$work/err")"
[[ $(head -1 "$work/results/bench.tsv") == "workload	allocator	median_ratio_to_glibc	low	high	page_faults	system_ms	instructions	instructions_by	d1_misses	ll_misses	copied_bytes" ]] ||
    fail "bench.tsv: not its header"
# Pinned is at 0.55, 0.60, 0.65, 0.70, 0.75 of glibc in five rounds, or the first three of them.
expect bench.tsv 'prove_fake-16 pinned 0.650 0.600 0.700 48 0.250 NA NA NA NA NA'
expect bench.tsv 'prove_fake-9 pinned 0.600 0.575 0.625 18 0.250 NA NA NA NA NA'
expect bench.tsv 'prove_fake-16 glibc_again 1.000 1.000 1.000 48 0.250 NA NA NA NA NA'
expect bench_memory.tsv 'prove_fake-16 glibc 100.0 64.0 2.000'
expect bench_targets.tsv 'pinned_to_best_peer prove_fake-16 1.300 1.200 1.400 1.00 missed'
expect bench_targets.tsv 'pinned_to_static prove_fake-16 1.300 1.200 1.400 1.02 missed'
expect bench_targets.tsv 'pinned_memory_to_mimalloc prove_fake-16 1.300 1.200 1.400 1.50 met'
for table in bench bench_memory bench_targets; do
    tail -n +2 "$work/results/$table.tsv" | LC_ALL=C sort -c || fail "$table.tsv: not sorted"
    awk -F'\t' -v n=0 'NR == 1 { n = NF } NF != n || / |\r/ { exit 1 }' "$work/results/$table.tsv" ||
        fail "$table.tsv: a line with other fields than the header"
done
[[ $(awk 'NR > 1' "$work/results/bench.tsv" | wc -l) -eq 24 ]] || fail "bench.tsv: not a row for each allocator"
! grep -qw "$(hostname)" "$work/results/bench_machine.txt" || [[ $(hostname) == localhost ]] || fail "the host is named"
grep -q $'\033' "$work/out" "$work/err" && fail "colours, or a progress bar, in a file"
# Each allocator ran once in each round, before the next round began, and in another order.
for round in 1 2 3 4 5; do
    grep "[.]$round\$" "$work/order" | head -12 | cut -d. -f1 >"$work/order.$round"
done
[[ $(sort "$work/order.1" | uniq | wc -l) -eq 12 ]] || fail "not every allocator in a round"
! cmp -s "$work/order.1" "$work/order.2" || fail "two rounds in one order"
head -60 "$work/order" | cut -d. -f2 | sort -nc || fail "rounds overlap"

# Existing tables stay when a run fails, or when the machine is noisy.
cp -r "$work/results" "$work/before"
for case in FAIL=seed 'RATIOS=glibc_again=1.09' 'RATIOS=glibc_again=0.9'; do
    status=0
    env "$case" "$scripts/bench.sh" "$work/build" "$work/results" --workloads "$work/workloads" >"$work/out" 2>"$work/err" ||
        status=$?
    [[ $status -ne 0 ]] || fail "$case: exit status 0"
    diff -r "$work/before" "$work/results" || fail "$case: results changed"
    case $case in
    FAIL*) [[ $status -eq 2 ]] && grep -q 'ZK_ALLOC_RECYCLE=blind.*prove_fake' "$work/err" ;;
    *) [[ $status -eq 1 ]] && grep -q 'too noisy' "$work/err" ;;
    esac || fail "$case: $(cat "$work/err")"
done
RATIOS=glibc_again=1.09 bench --force || fail "--force: $(cat "$work/err")"
expect bench.tsv 'prove_fake-9 glibc_again 1.090 1.090 1.090 18 0.250 NA NA NA NA NA'

# A static run that is no limit, since it missed its buffers.
MISSED=11 bench --quick || fail "--quick: $(cat "$work/err")"
grep -q 'no buffer for 1.1 %' "$work/err" || fail "misses of static are not said: $(cat "$work/err")"
expect bench.tsv 'prove_fake-9 static NA NA NA NA NA NA NA NA NA NA'
expect bench_targets.tsv 'pinned_to_static prove_fake-9 NA NA NA 1.02 NA'

status=0
bench --slow || status=$?
[[ $status -eq 2 ]] && grep -q 'no such option' "$work/err" || fail "--slow: accepted"

# Counts, where the table says so; then counts again, and keeps the existing times. Seed has
# MIN_BYTES 4096.
mkdir "$work/bin"
cp "$scripts/../bench/tests/fake_valgrind.sh" "$work/bin/valgrind"
export PATH=$work/bin:$PATH
: >"$work/build/bench/libbench_copies.so"
printf '%s\n' 'mode	program	log_size	iterations	rounds	phases	counted' \
    'full	prove_fake	16	2	5	3	yes' 'full	prove_fake	9	2	3	1	no' >"$work/workloads"
bench || fail "counted: $(cat "$work/err")"
expect bench.tsv 'prove_fake-16 pinned 0.650 0.600 0.700 48 0.250 6 callgrind 60 600 70'
expect bench.tsv 'prove_fake-16 seed 1.000 1.000 1.000 48 0.250 9 callgrind 90 900 70'
expect bench.tsv 'prove_fake-9 pinned 0.600 0.575 0.625 18 0.250 NA NA NA NA NA'
cp "$work/results/bench.tsv" "$work/whole"
sed -i 's/\t6\tcallgrind\t60\t/\t7\tcallgrind\tNA\t/' "$work/results/bench.tsv"
! cmp -s "$work/whole" "$work/results/bench.tsv" || fail "nothing was changed"
rm "$ORDER"
bench --counts-only || fail "--counts-only: $(cat "$work/err")"
cmp "$work/whole" "$work/results/bench.tsv" || fail "--counts-only: another table"
[[ ! -e $ORDER ]] || fail "--counts-only: timed"
