#!/usr/bin/env bash
# micro_test.sh SOURCE: the table of pairs, on programs that make up their times. Nothing is timed.
set -euo pipefail
scripts=$1/scripts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "micro_test: $1" >&2; exit 1; }

# glibc takes 2 ns for a byte and a thread, blind half of that; linked, a pair takes 3 ns.
mkdir -p "$work"/{build/bench,results}
cat >"$work/build/bench/malloc_pair" <<'FAKE'
#!/usr/bin/env bash
[[ ${ZK_ALLOC_RECYCLE:-} != "${FAIL:-none}" ]] || exit 1
factor=2
[[ ${ZK_ALLOC_RECYCLE:-} != blind ]] || factor=1
echo "$(($2 * $3 * factor)).00"
FAKE
cat >"$work/build/bench/alloc_pair" <<'FAKE'
#!/usr/bin/env bash
[[ $ZK_ALLOC_RECYCLE == blind || $ZK_ALLOC_RECYCLE == pinned ]] && echo 3.00
FAKE
cat >"$work/build/bench/begin_cost" <<'FAKE'
#!/usr/bin/env bash
printf 'b\tus\t2\na\tus\t1\n'
FAKE
chmod +x "$work"/build/bench/*

micro() { "$scripts/bench_micro.sh" "$work/build" "$work/results" --quick >"$work/out" 2>"$work/err"; }
expect() { grep -qxF "${2// /$'\t'}" "$work/results/$1" || fail "$1: no line '$2': $(cat "$work/results/$1")"; }

micro || fail "exit status $?: $(cat "$work/err")"
expect pairs.tsv 'size_bytes threads allocator ns ratio_to_glibc low high'
expect pairs.tsv '64 1 glibc 128.00 1.000 1.000 1.000'
expect pairs.tsv '4096 2 blind 8192.00 0.500 0.500 0.500'
expect pairs.tsv '64 1 pinned_linked 3.00 0.023 0.023 0.023'
expect pairs.tsv '64 2 pinned_linked NA NA NA NA'
[[ $(wc -l <"$work/results/pairs.tsv") -eq 145 ]] || fail "not a row for each size, number of threads and allocator"
printf 'what\tfigure\tvalue\na\tus\t1\nb\tus\t2\n' | cmp - "$work/results/begin.tsv" || fail "begin.tsv"

cp -r "$work/results" "$work/before"
status=0
FAIL=blind micro || status=$?
[[ $status -eq 2 ]] && grep -q 'fails on blind' "$work/err" || fail "a run that fails: $(cat "$work/err")"
diff -r "$work/before" "$work/results" || fail "a run that fails: the tables changed"
