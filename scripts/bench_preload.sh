#!/usr/bin/env bash
# bench_preload.sh BUILD [ROUNDS]: ns of one malloc+free pair in a program that only knows malloc, on glibc, on
# tcmalloc and on libzkalloc-preload.so: inside phases (pinned, MIN_BYTES 0) and outside of any. The rounds are
# interleaved; the table shows medians, and the medians of the ratios and of the difference.
set -euo pipefail
name=bench_preload
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
want_arguments 1 2 'BUILD [ROUNDS]' "$@"
build=$1 rounds=${2:-9}
want_number "$rounds" ROUNDS
pair=$build/bench/malloc_pair preload=$build/alloc/libzkalloc-preload.so
want_folder "$build" 'run make build'
want_program "$pair"
[[ -f $preload ]] || no_data "$preload: no such library: run make build"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find_loadable "$preload"
preload=$loadable
tcmalloc=$(ldconfig -p | awk '/libtcmalloc_minimal\.so\.4/ && !n++ { print $NF }')
export ZK_ALLOC_MIN_BYTES=0

median() { sort -g | awk '{ v[NR] = $1 } END { print NR == 0 ? "NA" : NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
show() { # show FILE FORMAT
    local value
    value=$(median <"$1")
    if [[ $value == NA ]]; then echo NA; else printf "$2" "$value"; fi
}

printf '%6s %8s  %7s  %8s  %8s  %12s  %8s  %18s\n' size threads glibc tcmalloc in_phase phase/tcmalloc outside 'outside-glibc, ns'
for size in 64 4096; do
    for threads in 1 2; do
        for column in glibc tc in out ratio more; do : >"$work/$column"; done
        for ((round = 0; round < rounds; round++)); do
            glibc=$("$pair" 3000000 "$size" "$threads")
            in=$(LD_PRELOAD=$preload "$pair" 3000000 "$size" "$threads")
            out=$(LD_PRELOAD=$preload "$pair" 3000000 "$size" "$threads" --outside)
            echo "$glibc" >>"$work/glibc"
            echo "$in" >>"$work/in"
            echo "$out" >>"$work/out"
            awk "BEGIN { print $out - $glibc }" >>"$work/more"
            if [[ -n $tcmalloc ]]; then
                tc=$(LD_PRELOAD=$tcmalloc "$pair" 3000000 "$size" "$threads")
                echo "$tc" >>"$work/tc"
                awk "BEGIN { print $in / $tc }" >>"$work/ratio"
            fi
        done
        printf '%6d %8d  %7s  %8s  %8s  %12s  %8s  %18s\n' "$size" "$threads" "$(show "$work/glibc" %.2f)" \
            "$(show "$work/tc" %.2f)" "$(show "$work/in" %.2f)" "$(show "$work/ratio" %.2f)" \
            "$(show "$work/out" %.2f)" "$(show "$work/more" %.2f)"
    done
done
