#!/usr/bin/env bash
# bench_memory.sh BUILD RESULTS [--quick | --min-bytes] [--force] [--kept] [--only REGEX] [--rows
# FILE]: runs the rows of lifetimes.tsv (or FILE) on each allocator: time, and resident memory at
# the end and at the peak, as ratios to glibc in the same round. Writes memory.tsv and
# memory_targets.tsv to RESULTS, and prints a summary. --only runs the rows whose names match, and
# writes nothing. --kept measures nothing: it makes the tables from the runs that the last bench
# kept. --min-bytes runs the rows for which small blocks matter, under pinned at several MIN_BYTES,
# and writes min_bytes.tsv, by which its default can be judged.
#
# Under blind recycling many of these programs lose live blocks: such a row is NA, and is not tried
# again. Any other run that fails ends the bench (exit status 2, nothing written). A machine on
# which two runs of glibc differ too much is refused (exit status 1, nothing written) unless --force
# is given.
set -euo pipefail
name=bench_memory mode=full force=no kept=no only=.
build=${1:-} results=${2:-}
# shellcheck source=bench_common.sh
. "$(dirname "$0")/bench_common.sh"
# shellcheck source=lifetime_common.sh
. "$here/lifetime_common.sh"
want_arguments 2 9 'BUILD RESULTS [--quick | --min-bytes] [--force] [--kept] [--only REGEX] [--rows FILE]' "$@"
shift 2
while [[ $# -gt 0 ]]; do
    case $1 in
    --quick) mode=quick ;;
    --min-bytes) mode=min_bytes ;;
    --force) force=yes ;;
    --kept) kept=yes ;;
    --only)
        [[ $# -ge 2 ]] || die "--only: want a regular expression"
        only=$2
        shift
        ;;
    --rows)
        [[ $# -ge 2 && -r $2 ]] || die "--rows: want a table of rows"
        lifetimes=$2
        shift
        ;;
    *) die "$1: no such option: want --quick, --min-bytes, --force, --kept, --only REGEX or --rows FILE" ;;
    esac
    shift
done
want_folder "$build" 'run make build'
want_table "$lifetimes" 'want a table of rows' mode row on chaos rounds program arguments
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seconds_most=600 kept_runs=$build/bench-memory runs=$work/now

allocators=(glibc glibc_again glibc_tuned mimalloc jemalloc tcmalloc blind pinned_0 pinned)
if [[ $mode == min_bytes ]]; then
    allocators=(glibc glibc_again tcmalloc pinned_0 pinned_256 pinned_1024 pinned)
    kept_runs=$build/bench-min-bytes
fi
find_allocators
rows_of $mode | awk -F'\t' -v only="$only" '$1 ~ only' >"$work/rows"
[[ -s $work/rows ]] || die "$lifetimes: no row for $mode whose name matches $only"

# measured_on ON: the allocators for a row: the peers, and the settings that it names.
measured_on() {
    local allocator
    for allocator in "${present[@]}"; do
        [[ $allocator != pinned* || ",$1," == *",$allocator,"* ]] && echo "$allocator"
    done
    return 0
}

# Adds a line to $runs/runs; or, if blind has lost a block, to $runs/lost.
run() { # run ROW ALLOCATOR ROUND CHAOS PROGRAM ARGUMENT...
    local row=$1 allocator=$2 round=$3
    if [[ $allocator == blind ]] && grep -qxF "$row" "$runs/lost"; then return 0; fi
    if run_lifetime "$allocator" "$4" $seconds_most "${@:5}"; then
        printf '%s\t' "$row" "$allocator" >>"$runs/runs"
        (IFS=$'\t' && echo "$round"$'\t'"${measured[*]}") >>"$runs/runs"
    elif [[ $allocator == blind ]]; then
        echo "$row" >>"$runs/lost"
    else
        die "$row on $allocator: $why"
    fi
}

measure() {
    local row on chaos rounds program arguments wanted words round allocator total=0 finished=0
    mkdir "$runs"
    touch "$runs/lost"
    while IFS=$'\t' read -r row on chaos rounds program arguments; do
        [[ -x $build/bench/$program ]] || want_program "$build/bench/lifetimes/$program"
        total=$((total + rounds))
    done <"$work/rows"
    while IFS=$'\t' read -r row on chaos rounds program arguments; do
        mapfile -t wanted < <(measured_on "$on")
        read -r -a words <<<"$arguments"
        for ((round = 1; round <= rounds; round++)); do
            progress $finished $total "$row"
            for allocator in $(shuffled "$round" "${wanted[@]}"); do
                run "$row" "$allocator" "$round" "$chaos" "$program" "${words[@]}" </dev/null
            done
            finished=$((finished + 1))
        done
    done <"$work/rows"
    progress $finished $total ''
}

if [[ $kept == yes ]]; then
    runs=$kept_runs
    [[ -s $runs/runs ]] || no_data "$runs/runs: not there: run bench_memory.sh without --kept"
else
    measure
    # Only complete runs are kept.
    if [[ $only == . ]]; then
        rm -rf "$kept_runs"
        cp -r "$runs" "$kept_runs"
    fi
fi

# If blind has lost a block in one round, its other rounds mean nothing.
awk -F'\t' 'FILENAME == ARGV[1] { lost[$1]; next } !($2 == "blind" && $1 in lost)' "$runs/lost" "$runs/runs" >"$work/valid"

table() { # table WHICH
    awk -v table="$1" -v names="${allocators[*]}" -v page_bytes="$(getconf PAGESIZE)" -v bold="$bold" -v plain="$plain" \
        -f "$here/quantile.awk" -f "$here/verdict.awk" -f "$here/lifetime_tables.awk" "$lifetime_targets" "$work/valid"
}

table people
[[ ! -s $runs/lost ]] || echo "  blind fails, as it must where blocks are kept: $(paste -s -d' ' "$runs/lost")"
echo "  time: of the processor; of the clock on the wall in handoff and producer, and of a pair, an element or a proof"
echo
tables=(memory.tsv memory_targets.tsv)
if [[ $mode == min_bytes ]]; then
    tables=(min_bytes.tsv)
else
    {
        printf 'row\tallocator\tmeasure\tthan\tvalue\tlow\thigh\tmost\tverdict\n'
        table targets | LC_ALL=C sort
    } >"$work/memory_targets.tsv"
    awk -F'\t' -v green="$green" -v red="$red" -v plain="$plain" '{
        printf "%-16s  %-9s  %-8s  %-11s  %9s  %-17s  %6s  %s%s%s\n", $1, $2, $3, $4, $5,
            NR == 1 ? "quartiles" : $5 == "NA" ? "NA" : $6 ".." $7, $8,
            $9 == "met" ? green : $9 == "missed" ? red : "", $9, plain }' "$work/memory_targets.tsv"
fi
{
    printf 'row\tallocator\ttime_to_glibc\ttime_low\ttime_high\tend_to_glibc\tend_low\tend_high\tpeak_to_glibc\tpeak_low\tpeak_high\ttime\tend_mib\tpeak_mib\tlive_mib\n'
    table memory | LC_ALL=C sort
} >"$work/${tables[0]}"

noise=$(table noise)
if [[ -n $noise ]]; then
    echo "bench_memory: $noise" >&2
    [[ $force == yes ]] || { echo "bench_memory: nothing is written; --force writes it" >&2; exit 1; }
fi
[[ $only == . ]] || { echo "bench_memory: --only: nothing is written" >&2; exit 0; }
publish "${tables[@]}"
