#!/usr/bin/env bash
# fake_valgrind.sh ARGUMENT...: stands in for valgrind, to test the scripts that read its counts:
# makes up dumps of two proofs of three phases each. Each phase of the first proof has a thousand
# instructions, those of the second 1, 2 and 3; one more in each at MIN_BYTES 4096. Misses are 10
# and 100 times that. Fails if the environment is not the fixed one.
[[ $(env | wc -c) -gt 1500 && -z ${ORDER:-} ]] || exit 1
for argument; do [[ $argument != --callgrind-out-file=* ]] || out=${argument#*=}; done
more=0
[[ ${ZK_ALLOC_MIN_BYTES:-} != 4096 ]] || more=1
events='events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw'
for phase in 1 2 3 4 5 6; do
    n=1000
    ((phase <= 3)) || n=$((phase - 3 + more))
    printf '%s\ntotals: 7 7 7 7 7 7 7 7 7\n' "$events" >"$out.$((2 * phase - 1))"
    printf '%s\nsummary: 0\ntotals: %d 7 7 %d 0 %d 0 %d 0\n' "$events" $n $((4 * n)) $((6 * n)) $((100 * n)) >"$out.$((2 * phase))"
done
echo "$events" >"$out"
