#!/usr/bin/env bash
# count_test.sh SOURCE BUILD: the counts of counted_loop, which are known, come out right, and are
# the same each time, on each allocator and whatever else runs. Counts that are right only by luck
# are detected by their differences: with a longer loop, and with one more cache line.
set -euo pipefail
name=count_test build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
# shellcheck source=../../scripts/bench_common.sh
. "$1/scripts/bench_common.sh"
# shellcheck source=../../scripts/count_common.sh
. "$here/count_common.sh"
fail() { echo "count_test: $1" >&2; exit 1; }
want_callgrind

count() { # count LOG_SIZE ALLOCATOR: a line of $work/counted, and its fields in `row`
    environment_of "$2"
    count_row counted_loop-"$1" "$2" "$1" 2 2 "${environment[@]}"
    read -r -a row < <(tail -1 "$work/counted")
}

# A proof takes 3 * 2^log_size times two instructions, plus a constant. Its misses are twice 5000
# untouched lines, and 20000 bytes that are written, read and copied; everything else must be less
# than a quarter of that.
for allocator in glibc pinned blind; do
    count 12 $allocator
    twelve=("${row[@]}")
    count 16 $allocator
    ((row[2] - twelve[2] == 6 * (65536 - 4096))) ||
        fail "$allocator: ${row[2]} and ${twelve[2]} instructions, want $((6 * (65536 - 4096))) apart"
    ((row[2] > 6 * 65536 + 2 * 4 * 5000 && row[2] < 6 * 65536 + 2 * 120000)) || fail "$allocator: ${row[2]} instructions"
    ((row[4] == twelve[4] && row[4] >= 2 * 5000 && row[4] <= 2 * (5000 + 20000 / 64 * 4))) ||
        fail "$allocator: ${row[4]} misses of the last level, want twice 5000 and those of 20000 bytes"
    ((row[3] >= row[4])) || fail "$allocator: more misses of the last level than of the first"
    ((row[6] >= 2 * 20000 && row[6] < 2 * 24000)) || fail "$allocator: ${row[6]} bytes copied, want twice 20000"
done

again() { # again FOLDER: the same counts of the same programs in FOLDER
    build=$1
    mv "$work/counted" "$work/before"
    for allocator in glibc pinned blind; do
        for size in 12 16; do count $size $allocator; done
    done
}

# Again: exactly the same.
again "$build"
cmp "$work/before" "$work/counted" || fail "other counts: $(diff "$work/before" "$work/counted")"

# In a folder with a longer name the dynamic linker keeps longer names on the heap, so blocks start
# elsewhere in their cache lines. Nothing else changes.
other=$work/a_name_that_is_longer_than_the_other_one
mkdir -p "$other"/{bench,alloc}
cp "$build"/bench/{counted_loop,libbench_copies.so} "$other/bench"
cp "$build"/alloc/libzkalloc-preload.so "$other/alloc"
again "$other"
paste "$work/before" "$work/counted" | awk -F'\t' '
    function near(a, b) { return a - b <= 0.001 * b && b - a <= 0.001 * b }
    !($3 == $10 && near($4, $11) && near($5, $12) && $7 == $14) { print; wrong = 1 }
    END { exit wrong }' || fail "another folder: other counts"

# A program that dies gives no count.
: >"$work/none"
(count_proof "$work/dies" counted_loop 41 2) 2>"$work/none" && fail "a program that fails is counted"
grep -q 'fails under callgrind' "$work/none" || fail "a program that fails: $(cat "$work/none")"
(count_proof "$work/dies" counted_loop 4 3) 2>"$work/none" && fail "other phases are counted"
grep -q 'has not 3 phases' "$work/none" || fail "other phases: $(cat "$work/none")"
echo "count_test: $(wc -l <"$work/counted") counts, as known, three times alike"
