#!/usr/bin/env bash
# lines_test.sh BUILD SOURCE: zk-audit names the user's own lines. The comments in the test programs
# say what should be found: /* made */ allocates, /* used */ touches that in a later phase.
set -uo pipefail
build=$1 source=$2 audit=$1/sweep/zk-audit preload=$1/alloc/libzkalloc-preload.so
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
cd "$work" || exit 3
unset LLVM_SYMBOLIZER_PATH
both() { # both STATUS COMMAND...: as run; the output on stdout and stderr is in $said
    run "$@"
    said=$out$'\n'$said
}
line() { grep -n "/\* $2 \*/" "$1" | cut -d: -f1; } # line FILE MARK
cc=(gcc -g -O2 -I"$source/audit/tests/planted")

# ---- A library that has been closed, with another one loaded at its address.

cat >plugin.c <<'C'
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) static void mark(char *p)
{
    memset(p, 1, 20000);
}
char *plugin_make(void)
{
    char *p = malloc(20000); /* made */

    mark(p);
    return p;
}
C
sed 's/plugin_make/innocent_one/; s/20000/30000/' plugin.c >other.c
cat >host.c <<'C'
#include "planted.h"
#include <dlfcn.h>
#include <stdlib.h>
volatile long sink;
int main(int argc, char **argv)
{
    void *plugin = dlopen(argv[1], RTLD_NOW);
    char *(*make)(void) = (char *(*)(void))dlsym(plugin, argc > 3 ? argv[3] : "plugin_make");
    char *table, *more = NULL;

    begin();
    table = make();
    dlclose(plugin);
    plugin = dlopen(argv[2], RTLD_NOW);
    if (argc > 4) { /* from the same addresses, in the same phase */
        make = (char *(*)(void))dlsym(plugin, argv[4]);
        more = make();
    }
    end();
    begin();
    sink = table[100] + (more == NULL ? 0 : more[100]); /* used */
    end();
    return 0;
}
C
for name in plugin other; do "${cc[@]}" -shared -fPIC $name.c -o $name.so; done
"${cc[@]}" host.c -ldl -o host
made=$(line plugin.c made) used=$(line host.c used)
both 1 "$audit" -- ./host ./plugin.so ./other.so
says "^  plugin.c:$made \(plugin_make\), by plugin.so: 1 block of 20000 bytes" "by host.c:$used \(main\), 1 phase later"
silent_on innocent
both 1 "$audit" -- ./host ./plugin.so ./other.so plugin_make innocent_one
says "^  plugin.c:$made \(plugin_make\), by plugin.so: 1 block of 20000 bytes" \
    "^  other.c:$made \(innocent_one\), by other.so: 1 block of 30000 bytes"
both 1 "$audit" -- ./host ./plugin.so ./plugin.so plugin_make plugin_make
says "^  plugin.c:$made \(plugin_make\), by plugin.so: 2 blocks of 20000 bytes, 1 thread, 2 stacks, touched later$"

# A file that has been replaced since the run is not searched for names.
cat >replace.sh <<'S'
./host ./plugin.so ./other.so
cp other.so plugin.so
S
both 1 "$audit" --census -- sh replace.sh
says "^  plugin_make \(plugin.so\+0x|^  host.c:[0-9]+ \(main\), by plugin.so|^  plugin.so\+0x" \
    'plugin.so is not the file that ran: it has another build id'
silent_on innocent

# ---- The program itself resolves no names; reports are resolved later, wherever they were written.

