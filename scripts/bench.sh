#!/usr/bin/env bash
# bench.sh BUILD RESULTS [--quick] [--force] [--kept] [--counts-only] [--workloads FILE]: runs the
# provers on each allocator. Writes bench.tsv, bench_memory.tsv, bench_targets.tsv and
# bench_machine.txt to RESULTS, and prints a summary.
#
# Instructions are the processor's count if it is available (instructions_by: pmu). If not, as in
# most virtual machines, callgrind counts the workloads marked as counted in their table, on one
# thread, with the misses of simulated caches (count_common.sh); the larger ones would take hours,
# and are NA. --counts-only does only that, and keeps all other columns of bench.tsv.
#
# In each round every allocator runs once, in a new order, and is compared with glibc in the same
# round: whatever slows the machine for a while slows both. A machine on which two runs of glibc
# differ too much is refused (exit status 1, nothing written) unless --force is given. --kept
# measures nothing: it makes the tables from the runs that the last bench kept. A run that fails
# ends the bench (exit status 2, nothing written).
set -euo pipefail
name=bench mode=full force=no kept=no timed=yes workloads=''
build=${1:-} results=${2:-}
# shellcheck source=bench_common.sh
. "$(dirname "$0")/bench_common.sh"
# shellcheck source=count_common.sh
. "$here/count_common.sh"
want_arguments 2 9 'BUILD RESULTS [--quick] [--force] [--kept] [--counts-only] [--workloads FILE]' "$@"
shift 2
workloads=$here/bench_workloads.tsv
while [[ $# -gt 0 ]]; do
    case $1 in
    --quick) mode=quick ;;
    --force) force=yes ;;
    --kept) kept=yes ;;
    --counts-only) timed=no ;;
    --workloads)
        [[ $# -ge 2 ]] || die "--workloads: want a file"
        workloads=$2
        shift
        ;;
    *) die "$1: no such option: want --quick, --force, --kept, --counts-only or --workloads FILE" ;;
    esac
    shift
done
want_folder "$build" "run make build"
want_table "$workloads" 'want a table of workloads' mode program log_size iterations rounds phases
for tool in hyperfine jq shuf; do
    command -v $tool >/dev/null || die "$tool is not installed: run scripts/bootstrap.sh --all"
done
[[ -n $(workloads_of $mode) ]] || die "$workloads: no workload for $mode"
while read -r program _; do want_program "$build/bench/$program"; done < <(workloads_of $mode)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
runs=$build/bench-json
if [[ $kept == no && $timed == yes ]]; then rm -rf "$runs"; fi
mkdir -p "$runs"

# run PROGRAM LOG_SIZE ITERATIONS PHASES ALLOCATOR ROUND: one run, whose line goes to $work/runs.
run() {
    local program=$1 log_size=$2 iterations=$3 phases=$4 allocator=$5 round=$6 command key out
    out=$runs/$program-$log_size/$allocator.$round
    environment_of "$allocator"
    [[ $allocator != static ]] || environment+=("BENCH_STATIC_PERIOD=$phases")
    mkdir -p "${out%/*}"
    # env sets the allocator, so that the program gets it and hyperfine does not.
    command=(env "${environment[@]}" "$build/bench/$program" --iters "$iterations" --log-size "$log_size"
        --tampered 0 --report "$out.report")
    if [[ $kept == yes ]]; then
        [[ -s $out.report ]] || no_data "$out.report: not there: run bench.sh without --kept"
    elif ! hyperfine -N --runs 1 --style none --export-json "$out.json" --output inherit "$(printf '%q ' "${command[@]}")" \
        >"$out.out" 2>"$out.err" || [[ ! -s $out.report ]]; then
        die "fails: ${command[*]}: $(grep -v '^Error: Command' "$out.err" | tail -3)"
    fi
    {
        printf '%s\t%s\t%s' "$program-$log_size" "$allocator" "$round"
        for key in warm_ms whole page_faults instructions peak_rss_bytes phase_bytes system_ms; do
            if [[ $key == whole ]]; then
                printf '\t%s' "$(jq -r '.results[0].times[0]' "$out.json")"
            else
                printf '\t%s' "$(report_value "$out.report" $key)"
            fi
        done
        echo
    } >>"$work/runs"
}

# For static: it is the limit only if nearly all allocations come from its buffers.
check_static() {
    environment_of static || return 0
    awk -v most=1 '/^bench_static: no buffer/ {
        split(FILENAME, path, "/")
        share = 100 * $9 / $11
        if (share > most && !(path[length(path) - 1] in said)) {
            said[path[length(path) - 1]]
            printf "%s\t%.1f\n", path[length(path) - 1], share
        }
    }' "$runs"/*/static.*.err >"$work/no_limit"
    while IFS=$'\t' read -r workload share; do
        echo "bench: static has no buffer for $share % of the bytes of $workload, which is no limit: NA" >&2
        awk -F'\t' -v workload="$workload" '!($1 == workload && $2 == "static")' "$work/runs" >"$work/fewer"
        mv "$work/fewer" "$work/runs"
    done <"$work/no_limit"
}

table() { # table WHICH
    awk -v table="$1" -v names="${allocators[*]}" -v bold="$bold" -v plain="$plain" \
        -f "$here/quantile.awk" -f "$here/verdict.awk" -f "$here/bench_tables.awk" "$work/runs"
}

sorted_table() { # sorted_table WHICH COLUMN...: with a header
    local which=$1
    shift
    (IFS=$'\t' && echo "$*")
    table "$which" | LC_ALL=C sort
}

