#!/usr/bin/env bash
# formats_test.sh BUILD SOURCE: what zk-audit writes for continuous integration. The comments in the
# test programs say what should be found: /* made */ allocates 16384 bytes, /* used */ touches them
# in a later phase, /* kept */ allocates 9000 bytes that nobody touches.
set -uo pipefail
source=$2 audit=$1/sweep/zk-audit
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
cd "$work" || exit 3
unset LLVM_SYMBOLIZER_PATH
command -v jq >/dev/null || { echo "formats_test: skipped: jq is not installed"; exit 77; }
is() { # is WANT FILTER [FILE]: what jq finds in the document
    local got
    checks=$((checks + 1))
    got=$(jq -cr "$2" "${3:-stdout}" 2>&1)
    [[ $got == "$1" ]] || fail "$what: $2 is $got, want $1"
}
cat >keeps.c <<'C'
#include "planted.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
volatile long sink;
static char *table, *volatile extra;
__attribute__((noinline)) static void table_make(void)
{
    table = malloc(16384); /* made */
    memset(table, 1, 16384);
}
__attribute__((noinline)) static void extra_make(void)
{
    extra = malloc(9000); /* kept */
    memset(extra, 1, 9000);
}
int main(int argc, char **argv)
{
    char *volatile scratch;

    puts("output");
    begin();
    if (argc > 1 && strchr(argv[1], 't'))
        table_make();
    if (argc > 1 && strchr(argv[1], 'e'))
        extra_make();
    scratch = malloc(5000);
    sink = scratch != NULL;
    free(scratch);
    end();
    begin();
    if (table)
        sink = table[5]; /* used */
    end();
    return argc > 1 && strchr(argv[1], 'f') ? 7 : 0;
}
C
gcc -g -O2 -I"$source/audit/tests/planted" keeps.c -o keeps
line() { grep -n "/\* $1 \*/" keeps.c | cut -d: -f1; }

# ---- JSON: one document on stdout; the program's output goes elsewhere.

run 1 "$audit" --json -- ./keeps te
says '^output$'
is unsafe .verdict
is 16385 .guaranteed
is 16385 .touched
is '["./keeps","te"]' .command
is '[["census",0],["trap",0]]' '[.runs[] | [.name, .exit_status]]'
is '[["table_make","keeps.c",'"$(line made)"',16384,1,true],["extra_make","keeps.c",'"$(line kept)"',9000,1,false]]' \
    '[.sites[] | [.function, .file, .line, .size_most, .count, .touched]]'
is '[["read","main","keeps.c",'"$(line used)"',5]]' '[.sites[0].accesses[] | [.access, .function, .file, .line, .offset]]'
is '["table_make","main"]' '[.sites[0].stacks[0].frames[:2][].function]'
run 4 "$audit" --json -- ./keeps tf # the program's status does not change the verdict
is '["unsafe",7,7]' '[.verdict, .runs[].exit_status]'
run 3 "$audit" --json -- ./keeps f
is '["safe",7,7]' '[.verdict, .runs[].exit_status]'
run 2 "$audit" --json --tsv -- ./keeps
run 2 "$audit" --json document.json -- ./keeps te # as one may think of it, after --sarif FILE
says '^zk-audit: document.json: No such file or directory: .*--json and --tsv take no file'
run 2 "$audit" ./no-such te
silent_on 'take no file'

# ---- SARIF: the lines, and the properties that the schema of 2.1.0 requires for what is used here.

run 1 "$audit" --sarif results.sarif -- ./keeps te
is '["2.1.0","zk-audit"]' '[.version, .runs[0].tool.driver.name]' results.sarif
is '[["touched","error","keeps.c","SRCROOT",'"$(line made)"'],["retained","warning","keeps.c","SRCROOT",'"$(line kept)"']]' \
    '[.runs[0].results[] | [.ruleId, .level, (.locations[0].physicalLocation |
        .artifactLocation.uri, .artifactLocation.uriBaseId, .region.startLine)]]' results.sarif
is "[$(line used)]" '[.runs[0].results[0].relatedLocations[].physicalLocation.region.startLine]' results.sarif
is "file://$work/" '.runs[0].originalUriBaseIds.SRCROOT.uri' results.sarif
is true '[.runs[0] | .results[] as $result | .tool.driver.rules[$result.ruleIndex].id == $result.ruleId] | all' results.sarif
is true '[.runs[0].results[] | (.message.text | length > 0), (.stacks[].frames | length > 0)] | all' results.sarif
is '[true,true]' '[.runs[0].invocations[].executionSuccessful]' results.sarif
run 0 "$audit" --sarif results.sarif --min-bytes 20000 -- ./keeps te # below MIN_BYTES there is nothing to fix
is 0 '.runs[0].results | length' results.sarif
run 2 "$audit" --sarif no/such/folder -- ./keeps
says '^zk-audit: no/such/folder: No such file'
checks=$((checks + 1))
[[ ! $out =~ output ]] || fail "$what: the program was run all the same"

# ---- Folded stacks: bytes of each, outermost first.

