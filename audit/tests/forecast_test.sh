#!/usr/bin/env bash
# forecast_test.sh BUILD: before the trap's run, a line warns if it will lack resources or take
# long. The run is made all the same, and its bound says what was not watched.
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
/* Frees as many blocks of 64 KiB as asked for, one after the other; then keeps and uses one of 5000
 * bytes. */
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

# No line if there is enough of everything.
run 1 "$audit" --no-confirm -- ./kept
silent_on 'The trap (needs|run may)|vm.max_map_count'

# What the census computes: the pages of the blocks that live at the same time.
watched() { # watched COMMAND...: bytes
    rm -f report*
    ZK_ALLOC_AUDIT=census ZK_ALLOC_AUDIT_OUT=report LD_PRELOAD=$build/alloc/libzkalloc-preload.so "$@"
    awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "watched_bytes") column = i } NR == 2 { print $column }' report.phases
}
page=$(getconf PAGESIZE)
check "1000 blocks of 5000 bytes: $(watched ./kept)" test "$(watched ./kept)" -eq $((1000 * (5000 / page + 1) * page))
check "20000 blocks, one at a time: $(watched ./many 20000)" test "$(watched ./many 20000)" -lt $((4 << 20))

# Address space: the trap leaves half of it to the program.
limited() { (ulimit -v 700000 && exec "$@"); } # KiB
run 1 limited "$audit" --no-confirm -- ./kept
says '^touched +5001 '
silent_on 'The trap needs|refused: nothing'
run 1 limited "$audit" --no-confirm -- ./many 20000
says '^The trap needs up to 1\.3 GiB of address space, and may take 341\.[0-9] MiB: it may not watch the last' \
    '^The trap could not watch [0-9]+ blocks' '^guaranteed +5001 '
silent_on '^touched +[0-9]|failed'

# Fake reports of a census on memory, mappings and time, with numbers from the environment of the
# run.
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
run 0 "$audit" --watch 8192 -- ./fake 0 20000000 $((5 << 30)) # it will not watch blocks of that size
silent_on '^The trap'
run 1 "$audit" --no-confirm -- ./fake 30000 30000 1
says '^30000 blocks are retained: if more than 24573 of them are touched in one phase, the trap may miss'
run 0 "$audit" -- ./fake 0 20000000 1
says '^The trap run may take up to 60 s longer than the program, for it watches 20000000 blocks\.'
run 0 "$audit" --census -- ./fake 0 20000000 $((5 << 30))
silent_on '^The trap'

conclude forecast_test