version() { dpkg-query -W -f='${Version}\n' "$1" 2>/dev/null | head -1 | grep . || echo 'not installed'; }

machine() {
    echo "CPU: $(lscpu | awk '/^Model name:/ && !n++ { sub(/^[^:]*: */, ""); print }'), $(nproc) processors"
    lscpu | sed -n 's/^\(L[123][di]* cache\): */\1: /p'
    awk '/^MemTotal/ { printf "memory: %.1f GiB\n", $2 / 1048576 }' /proc/meminfo
    echo "kernel: $(uname -sr), pages of $(getconf PAGESIZE) bytes"
    echo "transparent huge pages: $(cat /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null || echo none)"
    echo "governor: $(cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor 2>/dev/null || echo 'not told')"
    echo "glibc $(getconf GNU_LIBC_VERSION | awk '{ print $2 }') ($(version libc6)), gcc $(gcc -dumpfullversion 2>/dev/null || echo none)"
    echo "mimalloc $(version libmimalloc2.0), jemalloc $(version libjemalloc2), tcmalloc $(version libtcmalloc-minimal4)"
    echo "glibc_tuned: GLIBC_TUNABLES=$tunables"
}

# Counts the counted workloads on each allocator: $work/counts.tsv.
count_all() {
    local program log_size iterations phases allocator setting total=0 finished=0
    printf 'workload\tallocator\tinstructions\tinstructions_by\td1_misses\tll_misses\tcopied_bytes\n' >"$work/counts.tsv"
    : >"$work/counted"
    [[ -n $(counted_of $mode) ]] || return 0
    want_callgrind
    total=$(($(counted_of $mode | wc -l) * ${#present[@]}))
    while read -r program log_size iterations _ phases; do
        for allocator in "${present[@]}"; do
            progress $finished $total "counting $program-$log_size $allocator"
            environment_of "$allocator"
            [[ $allocator != static ]] || environment+=("BENCH_STATIC_PERIOD=$phases")
            start_row "$program-$log_size" "$allocator" "$log_size" "$phases" "$iterations" "${environment[@]}"
            finished=$((finished + 1))
        done
    done < <(counted_of $mode)
    end_counting
    progress $total $total ''
    awk -F'\t' -v OFS='\t' '{ print $1, $2, $3, "callgrind", $4, $5, $7 }' "$work/counted" >>"$work/counts.tsv"
}

time_all() {
    local total=0 finished=0 program log_size iterations rounds phases round allocator
    while read -r _ _ _ rounds _; do total=$((total + rounds * ${#present[@]})); done < <(workloads_of $mode)
    while read -r program log_size iterations rounds phases; do
        for ((round = 1; round <= rounds; round++)); do
            for allocator in $(shuffled "$round" "${present[@]}"); do
                progress $finished $total "$program-$log_size $allocator"
                run "$program" "$log_size" "$iterations" "$phases" "$allocator" "$round" </dev/null
                finished=$((finished + 1))
            done
        done
    done < <(workloads_of $mode)
    progress $total $total ''
}

# joined TIMES: bench.tsv, from the table of times and that of counts.
joined() {
    awk -v columns="$timed_columns instructions instructions_by d1_misses ll_misses copied_bytes" \
        -f "$here/join.awk" "$1" "$work/counts.tsv" >"$work/unsorted"
    head -1 "$work/unsorted"
    tail -n +2 "$work/unsorted" | LC_ALL=C sort
}

timed_columns='median_ratio_to_glibc low high page_faults system_ms'
find_allocators
if [[ $timed == no ]]; then
    want_table "$results/bench.tsv" 'its times are to be kept: run bench.sh without --counts-only' workload allocator \
        median_ratio_to_glibc low high page_faults
    [[ -n $(counted_of $mode) ]] || no_data "$workloads: no workload for $mode is counted"
    count_all
    awk -v columns="$timed_columns" -f "$here/join.awk" "$results/bench.tsv" >"$work/times.tsv"
    joined "$work/times.tsv" >"$work/bench.tsv"
    publish bench.tsv
    exit
fi
time_all
check_static
table people
echo "  time: of a warm proof; whole: of the program; each as the median of its ratios to glibc in the same round"
echo "  glibc_tuned: GLIBC_TUNABLES=$tunables"
echo
sorted_table targets target workload value low high limit verdict >"$work/bench_targets.tsv"
printf '%-26s  %-20s  %7s  %-13s  %10s  %s\n' target workload value quartiles limit verdict
tail -n +2 "$work/bench_targets.tsv" | awk -F'\t' -v green="$green" -v red="$red" -v plain="$plain" '{
    printf "%-26s  %-20s  %7s  %-13s  %10s  %s%s%s\n", $1, $2, $3, $3 == "NA" ? "NA" : $4 ".." $5, $6,
        $7 == "met" ? green : $7 == "missed" ? red : "", $7, plain }'
noise=$(table noise)
if [[ -n $noise ]]; then
    echo "bench: $noise" >&2
    [[ $force == yes ]] || { echo "bench: nothing is written; --force writes it" >&2; exit 1; }
fi

# shellcheck disable=SC2086 # words
sorted_table bench workload allocator $timed_columns instructions instructions_by >"$work/times.tsv"
count_all
joined "$work/times.tsv" >"$work/bench.tsv"
sorted_table memory workload allocator peak_rss_mib phase_mib ratio_to_mimalloc >"$work/bench_memory.tsv"
machine >"$work/bench_machine.txt"
publish bench.tsv bench_memory.tsv bench_targets.tsv bench_machine.txt