run 1 "$audit" --folded stacks.folded -- ./keeps te
checks=$((checks + 2))
grep -Eq '(^|;)main;table_make 16384$' stacks.folded || fail "folded: $(cat stacks.folded)"
grep -Eq '(^|;)main;extra_make 9000$' stacks.folded || fail "folded: $(cat stacks.folded)"

# ---- Suppressions: by function, file and sizes; they are counted, and stale ones are named.

run 1 "$audit" --write-suppressions accepted -- ./keeps t
checks=$((checks + 1))
grep -q '^table_make	keeps.c	-16384	$' accepted || fail "$what: $(cat accepted)"
run 0 "$audit" --suppressions accepted -- ./keeps t
says '^SAFE at MIN_BYTES 4096, apart from what is suppressed$' \
    '^Suppressed, or in the baseline: 1 site, with 1 block of up to 16384 bytes\.$'
run 1 "$audit" --suppressions accepted -- ./keeps te # another site is not suppressed
says '^UNSAFE at MIN_BYTES 4096: 1 block of 9000 bytes' 'extra_make' '^Suppressed, .*: 1 site'
checks=$((checks + 1))
[[ ! $said =~ table_make ]] || fail "$what: what is suppressed is shown: $said"
sed 's/^/\n\n/' keeps.c >moved.c # lines move between builds
mv moved.c keeps.c
gcc -g -O0 -I"$source/audit/tests/planted" keeps.c -o keeps
run 0 "$audit" --suppressions accepted -- ./keeps t
run 0 "$audit" --suppressions accepted -- ./keeps s
says '^accepted:2: nothing matches table_make any more: remove it\.$'
printf 'ex*\t*\t8192-9000\tlooked at in March\n' >patterns
run 0 "$audit" --json --suppressions patterns -- ./keeps e
is '["safe","looked at in March"]' '[.verdict, .sites[0].suppressed]'
printf 'ex*\t*\t-8999\n' >patterns
run 1 "$audit" --suppressions patterns -- ./keeps e
printf 'no tabs here\n' >patterns
run 2 "$audit" --suppressions patterns -- ./keeps e
says '^zk-audit: patterns:1: want function, file, sizes'
run 2 "$audit" --suppressions no-such-file -- ./keeps e
run 0 "$audit" --suppressions accepted --sarif results.sarif -- ./keeps t
is '["external"]' '[.runs[0].results[].suppressions[].kind]' results.sarif

# ---- Baseline: sites that were there before do not fail.

run 1 "$audit" --json -- ./keeps t
mv stdout base.json
run 0 "$audit" --baseline base.json -- ./keeps t
run 1 "$audit" --baseline base.json -- ./keeps te
says '^UNSAFE .* 1 block of 9000 bytes' 'extra_make'
run 2 "$audit" --baseline keeps.c -- ./keeps t
says '^zk-audit: --baseline keeps.c: '
echo '{}' >empty.json
run 2 "$audit" --baseline empty.json -- ./keeps t

# ---- Exit status.

run 1 "$audit" --fail-above 16384 -- ./keeps t
run 0 "$audit" --fail-above 16385 -- ./keeps t
run 0 "$audit" --fail-above 17K -- ./keeps t
run 2 "$audit" --fail-above much -- ./keeps t
run 0 "$audit" --version
checks=$((checks + 1))
[[ $out =~ ^zk-audit\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$what: $out"

# ---- The example of a CI job.

rm -f audit.supp
run 1 "$source/examples/audit_ci.sh" "$audit" ./keeps t
is touched '.runs[0].results[0].ruleId' audit.sarif
is unsafe .verdict audit.json
mv accepted audit.supp
run 0 "$source/examples/audit_ci.sh" "$audit" ./keeps t
run 4 "$source/examples/audit_ci.sh" "$audit" ./keeps tef

# ---- Blocks used after a discard belong to no site. Nothing can hide them.

gcc -g -O0 -I"$source/audit/tests/truth" "$source/audit/tests/truth/discarded.c" -o discarded
lost=$(grep -n STALE:log "$source/audit/tests/truth/discarded.c" | cut -d: -f1)
printf '*\t*\t*\tall\n' >all.supp
run 1 "$audit" --trap --json --sarif results.sarif --suppressions all.supp --fail-above 1 -- ./discarded
is '["unsafe","discarded",true]' '[.verdict, .others[0].kind, ([.others[].by.line] | index('"$lost"') != null)]'
is true '[.runs[0].results[] | select(.ruleId == "discarded") | .locations[0].physicalLocation.region.startLine] |
    index('"$lost"') != null' results.sarif
is true '[.runs[0] | .results[] as $result | .tool.driver.rules[$result.ruleIndex].id == $result.ruleId] | all' results.sarif

# ---- The screen is as wide as the terminal.

if command -v script >/dev/null; then
    for columns in 40 60 100; do
        what="$columns columns"
        NO_COLOR=1 script -qec "stty cols $columns rows 24; '$audit' -- ./keeps te 2>&1" /dev/null </dev/null | tr -d '\r' | sed 's/^.*\x1b\[K//' >screen
        said=$(<screen)
        check "$columns columns: $said" test "$(wc -L <screen)" -le "$columns"
        says '^UNSAFE at MIN_BYTES' "keeps.c:$(line made)"
    done
fi

conclude formats_test
