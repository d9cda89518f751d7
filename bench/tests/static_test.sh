#!/usr/bin/env bash
# static_test.sh STATIC_CLIENT LIBRARY: blocks on fixed buffers keep their bytes; proofs like the
# first have a buffer for each allocation; missing buffers are reported; and the allocated sizes are
# written to a file.
set -euo pipefail
client=$1 library=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export BENCH_STATIC_PERIOD=2
fail() { echo "static_test: $1" >&2; exit 1; }

for pages in huge small; do
    BENCH_STATIC_PAGES=$pages BENCH_STATIC_SIZES=$work/sizes LD_PRELOAD=$library "$client" same 2>"$work/same" ||
        fail "same, $pages pages: $(cat "$work/same")"
    [[ ! -s $work/same ]] || fail "same, $pages pages: $(cat "$work/same")"
done
# 300 allocations on each of two threads and 20 more; a realloc does not count as a new one.
awk -F'\t' '{ n += $2; if ($1 <= last) exit 1; last = $1 } END { exit n != 620 }' "$work/sizes" ||
    fail "BENCH_STATIC_SIZES: not the 620 allocations of a proof, ascending"
LD_PRELOAD=$library "$client" differ 2>"$work/differ" || fail "differ: $(cat "$work/differ")"
grep -Eq '^bench_static: no buffer for [1-9][0-9]* of [0-9]+ allocations, [0-9]+ of [0-9]+ bytes$' "$work/differ" ||
    fail "differ: misses are not counted"
BENCH_STATIC_VERBOSE=1 LD_PRELOAD=$library "$client" same 2>&1 | grep -q '^bench_static: [0-9]* MiB of buffers; 6820 ' ||
    fail "BENCH_STATIC_VERBOSE: no summary"
