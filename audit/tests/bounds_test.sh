#!/usr/bin/env bash
# bounds_test.sh BUILD: the bounds agree with the routing, to the byte: blind recycling loses the
# data below the bound, but not at it.
set -uo pipefail
build=$1 truth=$(realpath "$(dirname "$0")/truth")
audit=$build/sweep/zk-audit preload=$build/alloc/libzkalloc-preload.so
. "$(dirname "$0")/../../scripts/test_helpers.sh"
cd "$work" || exit 1
for program in grown sizes; do
    check "cc $program" cc -g -O1 -I"$truth" "$truth/$program.c" -o $program
done
blind() { # blind MIN_BYTES COMMAND...
    local min_bytes=$1
    shift
    ZK_ALLOC_MIN_BYTES=$min_bytes ZK_ALLOC_RECYCLE=blind LD_PRELOAD=$preload run 0 "$@"
}
for how in small:65 both:5001 other:6001; do
    bound=${how#*:}
    run 1 "$audit" --min-bytes 0 -- ./grown "${how%:*}"
    says "^guaranteed +$bound " "^touched +$bound " "^Set ZK_ALLOC_MIN_BYTES=$bound|^  $bound moves"
    run 0 "$audit" --min-bytes "$bound" -- ./grown "${how%:*}"
    run 1 "$audit" --min-bytes $((bound - 1)) -- ./grown "${how%:*}"
    blind "$bound" ./grown "${how%:*}"
    check "the bound does not save ${how%:*}: $out" test "$out" = '0 bytes are wrong'
    blind $((bound - 1)) ./grown "${how%:*}"
    check "nothing is lost below the bound of ${how%:*}: $out" test "$out" != '0 bytes are wrong'
done
# Where realloc may move a system block into the arena, its new size counts.
ZK_ALLOC_REALLOC=migrate run 1 "$audit" --min-bytes 0 -- ./grown small
says '^guaranteed +16385 ' '^touched +16385 '
ZK_ALLOC_REALLOC=migrate blind 16385 ./grown small
check "the bound does not save what migrates: $out" test "$out" = '0 bytes are wrong'
ZK_ALLOC_REALLOC=migrate blind 16384 ./grown small
check "nothing that migrates is lost below the bound: $out" test "$out" != '0 bytes are wrong'
run 1 "$audit" --min-bytes 0 -- ./grown small
says '1 block of 16384 bytes, at first up to 64, '
run 1 "$audit" --tsv --min-bytes 0 -- ./grown small
row '^touched 16384 1 .* 64$'

# Where sizes grow, a longer run has a larger bound; that is printed, with the rule.
run 1 "$audit" --census -- ./sizes double
says '^guaranteed +80001 ' '^    grows 2 times in each phase: a larger run needs more$'
run 1 "$audit" --census -- ./sizes add
says '^guaranteed +9001 ' '^    grows by 1000 bytes in each phase: a larger run needs more$'
run 1 "$audit" --census -- ./sizes same
silent_on grows
if cc -g -O1 -fopenmp -I"$truth" "$truth/team.c" -o team 2>/dev/null; then
    for threads in 2 9; do
        OMP_NUM_THREADS=$threads run 1 "$audit" --census --min-bytes 0 --tsv -- ./team
        sizes[threads]=$(grep 'libgomp' <<<"$out" | cut -f2 | sort -n | tail -1)
    done
    check "libgomp's blocks of 2 and 9 threads: ${sizes[*]}" test $((sizes[9] - sizes[2])) -eq $((7 * 224))
    OMP_NUM_THREADS=2 run 1 "$audit" --census --min-bytes 0 --top 9 -- ./team
    says 'grows with the threads, by 224 bytes for each \(libgomp\)'
fi

conclude bounds_test
