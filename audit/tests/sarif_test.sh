#!/usr/bin/env bash
# sarif_test.sh BUILD: every document that zk-audit --sarif writes is valid against the schema of
# SARIF 2.1.0.
set -uo pipefail
build=$1 here=$(realpath "$(dirname "$0")")
audit=$build/sweep/zk-audit truth=$here/truth schema=$here/sarif-2.1.0-rtm.5.json
# shellcheck source=scripts/test_helpers.sh
. "$here/../../scripts/test_helpers.sh"
cd "$work" || exit 1
for needed in jsonschema jq; do
    command -v $needed >/dev/null ||
        { echo "sarif_test: skipped: $needed is not installed (Debian: python3-jsonschema, jq)"; exit 77; }
done
if ! "$audit" --json -- true >/dev/null 2>json && grep -q 'built without libjansson' json; then
    echo "sarif_test: skipped: zk-audit was built without libjansson"
    exit 77
fi
valid() { # valid FILE: and has a result
    checks=$((checks + 1))
    { jsonschema -i "$1" "$schema" >said 2>&1 && jq -e .runs[0].tool "$1" >/dev/null; } ||
        fail "$what: $1 is not valid: $(tail -c 2000 said)"
}
for program in kept twice discarded places pool; do
    check "cc $program" cc -g -O0 -I"$truth" "$truth/$program.c" -o $program
done

# The check finds errors: a duplicate where items must differ, a required property that is missing,
# and an unknown one.
run 1 "$audit" --sarif good.sarif -- ./kept
valid good.sarif
for wrong in '.runs[0].results[0].stacks |= . + .' 'del(.runs[0].tool.driver.name)' '.runs[0].results[0].line = 1' \
    '.runs[0].results[0].locations[0].physicalLocation.region.startLine = 0' '.version = "2.0.0"'; do
    jq "$wrong" good.sarif >bad.sarif
    checks=$((checks + 1))
    ! jsonschema -i bad.sarif "$schema" >said 2>&1 || fail "the schema allows $wrong"
done

# Stacks and places that look alike are listed once.
run 1 "$audit" --sarif twice.sarif -- ./twice
valid twice.sarif
check "$what: one stack, two places" test "$(jq -c '[.runs[0].results[] | (.stacks, .relatedLocations | length)]' twice.sarif)" = '[1,2]'

# Each kind of result, and a document without results.
run 1 "$audit" --trap --sarif discarded.sarif -- ./discarded
valid discarded.sarif
run 1 "$audit" --sarif places.sarif -- ./places
valid places.sarif
run 1 "$audit" --census --sarif census.sarif -- ./kept
valid census.sarif
run 1 "$audit" --trap --sarif trap.sarif -- ./kept
valid trap.sarif
run 0 "$audit" --min-bytes 1M --sarif none.sarif -- ./kept
valid none.sarif
run 3 "$audit" --sarif unseen.sarif -- ./pool
valid unseen.sarif
run 4 "$audit" --sarif killed.sarif -- sh -c './kept; kill -KILL $$'
valid killed.sarif
printf '*\t*\t*\tlooked at\n' >all.supp
run 0 "$audit" --suppressions all.supp --sarif suppressed.sarif -- ./twice
valid suppressed.sarif
check "$what: it is suppressed" test "$(jq -r '.runs[0].results[].suppressions[].kind' suppressed.sarif)" = external

# No debug information, no symbols; a folder whose name must be escaped in a URI.
strip kept -o stripped
run 1 "$audit" --sarif stripped.sarif -- ./stripped
valid stripped.sarif
folder=$'a b%\xff\u00e9#?'
mkdir "$folder"
cp "$truth/kept.c" "$truth/phases.h" "$folder"
cc -g "$folder/kept.c" -o "$folder/kept"
run 1 "$audit" --sarif odd.sarif -- "$folder/kept"
valid odd.sarif
(cd "$folder" && "$audit" --sarif odd.sarif -- ./kept >/dev/null 2>&1)
valid "$folder/odd.sarif"

# Reports that were written without zk-audit.
ZK_ALLOC_AUDIT=census ZK_ALLOC_AUDIT_OUT=alone LD_PRELOAD=$build/alloc/libzkalloc-preload.so ./twice
run 0 "$audit" --sarif resolved.sarif --resolve alone
valid resolved.sarif


# Where the processor does not distinguish reads from writes (aarch64, under some kernels and in an
# emulator), the result says "access".
ZK_ALLOC_AUDIT=trap ZK_ALLOC_AUDIT_OUT=stale LD_PRELOAD=$build/alloc/libzkalloc-preload.so ./twice
sed -i $'s/^touched\tread\t/touched\tNA\t/' stale
run 0 "$audit" --sarif resolved.sarif --resolve stale
valid resolved.sarif
check "$what: $out" grep -q '^    access at offset 5 by .*twice.c' <<<"$out"
check "$what: the text of a place" test "$(jq -r '.runs[0].results[0].relatedLocations[0].message.text' resolved.sarif)" = \
    'access here, in a later phase'

conclude sarif_test
