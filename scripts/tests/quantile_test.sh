#!/usr/bin/env bash
# quantile_test.sh SOURCE: the series of quantile.awk are sorted as sort(1) sorts them, in every order and of every
# length, and so soon that 100,000 values are no hindrance; quantiles are interpolated.
set -uo pipefail
source=$1
# shellcheck source=../test_helpers.sh
. "$source/scripts/test_helpers.sh"

cat >"$work/sorted.awk" <<'END_OF_AWK'
{ add("it", $1) }
END {
    median("it")
    for (i = 1; i <= length_of["it"]; i++) print series["it", i]
}
END_OF_AWK
sorted() { timeout 200 awk -f "$source/scripts/quantile.awk" -f "$work/sorted.awk"; }
# in_order FILE: its numbers come out sorted
in_order() { cmp <(sorted <"$1") <(sort -n "$1"); }

for length in 1 2 3 4 5 8 17 64 99; do
    seq "$length" >"$work/up"
    seq "$length" -1 1 >"$work/down"
    awk -v n="$length" 'BEGIN { srand(n); for (i = 0; i < n; i++) printf "%.6f\n", rand() * 2000 - 1000 }' >"$work/mixed"
    awk -v n="$length" 'BEGIN { srand(n); for (i = 0; i < n; i++) print int(rand() * 4) }' >"$work/equal"
    for order in up down mixed equal; do check "$length values, $order" in_order "$work/$order"; done
done
awk 'BEGIN { srand(1); for (i = 0; i < 100000; i++) printf "%.6f\n", rand() }' >"$work/many"
check "100000 values" in_order "$work/many"

cat >"$work/quantiles.awk" <<'END_OF_AWK'
{ add("it", $1) }
END { print median("it"), quantile("it", 0.25), quantile("it", 0), quantile("it", 1) }
END_OF_AWK
quantiles() { printf '%s\n' "$@" | awk -f "$source/scripts/quantile.awk" -f "$work/quantiles.awk"; }
check "quantiles of an odd number" [ "$(quantiles 30 10 20 50 40)" == "30 20 10 50" ]
check "and of an even one, between two" [ "$(quantiles 40 10 30 20)" == "25 17.5 10 40" ]
conclude quantile_test
