#!/usr/bin/env bash
# parts_test.sh SOUNDNESS: a campaign in parts gives the same bytes as one in a single part; a part
# that is missing, duplicate, truncated, changed or of another campaign is refused, and nothing is
# written; bad input gives one line and exit status 2.
set -uo pipefail
soundness=$1
# shellcheck source=../../../scripts/test_helpers.sh
. "$(dirname "$0")/../../../scripts/test_helpers.sh"

# A small campaign. The controls do not matter here: with one try each, most find nothing, and so
# the status is 1.
campaign() { "$soundness" --proofs 240 --tries 1 "$@"; }
for part in 1/1 1/2 2/2 1/7 2/7 3/7 4/7 5/7 6/7 7/7; do
    checks=$((checks + 1))
    campaign --part "$part" --out "$work/${part/\//of}" >/dev/null
    [[ $? -eq 1 && -s $work/${part/\//of} ]] || fail "part $part"
done
for parts in 1 2 7; do
    checks=$((checks + 1))
    "$soundness" --merge --out "$work/merged$parts" "$work"/*of"$parts" >/dev/null
    [[ $? -eq 1 ]] || fail "merging $parts parts"
    cmp "$work/1of1" "$work/merged$parts" || fail "$parts parts: not the bytes of one"
done
checks=$((checks + 1))
"$soundness" --merge --out "$work/backwards" "$work"/{7,3,1,2,6,5,4}of7 >/dev/null
cmp "$work/1of1" "$work/backwards" || fail "in another order: not the same bytes"

# refused WANTED ARGUMENT...: one line with WANTED in it, status 2, and no table.
refused() {
    local wanted=$1 said status
    shift
    checks=$((checks + 1))
    rm -f "$work/out"
    said=$("$soundness" "$@" 2>&1 >/dev/null)
    status=$?
    [[ $status -eq 2 && $said == *"$wanted"* && $(wc -l <<<"$said") -eq 1 && ! -e $work/out ]] ||
        fail "$*: status $status, said '$said', want '$wanted'"
}
merge() { refused "$1" --merge --out "$work/out" "${@:2}"; }
merge "slice 1 is in none of the files" "$work/1of2"
merge "read already" "$work"/{1of2,2of2,1of2}
head -n -1 "$work/2of2" >"$work/cut"
merge "cut" "$work/1of2" "$work/cut"
head -c -1 "$work/2of2" >"$work/cut"
merge "cut" "$work/1of2" "$work/cut"
head -c 1000 "$work/2of2" >"$work/cut"
merge "cut" "$work/1of2" "$work/cut"
: >"$work/cut"
merge "cut" "$work/1of2" "$work/cut"
cat "$work"/{1of2,2of2} >"$work/both"
merge "behind its end" "$work/both"
sed '5s/\t1\t/\t2\t/' "$work/2of2" >"$work/changed"
checks=$((checks + 1))
cmp -s "$work/2of2" "$work/changed" && fail "nothing was changed"
merge "line" "$work/1of2" "$work/changed"
campaign --seed 2 --part 2/2 --out "$work/seed2" >/dev/null
merge "of another campaign" "$work/1of2" "$work/seed2"
merge "cannot be read" "$work/1of2" "$work/nothing"
refused "cannot be written" --merge --out "$work/no/out" "$work"/{1of2,2of2}
refused "cannot be written" --proofs 240 --out "$work/no/out"
refused "--part 0/2" --part 0/2
refused "--part 3/2" --part 3/2
refused "--part 1/121" --part 1/121
refused "--proofs 100" --proofs 100
refused "--seed x" --seed x
refused "--tries 0" --tries 0
refused "--merge" --merge --out "$work/out"
refused "argument more" more

# A campaign that does not detect a broken verifier says so.
checks=$((checks + 1))
grep -q "THE CAMPAIGN DOES NOT FIND IT" <(campaign --part 1/120) || fail "one try found every broken verifier"

conclude parts_test
