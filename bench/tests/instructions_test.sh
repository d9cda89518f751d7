#!/usr/bin/env bash
# instructions_test.sh ALLOC_PAIR: a malloc+free pair of 64 bytes takes at most 33 instructions, the loop
# included: as many as the seed's allocator takes where it is inlined. Counted by callgrind, so that it does
# not depend on the machine's load: the difference of two runs, over the difference of their pairs.
set -euo pipefail
pair=$1 most=33

command -v valgrind >/dev/null || { echo "valgrind is not installed"; exit 77; }
[[ $(uname -m) == x86_64 ]] || { echo "the bound is for x86-64"; exit 77; }
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$pair" "$1" 64 2>&1 |
        awk '/Collected/ { print $NF }'
}
few=$(count 262145) # whole phases, both
many=$(count 524290)
awk -v few="$few" -v many="$many" -v most=$most 'BEGIN {
    per_pair = (many - few) / 262145
    printf "%.2f instructions per pair, at most %d\n", per_pair, most
    exit !(few > 0 && per_pair <= most)
}'
