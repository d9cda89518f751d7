#!/usr/bin/env bash
# bench_cost.sh BUILD RESULTS [--quick] [--counts-only] [--workloads FILE]: what routing costs. For
# each MIN_BYTES (and, in a last row of each workload, for pinned at its default MIN_BYTES), for a
# warm proof on one thread:
#
#     counted     instructions, misses of simulated caches (count_common.sh), page faults, bytes that
#                 realloc copied, and how much of what the proof allocates comes from system. The same
#                 each time.
#     timed       the time under blind recycling as a ratio to that at MIN_BYTES 0 in the same round:
#                 the median, and its 95 % confidence interval (NA with fewer than 6 rounds); and the
#                 kernel's share of the processor time
#
# Writes cost.tsv to RESULTS. --counts-only keeps the times of the existing table.
#
# The time of a run is the lower quartile of its proofs: routing costs only a few calls, which the
# load of neighbours on the machine would hide. libbench_static.so counts what comes from system: it
# records every allocation in the phases of one proof.
set -euo pipefail
name=bench_cost mode=cost workloads='' timed=yes
build=${1:-} results=${2:-}
# shellcheck source=bench_common.sh
. "$(dirname "$0")/bench_common.sh"
# shellcheck source=count_common.sh
. "$here/count_common.sh"
want_arguments 2 6 'BUILD RESULTS [--quick] [--counts-only] [--workloads FILE]' "$@"
shift 2
workloads=$here/bench_workloads.tsv
while [[ $# -gt 0 ]]; do
    case $1 in
    --quick) mode=cost-quick ;;
    --counts-only) timed=no ;;
    --workloads)
        [[ $# -ge 2 ]] || die "--workloads: want a file"
        workloads=$2
        shift
        ;;
    *) die "$1: no such option: want --quick, --counts-only or --workloads FILE" ;;
    esac
    shift
done
want_folder "$build" "run make build"
want_table "$workloads" 'want a table of workloads' mode program log_size iterations rounds phases
[[ -n $(workloads_of $mode) ]] || die "$workloads: no workload for $mode"
while read -r program _; do want_program "$build/bench/$program"; done < <(workloads_of $mode)
want_callgrind
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The thresholds of the sweep, and the sizes around which the largest retained blocks of repros are
# routed.
settings=(0 64 128 192 256 512 1024 1520 1521 2048 4096 4097 6144 8192 16384 49153 72705 pinned)

# with SETTING: sets the array `variables`.
with() {
    local environment chosen=(ZK_ALLOC_RECYCLE=blind "ZK_ALLOC_MIN_BYTES=$1")
    [[ $1 != pinned ]] || chosen=(ZK_ALLOC_RECYCLE=pinned)
    preloading alloc/libzkalloc-preload.so "${chosen[@]}"
    variables=("${environment[@]}")
}

# prove PROGRAM LOG_SIZE ITERATIONS VARIABLE...: one run, which leaves $work/report.
prove() {
    local command=(env "${@:4}" "$build/bench/$1" --iters "$3" --log-size "$2" --tampered 0 --threads 1
        --report "$work/report")
    rm -f "$work/report"
    "${command[@]}" >"$work/out" 2>&1 || die "fails: ${command[*]}: $(tail -3 "$work/out")"
}

# Makes a line of $work/runs: workload setting round ms system_ms.
time_setting() { # time_setting PROGRAM LOG_SIZE ITERATIONS ROUND SETTING
    local variables
    with "$5"
    prove "$1" "$2" "$3" "${variables[@]}"
    printf '%s\t%s\t%s\t%s\t%s\n' "$1-$2" "$5" "$4" "$(report_value "$work/report" warm_ms_low)" \
        "$(report_value "$work/report" system_ms)" >>"$work/runs"
}

# Makes lines of $work/sizes: workload size count.
count_sizes() { # count_sizes PROGRAM LOG_SIZE PHASES
    local environment
    environment_of static
    prove "$1" "$2" 1 "${environment[@]}" "BENCH_STATIC_PERIOD=$3" \
        "BENCH_STATIC_SIZES=$work/one"
    [[ -s $work/one ]] || die "$1 --log-size $2 allocates nothing in phases"
    sed "s/^/$1-$2\t/" "$work/one" >>"$work/sizes"
}

count_all() {
    local total=0 finished=0 program log_size iterations phases setting variables
    total=$(($(workloads_of $mode | wc -l) * ${#settings[@]}))
    while read -r program log_size iterations _ phases; do
        count_sizes "$program" "$log_size" "$phases" </dev/null
        for setting in "${settings[@]}"; do
            progress $finished $total "counting $program-$log_size MIN_BYTES $setting"
            with "$setting"
            start_row "$program-$log_size" "$setting" "$log_size" "$phases" "$iterations" "${variables[@]}"
            finished=$((finished + 1))
        done
    done < <(workloads_of $mode)
    end_counting
    progress $total $total ''
}

time_all() {
    local total=0 finished=0 program log_size iterations rounds round setting
    while read -r _ _ _ rounds _; do total=$((total + rounds * ${#settings[@]})); done < <(workloads_of $mode)
    while read -r program log_size iterations rounds _; do
        for ((round = 1; round <= rounds; round++)); do
            for setting in $(shuffled "$round" "${settings[@]}"); do
                progress $finished $total "$program-$log_size MIN_BYTES $setting"
                time_setting "$program" "$log_size" "$iterations" "$round" "$setting" </dev/null
                finished=$((finished + 1))
            done
        done
    done < <(workloads_of $mode)
    progress $total $total ''
}

table() { # table WHICH FILE...
    awk -v table="$1" -v names="${settings[*]}" -f "$here/quantile.awk" -f "$here/cost_table.awk" "${@:2}"
}

count_all
table counts "$work/sizes" "$work/counted" >"$work/counts.tsv"
if [[ $timed == yes ]]; then
    time_all
    table times "$work/runs" >"$work/times.tsv"
elif [[ -e $results/cost.tsv ]]; then
    want_table "$results/cost.tsv" 'run bench_cost.sh without --counts-only' workload min_bytes median_ratio low high rounds
    cp "$results/cost.tsv" "$work/times.tsv"
else
    no_data "$results/cost.tsv: not there, and its times are to be kept: run bench_cost.sh without --counts-only"
fi
columns='instructions d1_misses ll_misses page_faults copied_bytes moved_bytes moved_percent system_ms rounds median_ratio
    low high'
awk -v columns="${columns//$'\n'/ }" -f "$here/join.awk" "$work/counts.tsv" "$work/times.tsv" >"$work/joined"
{
    head -1 "$work/joined"
    tail -n +2 "$work/joined" | LC_ALL=C sort -t$'\t' -k1,1 -s
} >"$work/cost.tsv"
awk -F'\t' -v bold="$bold" -v plain="$plain" '
    function share(value, of) { return sprintf("%+.2f %%", of > 0 ? 100 * (value / of - 1) : 0) }
    NR == 1 { next }
    $1 != last {
        last = $1; instructions = $3; first = $4; faults = $6
        printf "%s%s%s  %d instructions, %d first-level misses a proof\n  %-9s  %12s  %12s  %7s  %9s  %8s  %12s  %s\n", \
            bold, $1, plain, $3, $4, "MIN_BYTES", "instructions", "cache misses", "faults", "to system", "time", "95 %", "system ms"
    }
    {
        printf "  %-9s  %12s  %12s  %+7d  %7s %%  %8s  %12s  %s\n", $2, share($3, instructions), share($4, first), $6 - faults, $9,
            $12, $13 == "NA" ? "NA" : $13 ".." $14, $10
    }' "$work/cost.tsv"
publish cost.tsv
