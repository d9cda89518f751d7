#!/usr/bin/env bash
# begin_cost_test.sh BEGIN_COST: with nothing retained, a begin and the first block after it take at most
# 50 instructions more under pinned recycling than under blind. Counted by callgrind, as the difference of
# two runs over the difference of their begins.
set -euo pipefail
begin_cost=$1 most=50

command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
[[ $(uname -m) == x86_64 ]] || { echo "the bound is for x86-64"; exit 77; }
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$begin_cost" rewind "$1" "$2" 2>&1 |
        awk '/Collected/ { print $NF }'
}
declare -A per_begin
for recycle in blind pinned; do
    few=$(count "$recycle" 1000)
    many=$(count "$recycle" 3000)
    per_begin[$recycle]=$(((many - few) / 2000))
done
echo "instructions of begin, first block, end: blind ${per_begin[blind]}, pinned ${per_begin[pinned]}, at most $most more"
((few > 0 && per_begin[pinned] - per_begin[blind] <= most))
