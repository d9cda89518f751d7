#!/usr/bin/env bash
# lifetime.sh BUILD PROGRAM [ARGUMENT...]: runs one of the programs in bench/lifetimes once on each
# installed allocator, and shows its report. For a look at one program; bench_memory.sh measures. ON
# names the allocators ("glibc pinned"), SECONDS_MOST is the time limit of a run; ZK_ALLOC_CHAOS is
# passed on.
set -euo pipefail
name=lifetime
build=${1:-} program=${2:-} chaos=${ZK_ALLOC_CHAOS:--}
# shellcheck source=bench_common.sh
. "$(dirname "$0")/bench_common.sh"
# shellcheck source=lifetime_common.sh
. "$here/lifetime_common.sh"
want_arguments 2 100 'BUILD PROGRAM [ARGUMENT...]' "$@"
shift 2
want_folder "$build/bench/lifetimes" 'run make build'
[[ -x $build/bench/lifetimes/$program || -x $build/bench/$program ]] ||
    die "$program: not there: want one of $(cd "$build/bench/lifetimes" && echo *)"
read -r -a allocators <<<"${ON:-glibc glibc_tuned mimalloc jemalloc tcmalloc blind pinned_0 pinned}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find_allocators

printf '%-12s  %9s  %12s  %9s  %9s  %9s  %9s  %9s\n' allocator seconds 'ns each' 'end MiB' 'peak MiB' 'live MiB' 'early MiB' faults
for allocator in "${present[@]}"; do
    if run_lifetime "$allocator" "$chaos" "${SECONDS_MOST:-120}" "$program" "$@"; then
        printf '%s\n' "$allocator" "${measured[@]}" | paste -s | awk -F'\t' '
            function mib(kib) { return kib == "NA" ? "NA" : sprintf("%.1f", kib / 1024) }
            { printf "%-12s  %9s  %12s  %9s  %9s  %9s  %9s  %9s\n", $1, $2, $3, mib($4), mib($5), mib($6), mib($7), $8 }'
    else
        printf '%-12s  %s\n' "$allocator" "$why"
    fi
done
