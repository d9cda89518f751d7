#!/usr/bin/env bash
# readme_test.sh BUILD SOURCE: README has the rows of the tables, all of them and no others.
set -uo pipefail
source=$2
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
same() { cmp -s "$work/README.md" "$source/README.md"; }

checks=$((checks + 1))
cp "$source/README.md" "$work/"
"$source/scripts/readme.sh" "$source/results" "$work/README.md" || fail "readme.sh: exit $?"
same || fail "README.md differs from results/: run make findings and commit:
$(diff "$source/README.md" "$work/README.md")"

# A row that is missing, one too many, one that is wrong, and a count: each is put right.
cp "$source/README.md" "$work/right"
"$source/scripts/readme.sh" "$source/results" "$work/right"
for change in '/^    injector_block /d' 's/^    injector_block .*/&\n    made_up_repro   1  1  1/' \
    's/^\(    injector_block .*\)1521 /\11520 /' 's/^    [0-9]* of [0-9]* laws hold/    1 of 2 laws hold/'; do
    checks=$((checks + 1))
    sed "$change" "$work/right" >"$work/README.md"
    cmp -s "$work/right" "$work/README.md" && fail "'$change' changes nothing"
    "$source/scripts/readme.sh" "$source/results" "$work/README.md"
    cmp -s "$work/right" "$work/README.md" || fail "'$change' is not put right"
done

# What is no README is refused, and stays as it is.
checks=$((checks + 1))
echo "no table" >"$work/README.md"
"$source/scripts/readme.sh" "$source/results" "$work/README.md" 2>/dev/null
[[ $? -eq 2 && $(<"$work/README.md") == "no table" ]] || fail "a text without a table is not refused"
checks=$((checks + 1))
"$source/scripts/readme.sh" "$work" "$work/README.md" 2>/dev/null
[[ $? -eq 2 ]] || fail "a folder without tables is not refused"

conclude readme_test
