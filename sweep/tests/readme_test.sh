#!/usr/bin/env bash
# readme_test.sh BUILD SOURCE: docs/matrix.md has the rows of the tables, all of them and no others; README has some.
set -uo pipefail
source=$2
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"

some=$(sed -n 's/^    \([a-z_0-9]*\) .*  [a-z]*$/\1/p' "$source/README.md" | grep -vx repro | tr '\n' ' ')
for page in README.md docs/matrix.md; do
    checks=$((checks + 1))
    cp "$source/$page" "$work/page"
    # shellcheck disable=SC2046 # a word a repro
    "$source/scripts/readme.sh" "$source/results" "$work/page" $([[ $page == README.md ]] && echo "$some") ||
        fail "readme.sh: exit $?"
    cmp -s "$source/$page" "$work/page" || fail "$page differs from results/: run make findings and commit:
$(diff "$source/$page" "$work/page")"
done

# A missing row, an extra one, a wrong one, a wrong count: readme.sh corrects each.
cp "$source/docs/matrix.md" "$work/right"
"$source/scripts/readme.sh" "$source/results" "$work/right"
for change in '/^    injector_block /d' 's/^    injector_block .*/&\n    made_up_repro   1  1  1/' \
    's/^\(    injector_block .*\)1521 /\11520 /' 's/^    [0-9]* of [0-9]* laws hold/    1 of 2 laws hold/'; do
    checks=$((checks + 1))
    sed "$change" "$work/right" >"$work/README.md"
    cmp -s "$work/right" "$work/README.md" && fail "'$change' changes nothing"
    "$source/scripts/readme.sh" "$source/results" "$work/README.md"
    cmp -s "$work/right" "$work/README.md" || fail "'$change' is not put right"
done

# A file that is no README is refused and left unchanged.
checks=$((checks + 1))
echo "no table" >"$work/README.md"
"$source/scripts/readme.sh" "$source/results" "$work/README.md" 2>/dev/null
[[ $? -eq 2 && $(<"$work/README.md") == "no table" ]] || fail "a text without a table is not refused"
checks=$((checks + 1))
"$source/scripts/readme.sh" "$work" "$work/README.md" 2>/dev/null
[[ $? -eq 3 ]] || fail "a folder without tables is not refused"

checks=$((checks + 1))
"$source/scripts/readme.sh" "$source/results" "$work/right" made_up_repro 2>/dev/null
[[ $? -eq 3 ]] || fail "a repro that is not there is not refused"

conclude readme_test
