#!/usr/bin/env bash
# html_test.sh BUILD SOURCE: zk-audit --html, on a program that is known to retain so much at each
# begin: the numbers under the chart, the sites, the stacks; and the page in a headless Chromium, if
# there is one.
set -uo pipefail
build=$1 source=$2 audit=$1/sweep/zk-audit
# shellcheck source=scripts/test_helpers.sh
. "$source/scripts/test_helpers.sh"
# shellcheck source=report/tests/browser.sh
. "$source/report/tests/browser.sh"
cat >"$work/keeps.c" <<'C'
#include "planted.h"
#include <stdlib.h>
#include <string.h>
volatile long sink;
static char *table, *last, *brief;
/* 100000 bytes, in the third phase: found by begins 4 to the last, and read. */
__attribute__((noinline)) static void make_table(void)
{
    table = malloc(100000);
    memset(table, 1, 100000);
}
/* 5000 more in each phase, and nobody reads them. */
__attribute__((noinline)) static void make_more(void)
{
    char *volatile more = malloc(5000);

    memset(more, 1, 5000);
}
/* 70000, made anew in each phase. */
__attribute__((noinline)) static void make_anew(void)
{
    free(last);
    last = malloc(70000);
    memset(last, 1, 70000);
}
/* 3000, below MIN_BYTES, found by begins 2 to 5. */
__attribute__((noinline)) static void make_brief(void)
{
    brief = malloc(3000);
    memset(brief, 1, 3000);
}
int main(int argc, char **argv)
{
    for (int phase = 1; phase <= atoi(argv[1]); phase++) {
        begin();
        if (phase == 1)
            make_brief();
        if (phase == 3)
            make_table();
        if (phase == 5)
            free(brief);
        make_more();
        make_anew();
        if (phase > 3)
            sink = table[1];
        end();
    }
    return argc > 2 ? 7 : 0;
}
C
gcc -g -O1 -I"$source/audit/tests/planted" "$work/keeps.c" -o "$work/keeps" || exit 3
cd "$work" || exit 3

run 1 "$audit" --html page.html -- ./keeps 12
check "the page" test -s page.html
check "nothing beside it" test ! -e page.html.part

# The numbers under the chart, by begin: a column for each site, named in its head.
numbers() { sed -n '/<summary>The same in numbers/,/<\/table>/p' "$1" | sed 's/<th [^>]*>/\t/g; s/<\/tr>/\n/g; s/<td[^>]*>/\t/g; s/<[^>]*>//g' | grep $'\t'; }
column() { numbers "$2" | awk -F'\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if (index($i, name)) at = i; next } { printf "%s%s", sep, $at; sep = " " }'; }
is_column() { # is_column SITE NUMBERS [PAGE]
    local got
    got=$(column "$1" "${3:-page.html}")
    checks=$((checks + 1))
    [[ $got == "$2" ]] || fail "$1: $got, want $2"
}
is_column begin '1 2 3 4 5 6 7 8 9 10 11 12'
is_column make_table '0 0 0 100000 100000 100000 100000 100000 100000 100000 100000 100000'
is_column make_more '0 5000 10000 15000 20000 25000 30000 35000 40000 45000 50000 55000'
is_column make_anew '0 70000 70000 70000 70000 70000 70000 70000 70000 70000 70000 70000'
is_column make_brief '0 3000 3000 3000 3000 0 0 0 0 0 0 0'

site() { grep -o "<tr id=\"site-[^>]*><td>[0-9]*</td><td>[^<]*($1).*" page.html | head -n 1; }
has() { # has SITE PATTERN
    checks=$((checks + 1))
    grep -q -- "$2" < <(sed -n "/<tr id=\"site-.*($1)/,/<\/tr>/p" page.html) || fail "$1: no $2 in $(site "$1")"
}
has make_table '<td>stays</td><td>touched</td><td>exposed'
has make_more '<td>grows</td><td>untouched</td><td>exposed'
has make_anew '<td>stays</td><td>freed late</td><td>exposed'
has make_brief '<td>is gone at the end</td><td>not looked at</td><td>below MIN_BYTES'
has make_table 'read by keeps.c:[0-9]* (main)'
has make_table '<ol class="frames">.*<code>main</code>'

# Where the processor does not distinguish reads from writes (aarch64, under some kernels and in an
# emulator), the page says "access".
ZK_ALLOC_AUDIT=trap ZK_ALLOC_AUDIT_OUT=stale LD_PRELOAD=$build/alloc/libzkalloc-preload.so ./keeps 5
sed -i $'s/^touched\tread\t/touched\tNA\t/' stale
run 0 "$audit" --html stale.html --resolve stale
check "an access" grep -q "<small>access by keeps.c:[0-9]* (main)" stale.html

