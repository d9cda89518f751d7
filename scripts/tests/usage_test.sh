#!/usr/bin/env bash
# usage_test.sh SOURCE: a wrong command line gives exit status 2 and one line on stderr that names
# the script, what is wrong and what is expected; and no error message from bash.
set -uo pipefail
scripts=$1/scripts
# shellcheck source=../test_helpers.sh
. "$scripts/test_helpers.sh"

refused() { # refused PATTERN SCRIPT ARGUMENT...
    local pattern=$1 script=$2
    shift 2
    run 2 "$scripts/$script" "$@"
    says "^${script%.sh}: $pattern"
    check "$script $*: more than one line, or one on stdout: $out $said" [ "$(wc -l <"$work/stderr") ${#out}" = '1 0' ]
    check "$script $*: a line of bash: $said" [ "${said/line [0-9]/}" = "$said" ]
}
for script in claims findings readme figures bench bench_cost bench_micro bench_memory bench_preload bench_audit lifetime \
    prover_outcome stress audit_score install fuzz rust soundness; do
    refused 'arguments are missing: want ' $script.sh
done
refused 'an argument is empty: want ' claims.sh results '' out
refused 'an argument is empty: want ' figures.sh ''
refused 'an argument is empty: want ' bench_cost.sh build ''
for script in claims findings figures bench_micro bench_preload bench_audit stress install fuzz rust soundness; do
    refused 'd: one argument too many: want ' $script.sh a b c d
done
for script in bench bench_cost bench_memory; do
    refused '--slow: no such option: want --' $script.sh "$scripts" "$work/results" --slow
    check "$script.sh made its folder" [ ! -e "$work/results" ]
done
refused '--slow: no such option: want --quick' bench_micro.sh "$scripts" "$work/results" --slow
refused 'ROUNDS 0: want a number from 1 on' bench_preload.sh "$scripts" 0
refused 'ROUNDS x: want a number from 1 on' bench_audit.sh "$scripts" x
refused 'SECONDS 1m: want a number from 1 on' fuzz.sh 1m
refused '--down: no such option: want \[--root' arrows.sh --down
refused '--down: no such option: want \[--root' lint_text.sh --down
conclude usage_test