"${cc[@]}" plugin.c -shared -fPIC -o plugin.so
export LD_PRELOAD=$preload ZK_ALLOC_AUDIT=census ZK_ALLOC_AUDIT_OUT=$work/report
./host ./plugin.so ./other.so
ZK_ALLOC_AUDIT="trap" ZK_ALLOC_AUDIT_OUT=$work/report.trap ./host ./plugin.so ./other.so
unset ZK_ALLOC_AUDIT_OUT
ZK_ALLOC_AUDIT="trap" ./host ./plugin.so ./other.so 2>said
unset LD_PRELOAD ZK_ALLOC_AUDIT
checks=$((checks + 1))
grep -q '	plugin.so+0x[^	]*	20000	1	20000	1	[^	]*/plugin.so	NA	NA	NA	' report || fail "the report: $(cat report)"
both 0 "$audit" --resolve report
says "^  plugin.c:$made \(plugin_make\), by plugin.so: 1 block of 20000 bytes, 1 thread$" '^UNSAFE at MIN_BYTES 4096: '
both 0 "$audit" --resolve report report.trap
says "^  plugin.c:$made \(plugin_make\), by plugin.so: 1 block of 20000 bytes, 1 thread, touched later$" "host.c:$used"
both 0 sh -c "'$audit' --min-bytes 30000 --resolve - <said"
says '^SAFE at MIN_BYTES 30000: '
both 0 sh -c "ZK_ALLOC_MIN_BYTES=30000 '$audit' --resolve - <said" # nothing tells that the program ran with that
says '^NO VERDICT at MIN_BYTES 30000: ' "^The program's MIN_BYTES is not known"
printf 'plugin_make\t*\t*\n' >accepted # nor whether others are above it, when all that was seen is suppressed
both 0 sh -c "'$audit' --suppressions accepted --resolve - <said"
says '^NO VERDICT at MIN_BYTES 4096: ' "^The program's MIN_BYTES is not known" '^Suppressed, or in the baseline: 1 site'
both 0 sh -c "'$audit' --resolve - <said"
says "plugin.c:$made \(plugin_make\)" "host.c:$used"
both 0 "$audit" --tsv --resolve report
says "	plugin_make	$work/plugin.c	$made	"
both 0 "$audit" --json --resolve report # zk-audit did not see the program end
says '"exit_status": null'
silent_on '"exit_status": 0'
both 2 "$audit" --resolve no-such-report
says '^zk-audit: no-such-report: No such file'
both 2 "$audit" --resolve host.c
says '^zk-audit: host.c: there is no report in it'
both 2 "$audit" --resolve
says '^zk-audit: --resolve: no report'

# A static program has no loader to ask for its libraries; this used to crash.
cat >alone.c <<'C'
#include "zkalloc.h"
#include <string.h>
static char *kept;
static void make(void)
{
    kept = zk_malloc(5000); /* made */
    memset(kept, 1, 5000);
}
int main(void)
{
    zk_begin_phase();
    make();
    zk_end_phase();
    zk_begin_phase();
    kept[7] = 1; /* used */
    zk_end_phase();
    return 0;
}
C
if gcc -g -O0 -static -I"$source/alloc/include" alone.c "$build/alloc/libzkalloc.a" -pthread -o alone 2>/dev/null; then
    both 1 "$audit" -- ./alone
    says "^  alone.c:$(line alone.c made) \(make\): 1 block of 5000 bytes, 1 thread, touched later$" \
        "by alone.c:$(line alone.c used) \(main\)"
else
    echo "lines_test: static: skipped: no static C library"
fi

# ---- Wrappers, and functions that the user declares to be one; many stacks that lead to one line.

cat >wrapped.c <<'C'
#include "planted.h"
#include <stdlib.h>
#include <string.h>
volatile long sink;
static char *kept[64];
__attribute__((noinline)) static void *xmalloc(size_t bytes)
{
    void *p = malloc(bytes); /* wrapper */

    if (p == NULL)
        abort();
    return p;
}
__attribute__((noinline)) static char *pool_take(size_t bytes)
{
    char *p = xmalloc(bytes); /* made */

    memset(p, 1, bytes);
    return p;
}
__attribute__((noinline)) static char *deep(int levels)
{
    char *p = levels == 0 ? pool_take(5000) : deep(levels - 1); /* caller */

    sink++;
    return p;
}
int main(void)
{
    begin();
    for (int i = 0; i < 10; i++)
        kept[i] = deep(i);
    end();
    begin();
    for (int i = 0; i < 10; i++)
        sink += kept[i][3]; /* used */
    end();
    return 0;
}
C
"${cc[@]}" wrapped.c -o wrapped
made=$(line wrapped.c made) caller=$(line wrapped.c caller)
both 1 "$audit" -- ./wrapped
says "^  wrapped.c:$made \(pool_take\): 10 blocks of 5000 bytes, 1 thread, 10 stacks, touched later$"
silent_on 'xmalloc'
both 1 "$audit" --skip 'pool_*' -- ./wrapped
says "^  wrapped.c:$caller \(deep\): 10 blocks of 5000 bytes, 1 thread, 10 stacks, touched later$"
printf '# ours\npool_*\n\ndeep\n' >skip
both 1 "$audit" --skip @skip -- ./wrapped
says "^  wrapped.c:[0-9]+ \(main\): 10 blocks"
both 1 "$audit" --skip '*/wrapped.c' -- ./wrapped
says "\(main\): 10 blocks"
both 2 "$audit" --skip @no-such-file -- ./wrapped
says '^zk-audit: --skip @no-such-file: No such file'
both 1 "$audit" --stacks -- ./wrapped
says '^      stack 10 of 10, 1 block, 5000 bytes$' "^        wrapped.c:$(line wrapped.c wrapper) \(xmalloc\)$" \
    "^        wrapped.c:$made \(pool_take\)$" "^        wrapped.c:$caller \(deep\)$" '^        wrapped.c:[0-9]+ \(main\)$' \
    '^      stack of an access 1 of 1$'
