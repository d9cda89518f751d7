#!/usr/bin/env bash
# memory_test.sh SOURCE: the table of lifetimes, on programs that make up their figures. Nothing is
# timed.
set -euo pipefail
scripts=$1/scripts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "memory_test: $1" >&2; exit 1; }

# The machine seems to get slower from round to round, but not within one: glibc_again takes as long
# as glibc. The program recognises the allocator by its environment.
mkdir -p "$work"/{build/bench/lifetimes,build/alloc,results}
cat >"$work/build/bench/lifetimes/fake" <<'FAKE'
#!/usr/bin/env bash
factor=1 kib=1000
case ${LD_PRELOAD:-} in
*zkalloc*)
    factor=3 kib=1600
    if [[ ${ZK_ALLOC_MIN_BYTES:-} == 0 ]]; then kib=4000; fi
    if [[ ${ZK_ALLOC_MIN_BYTES:-} == 256 ]]; then kib=3000; fi
    if [[ ${ZK_ALLOC_RECYCLE:-} == blind ]]; then echo 'fake: a live block was damaged' >&2; exit 12; fi
    echo "${ZK_ALLOC_CHAOS:-none} $*" >>"$SEEN"
    ;;
*tcmalloc*) factor=2 ;;
'') [[ -z ${GLIBC_TUNABLES:-} ]] || exit "${FAIL:-0}" ;;
esac
printf 'seconds\t%s\nns_each\t%s\nend_kib\t%d\npeak_kib\t%d\nlive_kib\t500\nearly_kib\t%d\nfaults\t250\n' \
    $factor.5 $((factor * 40)) $kib $((2 * kib)) $((kib / 2))
FAKE
cat >"$work/build/bench/malloc_pair" <<'FAKE'
#!/usr/bin/env bash
[[ ${LD_PRELOAD:-} == *zkalloc* ]] && echo 12.50 || echo 10.00
FAKE
chmod +x "$work"/build/bench/malloc_pair "$work"/build/bench/lifetimes/fake
export SEEN=$work/seen
# The loader complains about a missing preload library, so there is an empty file.
: >"$work/build/alloc/libzkalloc-preload.so"
{
    printf 'mode\trow\ton\tchaos\trounds\tprogram\targuments\n'
    printf 'full\tsurvivors\tpinned\t-\t3\tfake\t7 8\n'
    printf 'full\tserver\tpinned,pinned_0\t777:2\t2\tfake\t9\n'
    printf 'full\toutside_64\tpinned\t-\t2\tmalloc_pair\t100 64 --outside\n'
    printf 'min_bytes\tsurvivors\tpinned,pinned_0,pinned_256\t-\t2\tfake\t7 8\n'
    printf 'quick\tgrow_8k\tpinned\t-\t1\tfake\t1\n'
} >"$work/rows"

memory() { "$scripts/bench_memory.sh" "$work/build" "$work/results" --rows "$work/rows" "$@" >"$work/out" 2>"$work/err"; }
expect() { # expect FILE LINE: in results, with spaces for tabs
    grep -qxF "${2// /$'\t'}" "$work/results/$1" || fail "$1: no line '$2': $(cat "$work/results/$1")"
}

memory || fail "exit status $?: $(cat "$work/err")"
expect memory.tsv 'survivors glibc 1.000 1.000 1.000 1.000 1.000 1.000 1.000 1.000 1.000 1.5 1.0 2.0 0.5'
expect memory.tsv 'survivors pinned 2.333 2.333 2.333 1.600 1.600 1.600 1.600 1.600 1.600 3.5 1.6 3.1 0.5'
expect memory.tsv 'survivors blind NA NA NA NA NA NA NA NA NA NA NA NA NA'
expect memory.tsv 'outside_64 pinned 1.250 1.250 1.250 NA NA NA NA NA NA 12.5 NA NA NA'
expect memory_targets.tsv 'survivors pinned end glibc 1.600 1.600 1.600 1.50 missed'
expect memory_targets.tsv 'survivors pinned time glibc 2.333 2.333 2.333 1.00 missed'
expect memory_targets.tsv 'server pinned_0 end glibc 4.000 4.000 4.000 1.50 missed'
expect memory_targets.tsv 'server pinned growth early 2.000 2.000 2.000 1.10 missed'
expect memory_targets.tsv 'outside_64 pinned more ns 2.500 2.500 2.500 1 missed'
! grep -q '^survivors.pinned_0' "$work/results/memory.tsv" || fail "a setting that the row does not name"
printf '%s\n' '777:2 9' 'none 7 8' | cmp -s - <(sort -u "$SEEN") || fail "chaos, or arguments: $(sort -u "$SEEN")"
[[ $(grep -c '^777' "$SEEN") -eq 4 && $(grep -c '^none' "$SEEN") -eq 3 ]] || fail "rounds: $(cat "$SEEN")"
for table in memory memory_targets; do
    tail -n +2 "$work/results/$table.tsv" | LC_ALL=C sort -c || fail "$table.tsv: not sorted"
    awk -F'\t' 'NR == 1 { n = NF } NF != n { exit 1 }' "$work/results/$table.tsv" ||
        fail "$table.tsv: a line with other fields than the header"
done
grep -q $'\033' "$work/out" "$work/err" && fail "colours, or a progress bar, in a file"

# Existing tables stay if only one row is run, if a run fails, or if an option is wrong.
cp -r "$work/results" "$work/before"
memory --only '^server$' || fail "--only: $(cat "$work/err")"
if ! grep -q "^server" "$work/out" || grep -q "^survivors" "$work/out"; then fail "--only: other rows: $(cat "$work/out")"; fi
for case in FAIL=3 'x --slow' 'x --only no_such_row'; do
    status=0
    # shellcheck disable=SC2086 # words
    case $case in
    FAIL*) (export "${case?}" && memory) || status=$? ;;
    *) memory ${case#x } || status=$? ;;
    esac
    [[ $status -eq 2 ]] || fail "$case: exit status $status"
done
diff -r "$work/before" "$work/results" || fail "results changed"
FAIL=3 memory || grep -q 'on glibc_tuned: exit status 3' "$work/err" || fail "a run that fails: $(cat "$work/err")"

# By MIN_BYTES: this writes a table of its own, and the others stay.
memory --min-bytes || fail "--min-bytes: $(cat "$work/err")"
expect min_bytes.tsv 'survivors pinned_0 2.333 2.333 2.333 4.000 4.000 4.000 4.000 4.000 4.000 3.5 3.9 7.8 0.5'
expect min_bytes.tsv 'survivors pinned_256 2.333 2.333 2.333 3.000 3.000 3.000 3.000 3.000 3.000 3.5 2.9 5.9 0.5'
! grep -q 'pinned_1024' "$work/results/min_bytes.tsv" || fail "--min-bytes: a setting that the row does not name"
rm "$work/results/min_bytes.tsv"
diff -r "$work/before" "$work/results" || fail "--min-bytes: other tables"

# The same tables again, from the runs of the last complete bench.
rm -rf "$work/build/bench" "$work/results"
memory --kept || fail "--kept: $(cat "$work/err")"
diff -r "$work/before" "$work/results" || fail "--kept: other tables"
