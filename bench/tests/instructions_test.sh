#!/usr/bin/env bash
# instructions_test.sh ALLOC_PAIR: a malloc+free pair of 64 bytes takes at most 33 instructions under blind
# recycling, the loop included: as many as the seed's allocator takes where it is inlined; and 9 more under
# pinned, which counts the free in its chunk. Counted by callgrind, so that it does
# not depend on the machine's load: the difference of two runs, over the difference of their pairs.
set -euo pipefail
pair=$1

command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
[[ $(uname -m) == x86_64 ]] || { echo "the bound is for x86-64"; exit 77; }
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$pair" "$1" 64 2>&1 |
        awk '/Collected/ { print $NF }'
}
check() {
    local recycle=$1 most=$2 few many
    export ZK_ALLOC_RECYCLE=$recycle
    few=$(count 262145) # whole phases, both
    many=$(count 524290)
    awk -v few="$few" -v many="$many" -v most="$most" -v recycle="$recycle" 'BEGIN {
        per_pair = (many - few) / 262145
        printf "%s: %.2f instructions per pair, at most %d\n", recycle, per_pair, most
        exit !(few > 0 && per_pair <= most)
    }'
}
check blind 33
check pinned 42
