#!/usr/bin/env bash
# count_common.sh: counts what a proof takes, instead of timing it: the instructions of a warm
# proof, and the misses of simulated caches, by callgrind. To be sourced after bench_common.sh, with
# `work` set to a folder.
#
# The counts of one build are exact: the program runs on one thread, in an environment of a fixed
# length (which determines where the stack begins, and so which of its lines share a set of a
# cache), at addresses that valgrind chooses the same way each time, on caches whose sizes are set
# here. Nothing in a proof depends on time or chance. In a folder with a longer name the dynamic
# linker's own blocks are longer, and the program's blocks begin elsewhere in their cache lines:
# there the misses, and only they, may differ by some 0.1 % (bench/tests/count_test.sh). Only phases
# are counted, from the entry of workload_begin to the end of workload_end: with the begin and the
# end, but without the start of the program and the verifier.
# shellcheck disable=SC2034,SC2154 # set here for the others, and by them for here

# A first level of 32 KiB for instructions and one for data, as many processors have; a last level of 1 MiB, the share
# of one core. Size, ways, bytes of a line. No prefetcher, no second thread: the misses depend only
# on order and reuse of accesses.
# shellcheck disable=SC2054 # the commas are for valgrind
simulated_caches=(--I1=32768,8,64 --D1=32768,8,64 --LL=1048576,16,64)

want_callgrind() {
    build=$(realpath "$build") # programs are started from there, so that their names are as long as in any other folder
    callgrind=$(command -v valgrind) || die "valgrind is not installed: run scripts/bootstrap.sh --all"
}

# fixed_environment VARIABLE...: sets the array `fixed`: these variables, and filler that makes it
# 12 variables of 2000 bytes in all.
fixed_environment() {
    local text
    fixed=(LC_ALL=C "$@")
    while ((${#fixed[@]} < 11)); do fixed+=("PAD_$((100 + ${#fixed[@]}))="); done
    text=${fixed[*]}
    ((${#text} < 1900)) || die "the environment is too long to count in: want a folder with a shorter name"
    fixed+=("PAD=$(printf '%*s' $((2000 - ${#text})) '' | tr ' ' x)")
}

# count_proof FOLDER PROGRAM LOG_SIZE PHASES VARIABLE...: runs two proofs on one thread; sets `counted` to the
# instructions of the second one, its misses of the first-level caches and those of the last level.
count_proof() {
    local folder=$1 program=$2 log_size=$3 phases=$4 phase status=0 fixed dumps=() values
    shift 4
    mkdir -p "$folder"
    rm -f "$folder"/*
    fixed_environment ZK_ALLOC_TOOLS=ignore "$@" # callgrind does not replace malloc, so it need not be told about blocks
    env -i -C "$build" "${fixed[@]}" "$callgrind" --tool=callgrind --cache-sim=yes "${simulated_caches[@]}" \
        --callgrind-out-file="$folder/out" --dump-before=workload_begin --dump-after=workload_end \
        "bench/$program" --iters 2 --log-size "$log_size" --tampered 0 --threads 1 >"$folder/said" 2>&1 </dev/null ||
        status=$?
    ((status == 0)) || die "fails under callgrind: $* $program --log-size $log_size: $(tail -3 "$folder/said")"
    # There is a dump before each phase, one for each phase, and one at the end.
    [[ -e $folder/out.$((4 * phases)) && ! -e $folder/out.$((4 * phases + 1)) ]] ||
        die "$program --log-size $log_size has not $phases phases a proof"
    for ((phase = phases + 1; phase <= 2 * phases; phase++)); do dumps+=("$folder/out.$((2 * phase))"); done
    values=$(awk '
        /^events:/ { if ($0 != "events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw") exit 1 }
        /^totals:/ { ir += $2; first += $5 + $6 + $7; last += $8 + $9 + $10; files++ }
        END { if (files != ARGC - 1 || ir == 0) exit 1; printf "%.0f %.0f %.0f", ir, first, last }' "${dumps[@]}") ||
        die "$program --log-size $log_size: not what callgrind writes: ${dumps[0]}"
    read -r -a counted <<<"$values"
}

# count_copies PROGRAM LOG_SIZE ITERATIONS VARIABLE...: one run without valgrind; sets `counted` to the page faults of a
# warm proof and the bytes that its reallocs copied.
count_copies() {
    local program=$1 log_size=$2 iterations=$3 preloaded='' variable variables=() report
    shift 3
    for variable in "$@"; do
        if [[ $variable == LD_PRELOAD=* ]]; then preloaded=${variable#*=}; else variables+=("$variable"); fi
    done
    report=$(mktemp "$work/copies.XXXXXX")
    find_loadable "$build/bench/libbench_copies.so"
    env "LD_PRELOAD=$loadable $preloaded" "${variables[@]}" "$build/bench/$program" \
        --iters "$iterations" --log-size "$log_size" --tampered 0 --threads 1 --report "$report" \
        >"$report.out" 2>&1 </dev/null ||
        die "fails: $* $program --log-size $log_size: $(tail -3 "$report.out")"
    counted=("$(report_value "$report" page_faults)" "$(report_value "$report" copied_bytes)")
    [[ ${counted[1]} != NA ]] || die "$program counts no copied bytes: run make build"
}

# count_row WORKLOAD SETTING LOG_SIZE PHASES ITERATIONS VARIABLE...: adds a line to $work/counted,
# with the results of both.
count_row() {
    local workload=$1 setting=$2 log_size=$3 phases=$4 iterations=$5 program=${1%-*} counted row
    shift 5
    count_proof "$work/count.$workload.$setting" "$program" "$log_size" "$phases" "$@"
    row=("$workload" "$setting" "${counted[@]}")
    count_copies "$program" "$log_size" "$iterations" "$@"
    row+=("${counted[@]}")
    rm -rf "$work/count.$workload.$setting"
    (IFS=$'\t' && echo "${row[*]}") >>"$work/counted"
}

# Runs as many rows at a time as there are processors: a count does not depend on what else runs. A
# row that fails prints why, and end_counting then ends the script.
start_row() {
    while (($(jobs -pr | wc -l) >= $(nproc))); do wait -n || counting_failed=yes; done
    [[ -z ${counting_failed:-} ]] || return 0
    count_row "$@" &
}

end_counting() {
    while [[ -n $(jobs -p) ]]; do wait -n || counting_failed=yes; done
    [[ -z ${counting_failed:-} ]] || exit 2
}