checks=$((checks + 1))
order=$(sed -n '/stack 1 of 10/,/stack 2 of 10/p' <<<"$said" | grep -oE '\((xmalloc|pool_take|deep|main)\)' | uniq | tr -d '()\n')
[[ $order == xmallocpool_takedeepmain ]] || fail "$what: the outermost is not last: $order"
both 1 "$audit" --tsv -- ./wrapped
says "	10	NA$|	10	wrapped\+0x"

# ---- Programs that the user lacks.

both 1 env LLVM_SYMBOLIZER_PATH=/no/such/program "$audit" -- ./wrapped
says '^  pool_take \(wrapped\+0x[0-9a-f]+\): 10 blocks of 5000 bytes, ' \
    '^Names only, no source lines: llvm-symbolizer is not installed \(Debian: apt-get install llvm\)\.$'
cp wrapped bare
strip --strip-debug bare
both 1 "$audit" -- ./bare
says '^  pool_take \(bare\+0x[0-9a-f]+\): 10 blocks of 5000 bytes, ' "/bare has no debug information, or not for all: "
# A symbolizer that crashes on a question loses the answer to that one only.
cat >dies <<'S'
#!/bin/sh
n=0
while read -r question; do
    n=$((n + 1))
    [ $n -lt 2 ] || kill -9 $$
    printf 'named_%s\n/somewhere/file.c:7:1\n\n' "$n"
done
S
chmod +x dies
both 1 env LLVM_SYMBOLIZER_PATH="$work/dies" "$audit" -- ./wrapped
says 'file.c:7 \(named_1\)'

# ---- The Rust library's files: which commit of the compiler they are of says nothing to a reader.

cat >"$work/of_rust.c" <<'C'
#include "planted.h"
#include <stdlib.h>
#line 95 "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/alloc/src/alloc.rs"
__attribute__((noinline)) static void *of_rust(void) { void *volatile block = malloc(5000); return block; }
#line 5 "of_rust.c"
int main(void)
{
    begin();
    of_rust();
    end();
    begin();
    end();
    return 0;
}
C
gcc -g -O1 -I"$source/audit/tests/planted" "$work/of_rust.c" -o "$work/of_rust" || exit 3
run 1 "$audit" --census --stacks -- "$work/of_rust"
says '^        /rustc/\.\.\./library/alloc/src/alloc\.rs:95 \(of_rust\)$'

# ---- The report of a program with 100,000 symbols takes no longer: nothing in it depends on their
# number.

awk 'BEGIN { for (i = 0; i < 100000; i++) printf ".type symbol_%d, STT_FUNC\nsymbol_%d: .long 0\n.size symbol_%d, 4\n", i, i, i
    print ".section .note.GNU-stack" }' >symbols.s
cp wrapped.c large.c
if gcc -c symbols.s -o symbols.o && "${cc[@]}" large.c symbols.o -o large; then
    both 1 "$audit" -- ./large
    says "^  large.c:$made \(pool_take\): 10 blocks of 5000 bytes"
    LD_PRELOAD=$preload ZK_ALLOC_AUDIT=census ZK_ALLOC_AUDIT_OUT=$work/large.report ./large
    checks=$((checks + 1))
    [[ $(wc -c <large.report) -lt 20000 ]] || fail "the report has $(wc -c <large.report) bytes"
fi

conclude lines_test
