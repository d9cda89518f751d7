#!/usr/bin/env bash
# sweep_test.sh BUILD SOURCE [SANITIZER]: the sweep's tables and their invariants, and how it
# behaves when interrupted. Under a sanitizer, only the profiles in which nothing may go wrong are
# run.
set -uo pipefail
part=()
[[ -z ${3:-} ]] || part=(--profile "pinned,system")
sweep=$1/sweep/zk-sweep bodies=$1/repro/harness_tests source=$2
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"

# A sweep gives the committed tables, byte for byte.
check "sweep" "$sweep" "${part[@]}" --out "$work/a" >"$work/report"
if [[ -d $source/results && ${#part[@]} -eq 0 ]]; then
    for table in sweep thresholds matrix laws; do
        check "results/$table.tsv is not what a sweep gives: make findings" \
            diff "$source/results/$table.tsv" "$work/a/$table.tsv"
    done
fi

# So it does with one job at a time, and when shards are merged. A selection of repros is enough
# here: some of them hang, and some have many threads.
some=("${part[@]}" --only '[hinp]*[!e]')
check "one job" "$sweep" "${some[@]}" --jobs 1 --out "$work/one" >/dev/null
selected() { awk -F'\t' 'NR == 1 || $1 ~ /^[hinp].*[^e]$/' "$1"; }
for table in sweep thresholds matrix laws; do
    selected "$work/a/$table.tsv" >"$work/selected.tsv"
    check "$table.tsv: the number of jobs makes a difference" diff "$work/selected.tsv" "$work/one/$table.tsv"
done
for shard in 1 2 3; do
    check "shard $shard" "$sweep" "${some[@]}" --shard $shard/3 --out "$work/shard$shard" >/dev/null
done
check "merge" "$sweep" --out "$work/merged" --merge "$work"/shard3 "$work"/shard1 "$work"/shard2
check "merged shards differ from one sweep" diff -r "$work/one" "$work/merged"

# The tables: shape, order, no stray spaces, no addresses.
for table in "$work"/a/*.tsv; do
    check "$table: rows of different length" awk -F'\t' 'NR == 1 { n = NF } NF != n { exit 1 }' "$table"
    check "$table: spaces around a field" bash -c "! grep -qP '(^|\t) | (\t|$)|\r' '$table'"
    check "$table: an empty field" bash -c "! grep -qP '(^|\t)(\t|$)' '$table'"
    check "$table: an address" bash -c "! grep -qE '0x[0-9a-f]{6,}' '$table'"
    check "$table: rows twice" bash -c "[[ -z \$(sort '$table' | uniq -d) ]]"
done

# The control (system) must be clean; pinned must be clean, refused or skipped. The exception is
# stale_secret: pinned keeps live blocks, but dead ones can still be read.
check "system is not clean everywhere" awk -F'\t' 'NR > 1 && $7 !~ /^(clean|skip)$/ { exit 1 }' "$work/a/matrix.tsv"
check "pinned is not clean or refused everywhere" \
    awk -F'\t' 'NR > 1 && $1 != "stale_secret" && $6 !~ /^(clean|refused|skip)$/ { exit 1 }' "$work/a/matrix.tsv"
# Harm is monotone in MIN_BYTES, and ends at the observed bound, to the byte.
check "harm at or above the observed bound, or none below it" awk -F'\t' '
    FNR == 1 { file++; next }
    file == 1 { bound[$1] = $2; next }
    $2 == "route" && bound[$1] != "NA" {
        harm = $4 ~ /^(stale|corrupt|crash|hang)$/
        safe = bound[$1] != "none" && $3 + 0 >= bound[$1] + 0
        if (harm == safe) { print $1, $3, $4, bound[$1]; bad = 1 }
    }
    END { exit bad }' "$work/a/thresholds.tsv" "$work/a/sweep.tsv"
# All three bounds are measured, and observed <= touched <= guaranteed; "none" is above any number.
if [[ ${#part[@]} -eq 0 ]]; then
    check "bounds missing or out of order" awk -F'\t' '
        function value(bound) { return bound == "none" ? 2 ^ 53 : bound ~ /^[0-9]+$/ ? bound + 0 : -1 }
        NR > 1 && !(value($2) >= 0 && value($2) <= value($3) && value($3) <= value($4)) { print; bad = 1 }
        END { exit bad || NR < 2 }' "$work/a/thresholds.tsv"
    # The guaranteed bounds are the sizes of the structures, plus 1.
    for bound in injector_block:1521 injector_foreign_thread:1521 refcount_header:16401 hash_table_retained:34833 \
        span_registry_pages:49153 epoch_bags:2073 pool_built_in_phase:2105 pooled_hash_table:2193; do
        check "$bound is not its guaranteed bound" \
            grep -qP "^${bound%:*}\t[^\t]*\t[^\t]*\t${bound#*:}\t" "$work/a/thresholds.tsv"
    done
    most=$(awk -F'\t' 'NR > 1 && $4 ~ /^[0-9]+$/ && $4 + 0 > most { most = $4 + 0; slug = $1 } END { print most, slug }' \
        "$work/a/thresholds.tsv")
    check "the recommendation is not the largest guaranteed bound: $most" \
        grep -q "^These workloads need MIN_BYTES >= ${most% *}: .*${most#* } forces\? it" "$work/report"
    "$sweep" --only 'span*' >"$work/spans"
    line=$(grep -n 'zk_calloc\|zk_malloc' "$source/repro/models/span_slab.c" | cut -d: -f1 | paste -sd'|')
    check "the recommendation names no site" grep -qE "49152 bytes.*\(span_slab.c:($line)\)" "$work/spans"
fi
check "a progress bar in a pipe" bash -c "! '$sweep' --only guard_escape 2>&1 | grep -q '\\['"

# Options.
want 0 '^guard_escape	route	1521$' "$sweep" --list
want 0 'clean' "$sweep" --only 'guard*' --profile pinned,system
want 2 'no repro that matches' "$sweep" --only 'nothing*'
want 2 'profile most: want' "$sweep" --profile most
want 2 'min-bytes 1x: want' "$sweep" --min-bytes 1x
want 2 'shard 3/2: want' "$sweep" --shard 3/2
want 2 'jobs 0: want' "$sweep" --jobs 0
want 2 'too many' "$sweep" more
want 2 'no-such-folder' "$sweep" --repro-dir "$work/no-such-folder"
want 2 'want --out' "$sweep" --merge "$work/a"
want 2 'sweep.tsv' "$sweep" --out "$work/m" --merge "$work/nothing"

# An outcome that its repro does not declare is named, and fails the sweep.
mkdir "$work/bodies"
cp "$bodies/body_clean" "$work/bodies/"
want 0 'clean' "$sweep" --repro-dir "$work/bodies"
cat >"$work/bodies/liar" <<EOF
#!/bin/sh
[ "\$1" = --describe ] && exec sed '/expect/s/clean/corrupt/' "$work/described"
exec "$bodies/body_clean" "\$@"
EOF
"$bodies/body_clean" --describe >"$work/described"
chmod +x "$work/bodies/liar"
want 1 'body_clean --profile none: expected corrupt, got clean' "$sweep" --repro-dir "$work/bodies"

# An interrupted sweep leaves no child and no table.
mkdir "$work/slow"
cp "$bodies/body_hang" "$work/slow/"
survivors() { pgrep -f "$work/slow/body_hang --tsv" >/dev/null; }
"$sweep" --repro-dir "$work/slow" --timeout 60000 --out "$work/none" >/dev/null 2>"$work/said" &
victim=$!
for _ in $(seq 100); do
    survivors && break
    sleep 0.05
done
check "the slow sweep did not start" survivors
kill -INT $victim
wait $victim
status=$?
check "interrupted sweep: exit $status, want 130" test $status -eq 130
sleep 0.2
none_survive() { ! survivors; }
check "children survive an interrupted sweep" none_survive
check "an interrupted sweep wrote tables" test ! -e "$work/none"

conclude sweep_test
