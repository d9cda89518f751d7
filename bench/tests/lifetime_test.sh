#!/usr/bin/env bash
# lifetime_test.sh SOURCE BUILD ROW: the resident memory of one row of scripts/lifetimes.tsv, at the
# scale for tests, compared with glibc's: at most twice the row's targets. Nothing is timed.
set -euo pipefail
name=lifetime_test build=$2 row=$3
# shellcheck source=../../scripts/bench_common.sh
. "$1/scripts/bench_common.sh"
# shellcheck source=../../scripts/lifetime_common.sh
. "$here/lifetime_common.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

IFS=$'\t' read -r _ on chaos _ program arguments < <(rows_of test | awk -F'\t' -v row="$row" '$1 == row') ||
    die "$row: no such row in $lifetimes"
read -r -a words <<<"$arguments"
for allocator in glibc ${on//,/ }; do
    run_lifetime "$allocator" "$chaos" 100 "$program" "${words[@]}" || { echo "$name: $row: $why" >&2; exit 1; }
    printf '%s\n' "$row" "$allocator" 1 "${measured[@]}" | paste -s >>"$work/runs"
done
awk -v table=check -v factor=2 -v page_bytes="$(getconf PAGESIZE)" -f "$here/quantile.awk" -f "$here/verdict.awk" \
    -f "$here/lifetime_tables.awk" "$lifetime_targets" "$work/runs" >"$work/check"
cat "$work/check"
[[ -s $work/check ]] || { echo "$name: $row has no target of resident memory" >&2; exit 1; }
! grep -qv 'met$' "$work/check"
