#!/usr/bin/env bash
# lifetime.sh BUILD PROGRAM [ARGUMENT...]: one of the programs in bench/lifetimes, once on each allocator that is there,
# with what it reports beside glibc's. For looking at one; scripts/bench_memory.sh measures. ON names the allocators
# ("glibc pinned"), SECONDS_MOST how long one may take; ZK_ALLOC_CHAOS is passed on.
set -euo pipefail
name=lifetime
[[ $# -ge 2 ]] || { echo "lifetime: want BUILD PROGRAM [ARGUMENT...]" >&2; exit 2; }
build=$1 program=$1/bench/lifetimes/$2 chaos=${ZK_ALLOC_CHAOS:-}
shift 2
# shellcheck source=bench_common.sh
. "$(dirname "$0")/bench_common.sh"
[[ -x $program ]] || die "$program: not there: want one of $(cd "$build/bench/lifetimes" 2>/dev/null && echo *)"
read -r -a allocators <<<"${ON:-glibc glibc_tuned mimalloc jemalloc tcmalloc blind pinned_0 pinned}"
find_allocators
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '%-12s  %9s  %12s  %9s  %9s  %9s  %9s\n' allocator seconds 'ns each' 'end MiB' 'peak MiB' 'live MiB' faults
for allocator in "${present[@]}"; do
    environment_of "$allocator"
    [[ -z $chaos ]] || environment+=("ZK_ALLOC_CHAOS=$chaos")
    if { timeout "${SECONDS_MOST:-120}" env "${environment[@]}" "$program" "$@" >"$work/report"; } 2>"$work/err"; then
        awk -F'\t' -v allocator="$allocator" '{ value[$1] = $2 } END {
            printf "%-12s  %9.4f  %12.1f  %9.1f  %9.1f  %9.1f  %9d\n", allocator, value["seconds"], value["ns_each"],
                value["end_kib"] / 1024, value["peak_kib"] / 1024, value["live_kib"] / 1024, value["faults"] }' "$work/report"
    else
        printf '%-12s  exit status %d: %s\n' "$allocator" $? "$(tail -1 "$work/err")"
    fi
done
