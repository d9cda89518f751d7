#!/usr/bin/env bash
# bench_pairs.sh BUILD [ROUNDS]: ns of one malloc+free pair, zkalloc beside glibc and tcmalloc. The rounds
# are interleaved, so that a slow moment hits all; the table shows medians, and the median of the ratios.
set -euo pipefail

build=${1:?want BUILD} rounds=${2:-7}
pair=$build/bench/alloc_pair
tcmalloc=$(ldconfig -p | awk '/libtcmalloc_minimal\.so\.4/ { print $NF; exit }')

median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

printf '%8s  %9s  %9s  %9s  %s\n' size zkalloc glibc tcmalloc 'zkalloc/tcmalloc'
for size in 64 4096 65536 1048576; do
    work=$(mktemp -d)
    for ((round = 0; round < rounds; round++)); do
        zk=$("$pair" 5000000 "$size")
        "$pair" --malloc 5000000 "$size" >>"$work/glibc"
        echo "$zk" >>"$work/zk"
        if [[ -n $tcmalloc ]]; then
            tc=$(LD_PRELOAD=$tcmalloc "$pair" --malloc 5000000 "$size")
            echo "$tc" >>"$work/tc"
            awk "BEGIN { print $zk / $tc }" >>"$work/ratio"
        fi
    done
    if [[ -n $tcmalloc ]]; then
        printf '%8d  %9.2f  %9.2f  %9.2f  %.2f\n' "$size" "$(median <"$work/zk")" "$(median <"$work/glibc")" \
            "$(median <"$work/tc")" "$(median <"$work/ratio")"
    else
        printf '%8d  %9.2f  %9.2f  %9s  %s\n' "$size" "$(median <"$work/zk")" "$(median <"$work/glibc")" NA NA
    fi
    rm -rf "$work"
done
