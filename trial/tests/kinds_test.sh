#!/usr/bin/env bash
# kinds_test.sh BUILD SOURCE - zk-trial notices that the function is entered for work of several kinds, of which a median
# of all times would be misleading: kinds.awk on times that are made up, and a program with steps of 1, 10 and 100 ms.
set -uo pipefail
build=$1 source=$2
trial=$build/sweep/zk-trial
[[ -x $trial ]] || { echo "zk-trial is not built"; exit 77; }
for tool in hyperfine jq od cmp cc; do
    command -v $tool >/dev/null || { echo "$tool is not installed: scripts/bootstrap.sh --all"; exit 77; }
done
# shellcheck source=../../scripts/test_helpers.sh
. "$source/scripts/test_helpers.sh"

# kinds RUNS ENTRIES TIME: what kinds.awk says of RUNS runs, in each of which the entry i of run r takes TIME, an
# expression of awk; `jitter` is a number from 1 to 1.3.
kinds() {
    awk -v runs="$1" -v entries="$2" "BEGIN {
        srand(runs * 1000 + entries)
        for (r = 0; r < runs; r++)
            for (i = 0; i < entries; i++) {
                jitter = 1 + rand() * 0.3
                printf \"1.%d\t%.6f\n\", i, $3
            }
    }" | awk -f "$source/scripts/quantile.awk" -f "$source/trial/kinds.awk"
}
several() { check "$3, $1 runs of $2: not noticed" [ -n "$(kinds "$@")" ]; }
one() { check "$3, $1 runs of $2: noticed" [ -z "$(kinds "$@")" ]; }

for runs in 4 6 10; do
    for entries in 6 11 60; do
        several $runs $entries 'jitter * (i % 3 == 0 ? 2 : i % 3 == 1 ? 54 : 150)'   # three phases a proof
        several $runs $entries 'jitter * (i % 4 == 3 ? 100 : 5)'                     # rare, but most of the time
        several $runs $entries 'jitter * (i % 3 == 0 ? 2 : i % 3 == 1 ? 54 : r == 1 && i == 5 ? 2000 : 150)' # one of them disturbed
        one $runs $entries 'jitter * 50'
        one $runs $entries 'jitter * (20 + 20 * (i % 2))'                            # sizes that differ little
        one $runs $entries 'jitter * (i == 1 ? 5 : 50)'                              # one that is short
        one $runs $entries 'jitter * (i % 3 == 0 ? 1 : 100)'                         # short ones between: the median is that of the long
        one $runs $entries '50 * (rand() < 0.1 ? 10 : 1)'                            # a busy machine
        one $runs $entries '-50 * log(rand() + 1e-9)'                                # threads that enter by chance
        one $runs $entries '(i * 7 + r * 5) % 3 == 0 ? 90 : 3'                       # other work in each run
    done
done
several 4 20 'jitter * (i % 2 == 0 ? 100 : 5)' # as many of each: the median is between
one 2 20 'i % 3 == 0 ? 2 : i % 3 == 1 ? 54 : 150' # two runs say nothing of what repeats
check "how much they differ" [ "$(kinds 4 9 'i % 3 == 0 ? 2 : i % 3 == 1 ? 54 : 150')" == 75 ]
check "no entries" [ -z "$(kinds 4 0 1)" ]

cat >"$work/steps.c" <<'END_OF_C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((noinline)) int step(int i)
{
    static const int ms[] = {1, 10, 100};
    void *volatile block = malloc(10000);
    free(block);
    usleep(1000 * ms[i % 3]);
    return *(volatile int *)&i;
}
__attribute__((noinline)) int prove(int i) { return step(3 * i) + step(3 * i + 1) + step(3 * i + 2); }
int main(void)
{
    int sum = 0;
    for (int i = 0; i < 4; i++)
        sum += prove(i);
    return sum == 0;
}
END_OF_C
answers() { jq -e ".answer | $1" <<<"$out" >/dev/null; }
cc -O1 -o "$work/steps" "$work/steps.c"
run 0 "$trial" --begin-at step --rounds 3 --only pinned --json -- "$work/steps"
says '^zk-trial: the times between entries differ by a factor of [0-9]+ within one run, .*: step is entered for'
one_line
check "the answer is not by the wall time: $out" answers 'test("wall time") and (test("entry to entry") | not)'
run 0 "$trial" --begin-at prove --rounds 3 --only pinned --json -- "$work/steps"
check "one kind is called several: $said" [ -z "$said" ]
check "the answer is not by the warm time: $out" answers 'test("entry to entry")'
run 0 "$trial" --begin-at step --rounds 1 --only pinned --json -- "$work/steps"
check "one round says it: $said" [ -z "$said" ]
conclude kinds_test
