#!/usr/bin/env bash
# forecast_test.sh BUILD: what the trap will need is told before its run, where that is not to be had or takes long; and the
# run goes on all the same, with a bound that is honest about it.
set -uo pipefail
build=$1 truth=$(realpath "$(dirname "$0")/truth")
audit=$build/sweep/zk-audit
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
cd "$work" || exit 1
check "cc kept" cc -g -O1 -I"$truth" "$truth/kept.c" -o kept
check "cc many" cc -g -O1 -I"$truth" -x c -o many - <<'C'
#include "phases.h"
#include <stdlib.h>
/* So many blocks of 64 KiB die one after the other, and then one of 5000 bytes is kept and used. */
int main(int argc, char **argv)
{
    volatile char *last;

    begin();
    for (int i = 0; argc > 1 && i < atoi(argv[1]); i++) {
        void *volatile p = malloc(65536);

        if (p == NULL)
            return 1;
        free(p);
    }
    last = malloc(5000);
    end();
    begin();
    last[0] = 1;
    end();
    return 0;
}
C

# Nothing is said where all is to be had.
run 1 "$audit" --no-confirm -- ./kept
silent_on 'The trap (needs|run may)|vm.max_map_count'

# What the census reckons: pages of what lives at once.
watched() { # watched COMMAND...: bytes
    rm -f report*
    ZK_ALLOC_AUDIT=census ZK_ALLOC_AUDIT_OUT=report LD_PRELOAD=$build/alloc/libzkalloc-preload.so "$@"
    awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "watched_bytes") column = i } NR == 2 { print $column }' report.phases
}
page=$(getconf PAGESIZE)
check "1000 blocks of 5000 bytes: $(watched ./kept)" test "$(watched ./kept)" -eq $((1000 * (5000 / page + 1) * page))
check "20000 blocks, one at a time: $(watched ./many 20000)" test "$(watched ./many 20000)" -lt $((4 << 20))

# Address space: the trap leaves the program the half of it.
limited() { (ulimit -v 700000 && exec "$@"); } # KiB
run 1 limited "$audit" --no-confirm -- ./kept
says '^touched +5001 '
silent_on 'The trap needs|refused: nothing'
run 1 limited "$audit" --no-confirm -- ./many 20000
says '^The trap needs up to 1\.3 GiB of address space, and may take 341\.[0-9] MiB: it may not watch the last' \
    '^The trap could not watch [0-9]+ blocks' '^guaranteed +5001 '
silent_on '^touched +[0-9]|failed'

# What a census would report of memory, mappings and time. Each run reports what its environment has.
cat >fake <<'E'
#!/usr/bin/env bash
out=${ZK_ALLOC_AUDIT_OUT//%p/$$}
if [[ $ZK_ALLOC_AUDIT == census ]]; then
    { echo phase_first phase_last site size count bytes threads module symbol file line
        [[ $1 -eq 0 ]] || echo 2 2 NA 5000 "$1" 1 1 NA NA NA NA; } | tr ' ' '\t' >"$out"
else
    echo kind access phase_allocated phase_accessed size offset count threads site module symbol file line \
        access_site access_module access_symbol access_file access_line | tr ' ' '\t' >"$out"
fi
{ echo size_from size_to count bytes phases min_bytes allocations lost sees_kernel sees_places arena_retained \
    watched_bytes memory_limit address_limit mappings_limit
    echo 4992 5119 "$2" "$(($2 * 5000))" 2 4096 "$2" 0 1 1 0 "$3" $((8 << 30)) $((4 << 40)) 49146; } | tr ' ' '\t' >"$out.phases"
E
chmod +x fake
run 0 "$audit" -- ./fake 0 1000 $((1 << 30))
silent_on '^The trap|^[0-9]+ blocks are'
run 0 "$audit" -- ./fake 0 1000 $((5 << 30))
says '^The trap needs up to 5\.0 GiB of memory at once, and may take 8\.0 GiB, half of what there is: it will' \
    'watch a sample\. --watch N watches larger blocks only\.$'
run 0 "$audit" --watch 8192 -- ./fake 0 20000000 $((5 << 30)) # it will not watch those
silent_on '^The trap'
run 1 "$audit" --no-confirm -- ./fake 30000 30000 1
says '^30000 blocks are retained: if more than 24573 of them are touched in one phase, the trap may miss'
run 0 "$audit" -- ./fake 0 20000000 1
says '^The trap run may take up to 60 s longer than the program, for it watches 20000000 blocks\.'
run 0 "$audit" --census -- ./fake 0 20000000 $((5 << 30))
silent_on '^The trap'

conclude forecast_test
