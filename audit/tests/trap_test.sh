#!/usr/bin/env bash
# trap_test.sh BUILD: the trap sees each place where the program, the C library and the kernel touch
# a block, and all of them go on. The comments in the test programs say what should be seen.
set -uo pipefail
build=$1 truth=$(realpath "$(dirname "$0")/truth")
audit=$build/sweep/zk-audit
. "$(dirname "$0")/../../scripts/test_helpers.sh"
cd "$work" || exit 1
for program in kept calls waits flushed discarded places threads faults registers; do
    check "cc $program" cc -g -O1 -I"$truth" "$truth/$program.c" -o $program -pthread
done
line_of() { grep -n "$2" "$truth/$1.c" | cut -d: -f1; } # line_of PROGRAM MARK
# Can the trap see system calls on this kernel? If not, it misses much, and says so.
run 1 "$audit" --trap -- ./kept
if grep -q 'does not see all that the kernel' <<<"$said"; then
    says '^touched +at least 5001 '
    echo "trap_test: no syscall user dispatch here"
    exit 77
fi

# Counts are the numbers of touched blocks.
run 1 "$audit" --tsv -- ./kept
row "^touched 5000 3 1 15000 .*/kept.c $(line_of kept PLANT) read [^ ]* main [^ ]*/kept.c $(line_of kept STALE) "
row "^retained 5000 997 1 4985000 "
run 1 "$audit" -- ./kept
says 'kept.c:[0-9]+ \(main\): 1000 blocks of 5000 bytes, 1 thread, 3 touched later'

# Each place that touches.
run 1 "$audit" --tsv -- ./places
for place in loop same other; do
    row "^touched 20000 1 1 20000 1 2 .*/places.c $(line_of places PLANT) (read|write) .* $place .*/places.c $(line_of places "STALE:$place") "
done
check "$what: more than three places" test "$(grep -c ^touched <<<"$out")" -eq 3

# Accesses by the kernel. The same system calls fail and succeed as without the trap.
run 0 ./calls
check "the control: $out" test -z "$out"
run 1 "$audit" --trap -- ./calls
check "$what: calls failed: $out" test -z "$out"
cp "$work/stdout" "$work/said"
run 1 "$audit" --tsv -- ./calls
for block in 0 3 4 5 6 7 8 9 10 11 12 14 15; do
    row "^touched 5000 [0-9]+ .*/calls.c $(line_of calls PLANT) (read|write) [^ ]* main [^ ]*/calls.c $(line_of calls "STALE:$block \*/") "
done
row "^touched 5000 1 .* reap [^ ]*/calls.c "
check "$what: a write of 0 bytes is an access: $out" test "$(grep -c "calls.c.$(line_of calls 'blocks\[16\], 0')" <<<"$out")" -eq 0

# An address in a register that the call does not use, or uses as a number, is no access.
run 1 "$audit" --tsv --trap -- ./registers
check "$what: what lay in registers alone is touched: $out" test "$(grep -c '^touched.5000' <<<"$out")" -eq 0
for place in name lock futex; do
    row "^touched 6000 1 .*/registers.c $(line_of registers PLANT:used) (read|write) .*/registers.c $(line_of registers "STALE:$place \*/") "
done
check "$what: each place that touches: $out" test "$(grep -c '^touched.6000' <<<"$out")" -eq 3

# A begin while another thread is in the kernel.
run 1 "$audit" --trap -- ./waits
silent_on 'recv:|failed'
says '^touched +6001 '
run 1 "$audit" --tsv --trap -- ./waits
row "^touched 5000 1 .* write .*/waits.c $(line_of waits STALE) "
row "^touched 6000 1 .* write .*/waits.c $(line_of waits STALE) "

# The C library: its streams at exit, and thread stacks that it frees with all signals blocked.
run 1 "$audit" --min-bytes 1024 -- ./flushed
check "$what: the text: $out" test "$out" = 'the proof is valid'
says 'flushed.c:[0-9]+ \(main\): 1 block of 4096 bytes, 1 thread, touched later'
run 1 "$audit" --min-bytes 0 -- ./threads
silent_on 'failed|after free'

# A discarded block is lost under every kind of recycling; using it is not reported as a use after
# free.
run 1 "$audit" -- ./discarded
says '^UNSAFE at MIN_BYTES 4096 under every recycling: up to 4096 bytes are used after zk_discard_phase$' \
    "discarded.c:$(line_of discarded PLANT) \(main\): 4096 bytes, discarded and used later" '^Pinned does not keep '
silent_on 'after free|SAFE at MIN_BYTES 4096:'
run 1 "$audit" --tsv -- ./discarded
row "^discarded 4096 1 .*/discarded.c $(line_of discarded PLANT) write .*/discarded.c $(line_of discarded PLANT) "
run 0 "$audit" --min-bytes 4097 -- ./discarded
run 1 "$audit" -- ./discarded by_end
says '^UNSAFE at MIN_BYTES 4096: 1 block of 4096 bytes is retained, and touched later'
silent_on 'discarded and'

# The program still gets its own faults.
run 1 "$audit" -- ./faults
says "faults.c:$(line_of faults PLANT) \(main\): 1 block of 8888 bytes, 1 thread, touched later"
silent_on 'failed'

conclude trap_test
