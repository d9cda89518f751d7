#!/usr/bin/env bash
# confirm_test.sh BUILD: where the verdict is unsafe, runs at the bound and a byte below check it;
# the result is printed, even if it is that the runs differ.
set -uo pipefail
build=$1 truth=$(realpath "$(dirname "$0")/truth")
audit=$build/sweep/zk-audit
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
cd "$work" || exit 1
for program in grown differs kept; do
    check "cc $program" cc -g -O1 -I"$truth" "$truth/$program.c" -o $program
done
differs() { # differs STATUS RUNS OPTIONS -- BYTES...: expects the status and the number of runs
    local status=$1 runs=$2 options=()
    shift 2
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    rm -f log
    run "$status" "$audit" "${options[@]}" -- ./differs log "${@:2}"
    check "$what: $(wc -c <log) runs, want $runs" test "$(wc -c <log)" -eq "$runs"
}

# The bound agrees with the routing: blocks that grew count by their first request.
for how in small:65 both:5001 other:6001; do
    run 1 "$audit" --confirm --min-bytes 0 -- ./grown "${how%:*}"
    says "^Confirmed by two runs: at ${how#*:} the arena retains nothing, at $((${how#*:} - 1)) it does\.$"
done
ZK_ALLOC_REALLOC=migrate run 1 "$audit" --confirm --min-bytes 0 -- ./grown small
says '^Confirmed by two runs: at 16385 '

# Four runs, or two if there is nothing to confirm.
differs 1 4 --confirm -- 5000
says '^Confirmed by two runs: at 5001 ' '^guaranteed +5001 '
differs 1 2 --no-confirm -- 5000
silent_on 'onfirmed'
differs 0 2 --confirm -- 4000
silent_on 'onfirmed'
differs 0 1 --confirm --trap -- 5000 # no census, no bound to confirm
silent_on 'onfirmed'

# The runs differ.
differs 1 3 --confirm -- 5000 5000 9000
says '^Not confirmed: in a run at 5001 the arena retained a block of 9000 bytes\. The runs differ\.$' \
    '^guaranteed +at least 9001 ' 'ZK_ALLOC_MIN_BYTES=9001|^  9001 moves'
differs 1 4 --confirm -- 5000 5000 4000
says '^Confirmed by a run at 5001; but at 5000, too, the arena retained nothing: less may do\.$' '^guaranteed +5001 '
differs 1 3 --confirm -- 5000 5000 x
says '^Not confirmed: a run at 5001 or a byte less did not end and report as the first did\.$' '^guaranteed +5001 '
check "$what: the program did not fail" test "$(grep -c '^The program failed' <<<"$said")" -eq 0

# A program that sets MIN_BYTES itself cannot be run at another one.
check "cc sets" cc -O1 -I"$truth" -I"$truth/../../../alloc/include" -x c -o sets - <<'C'
#include "phases.h"
#include "zkalloc.h"
#include <stdlib.h>
#pragma weak zk_configure
#pragma weak zk_config
static char *volatile kept;
int main(void)
{
    struct zk_config config;

    if (zk_config(&config) != 0)
        return 1;
    config.min_bytes = 2048;
    if (zk_configure(&config) != 0)
        return 1;
    begin();
    kept = malloc(3000);
    end();
    begin();
    end();
    return 0;
}
C
run 1 "$audit" --confirm -- ./sets
says '^guaranteed +3001 ' '^Not confirmed by a run at 3001: the program sets MIN_BYTES itself\.$'

# If a run takes long, further ones are made only on request.
NAP_MS=2100 differs 1 2 -- 5000
says '^Not confirmed: a run at 5001 and one at a byte less take [0-9]+ s each\. --confirm makes them\.$'
NAP_MS=2100 differs 1 4 --confirm -- 5000
says '^Confirmed by two runs: at 5001 '

# The same for machines.
if command -v jq >/dev/null && "$audit" --confirm --json -- ./kept >document 2>/dev/null; [[ -s document ]]; then
    check "$(jq -c .confirmation document)" test "$(jq -r .confirmation document)" = confirmed
    "$audit" --no-confirm --json -- ./kept >document 2>/dev/null
    check "$(jq -c .confirmation document)" test "$(jq -r .confirmation document)" = null
fi
run 1 "$audit" --confirm --tsv -- ./kept
says '^zk-audit: Confirmed by two runs: at 5001 '

conclude confirm_test