# Of many begins only every n-th is shown; and all sites that are not drawn are one.
run 1 "$audit" --html many.html -- ./keeps 100
check "one in 4" grep -q 'Of 100 begins, one in 4 is told' many.html
is_column make_more "$(for ((i = 4; i <= 100; i += 4)); do echo "$(((i - 1) * 5000))"; done | paste -sd' ')" many.html

# Of many stacks that lead to one line, those with the most bytes are shown.
cat >stacks.c <<"C"
#include "planted.h"
#include <stdlib.h>
volatile long sink;
__attribute__((noinline)) static void *make(int depth)
{
    void *p = depth == 0 ? malloc(5000) : make(depth - 1);

    sink = depth; /* so that this is no tail call */
    return p;
}
int main(void)
{
    begin();
    for (int depth = 0; depth < 25; depth++)
        make(depth);
    end();
    begin();
    end();
    return 0;
}
C
gcc -g -O1 -fno-optimize-sibling-calls -fno-inline -I"$source/audit/tests/planted" stacks.c -o stacks || exit 3
run 1 "$audit" --html stacks.html -- ./stacks
check "20 of 25 stacks: $(grep -c "<ol class=\"frames\">" stacks.html)" test "$(grep -c "<ol class=\"frames\">" stacks.html)" -eq 20
check "and 5 more" grep -q "and 5 more, which --json has" stacks.html

# Two places read one block, and its line is in a file deep down: words agree, and the table fits the window.
cat >deep.c <<"C"
#include "planted.h"
#include <stdlib.h>
volatile long sink;
#line 1 "/home/somebody/projects/a_prover_of_some_kind/third_party/a_library_with_a_long_name-1.10.1/src/registry_of_things/structures.c"
static long *table;
__attribute__((noinline)) void first(void) { sink = table[0]; sink++; }
__attribute__((noinline)) void second(void) { sink = table[1]; sink++; }
int main(void)
{
    begin();
    table = calloc(1000, sizeof *table);
    end();
    begin();
    first();
    second();
    end();
    return 0;
}
C
gcc -g -O1 -I"$source/audit/tests/planted" deep.c -o deep || exit 3
run 1 "$audit" --html deep.html -- ./deep
check "2 stacks" grep -q '<summary>2 stacks of accesses<' deep.html
check "1 stack" grep -q '<summary>1 stack of an access<' page.html

# Pages without a census, without a begin, without a block.
run 1 "$audit" --trap --html trap.html -- ./keeps 5
check "no census is said" grep -q 'Not known: that is what the census finds' trap.html
run 0 "$audit" --html none.html -- ./keeps 1
check "nothing retained is said" grep -q 'Nothing is retained' none.html
run 4 "$audit" --html failed.html -- ./keeps 12 fails
check "a program that fails has a page too" grep -q 'UNSAFE at MIN_BYTES 4096' failed.html

# Refused before any run; nothing is left half-written.
run 2 "$audit" --html "$work/nowhere/page.html" -- ./keeps 12
says 'nowhere/page.html: No such file or directory: want a file that can be written'
silent_on UNSAFE
run 3 "$audit" --html /dev/full -- ./keeps 12
says '/dev/full: No space left on device: it is not written'

# Names are escaped.
mkdir '<b>'
cp keeps "<b>/<i>&\"'"
run 1 "$audit" --html evil.html -- "<b>/<i>&\"'" 5
check "escaped" grep -q '<title>What crosses a phase in &lt;i&gt;&amp;&quot;&#39;</title>' evil.html
check "no markup of the name's" test -z "$(grep -o '<b>/\|<i>&' evil.html)"
! command -v tidy >/dev/null || check "well-formed" tidy -q -e --drop-empty-elements no --custom-tags no page.html

if ! browser_there; then
    echo "html_test: without a browser: needs chromium and jq (scripts/bootstrap.sh --all)"
    conclude html_test
    exit
fi
browser_test "$build"
judge() {
    evaluate "$(<"$source/audit/tests/click_audit.js")"
    check "$1: $value" test "$value" = "[]"
}
at_both_widths "$work/page.html" audit judge
for wide in 390 1000 1280; do
    look $wide 900 light
    check "deep.html loads" visit "$work/deep.html"
    evaluate '(([box]) => box.scrollWidth <= box.clientWidth)(document.querySelectorAll("#sites .scroll"))'
    check "at $wide no column of the sites is out of sight" test "$value" = true
done
check "no complaint of the browser: $(complaints | head -n 5)" test -z "$(complaints)"
conclude html_test
