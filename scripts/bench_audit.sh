#!/usr/bin/env bash
# bench_audit.sh BUILD [ROUNDS]: how much longer a program takes under the census and under the trap. The
# rounds are interleaved, so that a slow moment affects all; the table shows the medians of the
# ratios.
set -euo pipefail
name=bench_audit
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
want_arguments 1 2 'BUILD [ROUNDS]' "$@"
build=$1 rounds=${2:-9}
want_number "$rounds" ROUNDS
cost=$build/bench/audit_cost
want_folder "$build" 'run make build'
want_program "$cost"
export ZK_ALLOC_MIN_BYTES=0

median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

printf '%-14s  %8s  %8s  %8s\n' workload 'off, ms' census trap
for workload in large small pairs; do
    work=$(mktemp -d)
    export ZK_ALLOC_AUDIT_OUT=$work/report
    for ((round = 0; round < rounds; round++)); do
        off=$(ZK_ALLOC_AUDIT=off "$cost" $workload)
        census=$(ZK_ALLOC_AUDIT=census "$cost" $workload)
        echo "$off" >>"$work/off"
        awk "BEGIN { print $census / $off }" >>"$work/census"
        [[ $round -lt 3 ]] || continue # the trap is slow, and its ratio large
        trap=$(ZK_ALLOC_AUDIT="trap" "$cost" $workload)
        awk "BEGIN { print $trap / $off }" >>"$work/trap"
    done
    printf '%-14s  %8.1f  %8.2f  %8.2f\n' "$workload" "$(median <"$work/off")" "$(median <"$work/census")" \
        "$(median <"$work/trap")"
    rm -rf "$work"
done
