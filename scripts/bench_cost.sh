#!/usr/bin/env bash
# bench_cost.sh BUILD RESULTS [--quick] [--workloads FILE]: what routing costs. For each MIN_BYTES, the time of a warm
# proof under blind recycling to that at MIN_BYTES 0 in the same round, and how much of what a proof allocates moves to
# system; in a last row of each workload, pinned at its default MIN_BYTES. Writes cost.tsv to RESULTS.
#
# On one thread, and by the lower quartile of the proofs in a run: what routing costs is a few calls, which the waiting
# at barriers and the neighbours on the machine would hide.
#
# What moves is counted, not estimated: libbench_static.so writes down every allocation of one proof's phases.
set -euo pipefail
name=bench_cost mode=cost workloads=''
[[ $# -ge 2 ]] || { echo "bench_cost: want BUILD RESULTS [--quick] [--workloads FILE]" >&2; exit 2; }
build=$1 results=$2
shift 2
# shellcheck source=bench_common.sh
. "$(dirname "$0")/bench_common.sh"
workloads=$here/bench_workloads.tsv
while [[ $# -gt 0 ]]; do
    case $1 in
    --quick) mode=cost-quick ;;
    --workloads)
        [[ $# -ge 2 ]] || die "--workloads: want a file"
        workloads=$2
        shift
        ;;
    *) die "$1: no such option: want --quick or --workloads FILE" ;;
    esac
    shift
done
[[ -n $(workloads_of $mode) ]] || die "$workloads: no workload for $mode"
mkdir -p "$results"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Those of the sweep, and where the largest blocks that a repro retains are routed.
settings=(0 64 128 192 256 512 1024 1520 1521 2048 4096 4097 6144 8192 16384 49153 72705 pinned)

# prove PROGRAM LOG_SIZE ITERATIONS VARIABLE...: one run, which leaves $work/report.
prove() {
    local command=(env "${@:4}" "$build/bench/$1" --iters "$3" --log-size "$2" --tampered 0 --threads 1
        --report "$work/report")
    rm -f "$work/report"
    "${command[@]}" >"$work/out" 2>&1 || die "fails: ${command[*]}: $(tail -3 "$work/out")"
}

# Makes a line of $work/runs: workload setting round ms.
time_setting() { # time_setting PROGRAM LOG_SIZE ITERATIONS ROUND SETTING
    local with=(ZK_ALLOC_RECYCLE=blind "ZK_ALLOC_MIN_BYTES=$5")
    [[ $5 != pinned ]] || with=(ZK_ALLOC_RECYCLE=pinned)
    prove "$1" "$2" "$3" "LD_PRELOAD=$build/alloc/libzkalloc-preload.so" "${with[@]}"
    printf '%s\t%s\t%s\t%s\n' "$1-$2" "$5" "$4" "$(report_value "$work/report" warm_ms_low)" >>"$work/runs"
}

# Makes lines of $work/sizes: workload size count.
count_sizes() { # count_sizes PROGRAM LOG_SIZE PHASES
    prove "$1" "$2" 1 "LD_PRELOAD=$build/bench/libbench_static.so" "BENCH_STATIC_PERIOD=$3" \
        "BENCH_STATIC_SIZES=$work/one"
    [[ -s $work/one ]] || die "$1 --log-size $2 allocates nothing in phases"
    sed "s/^/$1-$2\t/" "$work/one" >>"$work/sizes"
}

total=0 finished=0
while read -r _ _ _ rounds _; do total=$((total + rounds * ${#settings[@]})); done < <(workloads_of $mode)
while read -r program log_size iterations rounds phases; do
    count_sizes "$program" "$log_size" "$phases" </dev/null
    for ((round = 1; round <= rounds; round++)); do
        for setting in $(shuffled "$round" "${settings[@]}"); do
            progress $finished $total "$program-$log_size MIN_BYTES $setting"
            time_setting "$program" "$log_size" "$iterations" "$round" "$setting" </dev/null
            finished=$((finished + 1))
        done
    done
done < <(workloads_of $mode)
progress $finished $total ''

{
    printf 'workload\tmin_bytes\tmedian_ratio\tlow\thigh\tmoved_bytes\tmoved_percent\n'
    awk -v names="${settings[*]}" -f "$here/quantile.awk" -f "$here/cost_table.awk" "$work/sizes" "$work/runs" |
        LC_ALL=C sort -t$'\t' -k1,1 -s
} >"$work/cost.tsv"
awk -F'\t' -v bold="$bold" -v plain="$plain" '
    NR == 1 { next }
    $1 != last { printf "%s%s%s\n  %-9s  %11s  %-13s  %s\n", bold, last = $1, plain, "MIN_BYTES", "time, blind", "quartiles", "moves to system" }
    { printf "  %-9s  %11s  %-13s  %s bytes a proof, %s %%\n", $2, $3, $4 ".." $5, $6, $7 }' "$work/cost.tsv"
publish cost.tsv
