#!/usr/bin/env bash
# bench.sh BUILD RESULTS [--quick] [--force] [--kept] [--workloads FILE]: the provers on each allocator. Writes bench.tsv,
# bench_memory.tsv, bench_targets.tsv and bench_machine.txt to RESULTS, and prints what they say.
#
# In each round every allocator runs once, in another order, and is compared with glibc of the same round: what slows
# the machine for a while slows both. A machine on which glibc is not as fast as glibc is refused (exit status 1,
# nothing written) unless --force is given. --kept measures nothing: tables from the runs that the last bench kept. A run that fails ends it all (exit status 2, nothing written).
set -euo pipefail
name=bench mode=full force=no kept=no workloads=''
[[ $# -ge 2 ]] || { echo "bench: want BUILD RESULTS [--quick] [--force] [--kept] [--workloads FILE]" >&2; exit 2; }
build=$1 results=$2
shift 2
# shellcheck source=bench_common.sh
. "$(dirname "$0")/bench_common.sh"
workloads=$here/bench_workloads.tsv
while [[ $# -gt 0 ]]; do
    case $1 in
    --quick) mode=quick ;;
    --force) force=yes ;;
    --kept) kept=yes ;;
    --workloads)
        [[ $# -ge 2 ]] || die "--workloads: want a file"
        workloads=$2
        shift
        ;;
    *) die "$1: no such option: want --quick, --force, --kept or --workloads FILE" ;;
    esac
    shift
done
[[ -r $workloads ]] || die "$workloads: not there: want a table of workloads"
for tool in hyperfine jq shuf; do
    command -v $tool >/dev/null || die "$tool is not installed: run scripts/bootstrap.sh --all"
done
[[ -n $(workloads_of $mode) ]] || die "$workloads: no workload for $mode"
mkdir -p "$results"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
runs=$build/bench-json
[[ $kept == yes ]] || rm -rf "$runs"
mkdir -p "$runs"

# run PROGRAM LOG_SIZE ITERATIONS PHASES ALLOCATOR ROUND: one run, whose line goes to $work/runs.
run() {
    local program=$1 log_size=$2 iterations=$3 phases=$4 allocator=$5 round=$6 command key out
    out=$runs/$program-$log_size/$allocator.$round
    environment_of "$allocator"
    [[ $allocator != static ]] || environment+=("BENCH_STATIC_PERIOD=$phases")
    mkdir -p "${out%/*}"
    # env sets the allocator, so that it is the program's and not hyperfine's.
    command=(env "${environment[@]}" "$build/bench/$program" --iters "$iterations" --log-size "$log_size"
        --tampered 0 --report "$out.report")
    if [[ $kept == yes ]]; then
        [[ -s $out.report ]] || die "$out.report: not there: run bench.sh without --kept"
    elif ! hyperfine -N --runs 1 --style none --export-json "$out.json" --output inherit "$(printf '%q ' "${command[@]}")" \
        >"$out.out" 2>"$out.err" || [[ ! -s $out.report ]]; then
        die "fails: ${command[*]}: $(grep -v '^Error: Command' "$out.err" | tail -3)"
    fi
    {
        printf '%s\t%s\t%s' "$program-$log_size" "$allocator" "$round"
        for key in warm_ms whole page_faults instructions peak_rss_bytes phase_bytes; do
            if [[ $key == whole ]]; then
                printf '\t%s' "$(jq -r '.results[0].times[0]' "$out.json")"
            else
                printf '\t%s' "$(report_value "$out.report" $key)"
            fi
        done
        echo
    } >>"$work/runs"
}

# Of static: its buffers are the limit only if nearly all that is allocated lies in them.
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

version() { dpkg-query -W -f='${Version}' "$1" 2>/dev/null || echo 'not installed'; }

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

find_allocators
total=0 finished=0
while read -r _ _ _ rounds _; do total=$((total + rounds * ${#present[@]})); done < <(workloads_of $mode)
while read -r program log_size iterations rounds phases; do
    [[ -x $build/bench/$program ]] || die "$build/bench/$program: not there: run make build"
    for ((round = 1; round <= rounds; round++)); do
        for allocator in $(shuffled "$round" "${present[@]}"); do
            progress $finished $total "$program-$log_size $allocator"
            run "$program" "$log_size" "$iterations" "$phases" "$allocator" "$round" </dev/null
            finished=$((finished + 1))
        done
    done
done < <(workloads_of $mode)
progress $finished $total ''

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

sorted_table bench workload allocator median_ratio_to_glibc low high page_faults instructions >"$work/bench.tsv"
sorted_table memory workload allocator peak_rss_mib phase_mib ratio_to_mimalloc >"$work/bench_memory.tsv"
machine >"$work/bench_machine.txt"
noise=$(table noise)
if [[ -n $noise ]]; then
    echo "bench: $noise" >&2
    [[ $force == yes ]] || { echo "bench: nothing is written; --force writes it" >&2; exit 1; }
fi
publish bench.tsv bench_memory.tsv bench_targets.tsv bench_machine.txt
