#!/usr/bin/env bash
# lifetime_common.sh: runs one row of lifetimes.tsv. To be sourced after bench_common.sh, with
# `work` set to a folder.
# shellcheck disable=SC2034,SC2154 # set here for the callers, and by them
lifetimes=$here/lifetimes.tsv
lifetime_targets=$here/lifetime_targets.tsv
lifetime_keys=(seconds ns_each end_kib peak_kib live_kib early_kib faults)

# rows_of MODE: the lines of $lifetimes for that mode, without it: row, on, chaos, rounds, program, arguments.
rows_of() { awk -F'\t' -v OFS='\t' -v mode="$1" '$1 == mode { print $2, $3, $4, $5, $6, $7 }' "$lifetimes"; }

# report_of PROGRAM: the program's report as keys and values, from $work/out or $work/report:
# programs in bench/lifetimes print them, malloc_pair and column_walk print ns, and the provers
# write a report of their own.
report_of() {
    case $1 in
    prove_*) awk -F'\t' '
        $1 == "warm_ms" { printf "seconds\t%.6f\n", $2 / 1000 }
        $1 == "peak_rss_bytes" { printf "peak_kib\t%d\n", $2 / 1024 }
        $1 == "page_faults" { printf "faults\t%d\n", $2 }' "$work/report" ;;
    malloc_pair | column_walk) awk '{ print "ns_each\t" $1 }' "$work/out" ;;
    *) cat "$work/out" ;;
    esac
}

# run_lifetime ALLOCATOR CHAOS SECONDS PROGRAM [ARGUMENT...]: sets `measured` to the values of
# lifetime_keys, NA for each one that is not reported. Fails, with the reason in `why`, if the
# program fails or takes longer.
run_lifetime() {
    local allocator=$1 chaos=$2 seconds=$3 program=$4 status=0 key command
    shift 4
    environment_of "$allocator"
    [[ $chaos == - || ${environment[*]} != *zkalloc* ]] || environment+=("ZK_ALLOC_CHAOS=$chaos")
    # Blind reuses nothing within a phase, so its slab is kept small: what does not fit comes from
    # system, which does reuse it.
    [[ $allocator != blind ]] || environment+=(ZK_ALLOC_SLAB_GB=1)
    case $program in
    prove_*) command=("$build/bench/$program" --iters 3 --tampered 0 --report "$work/report" --log-size "$1") ;;
    malloc_pair | column_walk) command=("$build/bench/$program" "$@") ;;
    *) command=("$build/bench/lifetimes/$program" "$@") ;;
    esac
    rm -f "$work/report"
    # The shell's own message on a signal goes to the same file as the program's errors.
    { timeout -k 5 "$seconds" env "${environment[@]}" "${command[@]}" >"$work/out"; } 2>"$work/err" || status=$?
    if [[ $status -ne 0 ]]; then
        why="exit status $status"
        [[ $status -ne 124 && $status -ne 137 ]] || why="longer than $seconds s"
        why+=" of ${environment[*]} ${command[*]}: $(grep -v "^$here\|^zkalloc:" "$work/err" | tail -1)"
        return 1
    fi
    report_of "$program" >"$work/values"
    measured=()
    for key in "${lifetime_keys[@]}"; do measured+=("$(report_value "$work/values" "$key")"); done
}
