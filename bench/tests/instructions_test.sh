#!/usr/bin/env bash
# instructions_test.sh ALLOC_PAIR: under blind recycling, a malloc+free pair of 64 bytes takes at
# most 33 instructions, the loop included: as many as the seed's inlined allocator takes; and under
# pinned at most 48. Counted by callgrind, so that it does not depend on the machine's load: the
# difference of two runs, over the difference of their pairs.
set -euo pipefail
pair=$1 most_blind=33 most_pinned=48

command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
[[ $(uname -m) == x86_64 ]] || { echo "the bound is for x86-64"; exit 77; }
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$pair" "$1" 64 2>&1 |
        awk '/Collected/ { print $NF }'
}
per_pair() { # per_pair RECYCLE
    local few many
    export ZK_ALLOC_RECYCLE=$1 ZK_ALLOC_MIN_BYTES=0
    few=$(count 262145) # whole phases, both
    many=$(count 524290)
    awk -v few="$few" -v many="$many" 'BEGIN { printf "%.2f", (many - few) / 262145; exit !(few > 0) }'
}

blind=$(per_pair blind)
pinned=$(per_pair pinned)
awk -v blind="$blind" -v pinned="$pinned" -v most_blind=$most_blind -v most_pinned=$most_pinned 'BEGIN {
    printf "blind %.2f instructions per pair, at most %d; pinned %.2f, at most %d\n", blind, most_blind, pinned, most_pinned
    exit !(blind <= most_blind && pinned <= most_pinned)
}'
