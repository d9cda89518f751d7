#!/usr/bin/env bash
# bench_micro.sh BUILD RESULTS [--quick]: ns of one malloc+free pair on each allocator, by size, on one thread and on
# two; then what a begin costs, by how much of a slab was used. The rounds are interleaved, so that
# a slow moment affects all; ratios are to glibc in the same round. Writes pairs.tsv and begin.tsv
# to RESULTS.
#
# The allocators are preloaded libraries (LD_PRELOAD). blind_linked and pinned_linked are the same
# pairs in a program that is linked with libzkalloc, where the call is direct; they have one thread.
set -euo pipefail
name=bench_micro rounds=3 run_ns=40000000
build=${1:-} results=${2:-}
# shellcheck source=bench_common.sh
. "$(dirname "$0")/bench_common.sh"
want_arguments 2 3 'BUILD RESULTS [--quick]' "$@"
case ${3:-} in
'') ;;
--quick) rounds=2 run_ns=20000000 ;;
*) die "$3: no such option: want --quick" ;;
esac
want_folder "$build" 'run make build'
for program in malloc_pair alloc_pair begin_cost; do want_program "$build/bench/$program"; done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sizes=(64 1024 4096 65536 1048576 16777216)
linked=(blind_linked pinned_linked)
# Without static: its buffers exist only after a first phase, which is timed here. Without MIN_BYTES
# 0, small sizes come from system, that is glibc: in nothing else do seed and pinned differ from
# blind and pinned_0.
allocators=(glibc glibc_again glibc_tuned mimalloc jemalloc tcmalloc blind pinned_0 pinned pinned_huge)
find_allocators

# pair_ns ALLOCATOR PAIRS SIZE THREADS
pair_ns() {
    case $1 in
    *_linked) ZK_ALLOC_RECYCLE=${1%_linked} "$build/bench/alloc_pair" "$2" "$3" ;;
    *)
        environment_of "$1"
        env "${environment[@]}" "$build/bench/malloc_pair" "$2" "$3" "$4"
        ;;
    esac
}

# Finds the number of pairs for which glibc takes about run_ns, so that no run is too short or too
# long.
calibrate() { # calibrate SIZE THREADS
    local ns
    ns=$(pair_ns glibc 10000 "$1" "$2")
    awk -v ns="$ns" -v run_ns=$run_ns 'BEGIN { printf "%d", 1 + run_ns / (ns > 5 ? ns : 5) }'
}

total=$((2 * ${#sizes[@]} * rounds)) finished=0
for threads in 1 2; do
    measured=("${present[@]}")
    [[ $threads -gt 1 ]] || measured+=("${linked[@]}")
    for size in "${sizes[@]}"; do
        pairs=$(calibrate "$size" $threads)
        for ((round = 1; round <= rounds; round++)); do
            progress $finished $total "$size bytes, $threads threads"
            for allocator in $(shuffled "$round" "${measured[@]}"); do
                ns=$(pair_ns "$allocator" "$pairs" "$size" $threads) || die "a pair of $size bytes fails on $allocator"
                printf '%s\t%s\t%s\t%s\t%s\n' "$size" $threads "$allocator" "$round" "$ns" >>"$work/runs"
            done
            finished=$((finished + 1))
        done
    done
done
progress $finished $total ''

{
    printf 'size_bytes\tthreads\tallocator\tns\tratio_to_glibc\tlow\thigh\n'
    awk -v names="${allocators[*]} ${linked[*]}" -v sizes="${sizes[*]}" -f "$here/quantile.awk" -f "$here/pairs_table.awk" \
        "$work/runs"
} >"$work/pairs.tsv"

# One line for each allocator: the ns by size.
for threads in 1 2; do
    awk -F'\t' -v threads=$threads -v sizes="${sizes[*]}" -v bold="$bold" -v plain="$plain" '
        NR == 1 {
            printf "%sns of a pair, %d thread%s%s\n  %-14s", bold, threads, (threads > 1 ? "s" : ""), plain, "bytes"
            n = split(sizes, size, " ")
            for (i = 1; i <= n; i++) printf "%18s", size[i]
            print ""
        }
        NR > 1 && $2 == threads && !(threads > 1 && $3 ~ /_linked$/) {
            if (!($3 in cell)) order[++count] = $3
            cell[$3] = cell[$3] sprintf("%18s", $4 == "NA" ? "NA" : $4 " (" $5 ")")
        }
        END { for (i = 1; i <= count; i++) printf "  %-14s%s\n", order[i], cell[order[i]] }' "$work/pairs.tsv"
done
echo "  in parentheses: the median of the ratios to glibc in the same round"
echo

"$build/bench/begin_cost" >"$work/begin" || die "begin_cost fails"
{
    printf 'what\tfigure\tvalue\n'
    LC_ALL=C sort "$work/begin"
} >"$work/begin.tsv"
printf '%sa begin%s\n' "$bold" "$plain"
awk -F'\t' '{ printf "  %-24s  %-22s  %s\n", $1, $2, $3 }' "$work/begin"
publish pairs.tsv begin.tsv
