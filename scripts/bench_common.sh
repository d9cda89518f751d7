#!/usr/bin/env bash
# bench_common.sh: shared by the scripts that measure: the allocators, ratios and their quartiles,
# the order of runs, and progress. To be sourced; the caller first sets `name`, its own name, and
# `build`.
# shellcheck disable=SC2034,SC2154 # set here for the callers, and by them
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=script_common.sh
. "$here/script_common.sh"

# mmap_threshold and trim_threshold: no block is mapped on its own, and the heap is never given back. top_pad: it
# grows in steps of 64 MiB, as a slab does. hugetlb=1: it asks for huge pages.
tunables=glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=17179869184
tunables+=:glibc.malloc.top_pad=67108864:glibc.malloc.hugetlb=1

# glibc_again is glibc once more: the difference between the two is the noise of the machine.
allocators=(glibc glibc_again glibc_tuned mimalloc jemalloc tcmalloc blind seed pinned_0 pinned pinned_huge static)

unset LD_PRELOAD GLIBC_TUNABLES MALLOC_CONF "${!ZK_ALLOC_@}" "${!BENCH_STATIC_@}" "${!MIMALLOC_@}" "${!TCMALLOC_@}"

# A thread that waits for the others soon sleeps: on a busy machine, it would take the processor
# from them.
export GOMP_SPINCOUNT=10000

# library_of NAME: the path where the dynamic linker finds libNAME, or nothing.
library_of() { ldconfig -p | awk -v name="lib$1.so" 'index($1, name) == 1 && !n++ { print $NF }'; }

# preloading LIBRARY [VARIABLE...]: sets `environment` to one of the build's libraries, with these variables.
preloading() {
    local loadable
    find_loadable "$build/$1"
    environment=("LD_PRELOAD=$loadable" "${@:2}")
}

# environment_of ALLOCATOR: sets the array `environment`, for env; fails if the allocator is not
# installed.
environment_of() {
    local ours=alloc/libzkalloc-preload.so library=''
    environment=()
    case $1 in
    glibc | glibc_again) return 0 ;;
    glibc_tuned) environment=("GLIBC_TUNABLES=$tunables") ;;
    mimalloc | jemalloc) library=$(library_of "$1") ;;
    tcmalloc) library=$(library_of tcmalloc_minimal) ;;
    blind) preloading $ours ZK_ALLOC_RECYCLE=blind ZK_ALLOC_MIN_BYTES=0 ;;
    seed) preloading $ours ZK_ALLOC_RECYCLE=blind ZK_ALLOC_MIN_BYTES=4096 ;;
    pinned_[0-9]*) preloading $ours "ZK_ALLOC_MIN_BYTES=${1#pinned_}" ;;
    pinned) preloading $ours ;;
    pinned_huge) preloading $ours ZK_ALLOC_HUGEPAGE=always ;;
    static) preloading bench/libbench_static.so ;;
    *) die "$1: no such allocator" ;;
    esac
    [[ ${#environment[@]} -gt 0 || -n $library ]] || return 1
    [[ -z $library ]] || environment=("LD_PRELOAD=$library")
}

# Sets `present` to the installed allocators.
find_allocators() {
    local allocator
    present=()
    for allocator in "${allocators[@]}"; do
        if environment_of "$allocator"; then present+=("$allocator"); else echo "$name: no $allocator here: NA" >&2; fi
    done
}

# shuffled ROUND ITEM...: the items, one per line, in a different order in each round, but the same
# in each run of the script. The order must change, since a run finds the memory as the one before
# has left it.
shuffled() {
    local round=$1
    shift
    printf '%s\n' "$@" | awk -v seed="$round" 'BEGIN { srand(seed * 7919) } { print rand() "\t" $0 }' | sort -g | cut -f2
}

# progress DONE TOTAL WHAT: a bar on stderr, if that is a terminal.
progress() {
    [[ -t 2 ]] || return 0
    local filled=$(($1 * 30 / $2)) line size
    printf -v line "[%-30s] %d/%d %s" "$(printf '%*s' $filled '' | tr ' ' '#')" "$1" "$2" "$3"
    size=$(stty size <&2 2>/dev/null) || size=
    size=${size#* } # columns
    ((${size:-0} < 2)) || line=${line:0:size - 1} # a line that wraps is not wiped
    printf '\r\033[K%s' "$line" >&2
    (($1 < $2)) || printf '\r\033[K' >&2
}

# Colours of a table for people: none unless stdout is a terminal.
bold='' green='' red='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\033[1m' green=$'\033[32m' red=$'\033[31m' plain=$'\033[0m'
fi

# report_value FILE KEY: the value of KEY in a prover's report.
report_value() { awk -F'\t' -v key="$2" '$1 == key { print $2; found = 1 } END { if (!found) print "NA" }' "$1"; }

# workloads_of MODE: the lines of $workloads for that mode, without it: program, log_size, iterations of the proof in
# each run, rounds, phases of one proof.
workloads_of() { awk -F'\t' -v OFS='\t' -v mode="$1" '$1 == mode { print $2, $3, $4, $5, $6 }' "$workloads"; }

# counted_of MODE: the workloads of that mode that are also counted (count_common.sh).
counted_of() {
    awk -F'\t' -v OFS='\t' -v mode="$1" 'FNR == 1 { for (i = 1; i <= NF; i++) if ($i == "counted") counted = i }
        $1 == mode && counted && $counted == "yes" { print $2, $3, $4, $5, $6 }' "$workloads"
}
