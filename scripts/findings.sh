#!/usr/bin/env bash
# findings.sh BUILD RESULTS OUT: writes the findings, one row for each that a repro's descriptor names, with
# what the sweep measured. Written to a temporary file first: OUT is whole or untouched.
set -euo pipefail

[[ $# -eq 3 ]] || { echo "findings.sh: want BUILD RESULTS OUT" >&2; exit 2; }
build=$1 results=$2 out=$3
for table in sweep thresholds matrix; do
    [[ -f $results/$table.tsv ]] || { echo "findings.sh: $results/$table.tsv: not there: run make sweep" >&2; exit 2; }
done

header="id category description reproducible severity fix_status min_bytes_observed min_bytes_touched"
header+=" min_bytes_guaranteed none seed pinned repro"
temporary=$(mktemp "$out.XXXXXX")
trap 'rm -f "$temporary"' EXIT

# repro id category description severity fix_status
rows() {
    cut -f1 "$results/matrix.tsv" | tail -n +2 | while read -r slug; do
        "$build/repro/$slug" --describe | awk -F'\t' -v OFS='\t' -v slug="$slug" \
            '$1 == "finding" { print slug, $2, $3, $4, $5, $6 }'
    done
}

{
    tr ' ' '\t' <<<"$header"
    rows | awk -F'\t' -v OFS='\t' -v results="$results" '
        BEGIN {
            while ((getline line < (results "/matrix.tsv")) > 0) {
                split(line, f, "\t"); none[f[1]] = f[2]; seed[f[1]] = f[5]; pinned[f[1]] = f[6]
            }
            while ((getline line < (results "/thresholds.tsv")) > 0) {
                split(line, f, "\t"); bounds[f[1]] = f[2] OFS f[3] OFS f[4]
            }
            # profile none at its own MIN_BYTES: the one at which the bug must show
            while ((getline line < (results "/sweep.tsv")) > 0) {
                split(line, f, "\t")
                if (f[2] == "none" && f[3] == "0") { cycles[f[1]] = f[5]; corrupt[f[1]] = f[6] }
            }
        }
        function reproducible(slug) {
            if (none[slug] == "corrupt") return "yes " corrupt[slug] "/" cycles[slug]
            if (none[slug] == "crash" || none[slug] == "hang" || none[slug] == "stale") return "yes (" none[slug] ")"
            return "no (" none[slug] ")"
        }
        { print $2, $3, $4, reproducible($1), $5, $6, bounds[$1], none[$1], seed[$1], pinned[$1], $1 }' |
        sort -V
} >"$temporary"
chmod 644 "$temporary"
mv "$temporary" "$out"
