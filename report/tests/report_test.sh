#!/usr/bin/env bash
# report_test.sh BUILD SOURCE: the report's page: two runs give the same bytes; it is written
# completely or not at all; it is self-contained and well-formed; data is escaped; missing tables
# are mentioned.
set -uo pipefail
build=$1 source=$2
# shellcheck source=scripts/test_helpers.sh
. "$source/scripts/test_helpers.sh"

report() { # report RESULTS FINDINGS OUT OPTION...
    "$build/report/zk-report" --results "$1" --findings "$2" --programs "$build/repro" --sources "$source/repro" --out "$3" "${@:4}"
}
page=$work/page.html
check "a page" report "$source/results" "$source/findings.tsv" "$page"
check "a page again" report "$source/results" "$source/findings.tsv" "$work/again.html"
check "two runs, the same bytes" cmp "$page" "$work/again.html"
check "below 2 MB" test "$(stat -c %s "$page")" -lt 2000000

# Self-contained: there is nothing that a browser would fetch.
! grep -qE '<(link|img|iframe|script[^>]* src)|url\(|@import' "$page" || fail "the page asks for something else"
checks=$((checks + 1))

# Every row and every cell is there, and so is what each opens.
missing=0
while IFS=$'\t' read -r slug none flush route seed pinned system; do
    for cell in "none $none" "flush $flush" "route $route" "seed $seed" "pinned $pinned" "system $system"; do
        profile=${cell% *} outcome=${cell#* }
        grep -q "class=\"o $outcome.*href=\"#cell-$slug-$profile\"" "$page" || missing=$((missing + 1))
        grep -q "id=\"cell-$slug-$profile\"" "$page" || missing=$((missing + 1))
        grep -q "build/repro/$slug --profile $profile<" "$page" || missing=$((missing + 1))
    done
done < <(tail -n +2 "$source/results/matrix.tsv")
check "each cell of matrix.tsv with its outcome, its panel and its command: $missing missing" test "$missing" -eq 0
missing=0
while read -r id; do grep -q "id=\"finding-$id\"" "$page" || missing=$((missing + 1)); done < <(tail -n +2 "$source/findings.tsv" | cut -f1)
while read -r id; do grep -q "id=\"claim-$id\"" "$page" || missing=$((missing + 1)); done < <(tail -n +2 "$source/results/claims.tsv" | cut -f1)
check "each finding and claim: $missing missing" test "$missing" -eq 0

# The repros above a limit are listed without script too; a MIN_BYTES equal to the bound is enough.
above() { grep -o "above limit $1\".*</p>" "$page" | grep -oE "<b class=\"(bytes|count)\">[0-9]+" | grep -oE "[0-9]+$" | paste -sd" "; }
count_above() { tail -n +2 "$source/results/thresholds.tsv" | awk -F"\t" -v limit="$1" "\$4 != \"none\" && \$4 > limit" | wc -l; }
largest=$(tail -n +2 "$source/results/thresholds.tsv" | cut -f4 | grep -v none | sort -n | tail -n 1)
check "above 512" test "$(above a)" = "512 $(count_above 512)"
check "above 4096" test "$(above b)" = "4096 $(count_above 4096)"
check "above the largest, nothing: $(above c)" test "$(above c)" = "$largest 0"

# Each link has its target, and each id occurs once.
check "links without an end" test -z "$(comm -23 <(grep -oE 'href="#[^"]+"' "$page" | sed 's/href="#//; s/"//' | grep -v '^_$' | sort -u) \
    <(grep -oE ' id="[^"]+"' "$page" | sed 's/ id="//; s/"//' | sort -u))"
check "an id twice" test -z "$(grep -oE ' id="[^"]+"' "$page" | sort | uniq -d)"
check "all links go to the page itself" test -z "$(grep -oE 'href="[^#][^"]*"' "$page")"

# Data is escaped: every field of these tables would be markup.
evil='<script>alert(1)</script>&"'"'"
mkdir "$work/evil"
cp "$source"/results/{sweep,matrix,thresholds,claims,laws,cost,bench}.tsv "$work/evil"
awk -F'\t' -v OFS='\t' -v evil="$evil" 'NR > 1 { $3 = $3 evil; $5 = "high" } 1' "$source/findings.tsv" >"$work/evil/findings.tsv"
awk -F'\t' -v OFS='\t' -v evil='<b onclick="x">&' 'NR > 1 { $2 = "<i>"; $3 = "\"><script>" } 1' "$source/results/claims.tsv" >"$work/evil/claims.tsv"
sed '2,$s/^\([^\t]*\)/<script>"'"'"'\1/' "$source/results/bench.tsv" >"$work/evil/bench.tsv"
awk -F'\t' -v OFS='\t' 'NR > 1 && $11 != "NA" { $11 = "\"><script>\xff\x01" } 1' "$source/results/sweep.tsv" >"$work/evil/sweep.tsv"
check "a page of markup" report "$work/evil" "$work/evil/findings.tsv" "$work/evil.html"
check "one script, the page's own" test "$(grep -c '<script' "$work/evil.html")" -eq 1
check "and it is shown" grep -q '&lt;script&gt;alert(1)&lt;/script&gt;&amp;' "$work/evil.html"
check "what is no UTF-8 is shown as such" iconv -f UTF-8 -t UTF-8 -o "$work/iconv" "$work/evil.html"
want 0 'Not there: <code>results/bench_memory.tsv</code>. It is made by <code>make bench</code>' grep -h 'Not there' "$work/evil.html"

# A repro that cannot run is not counted as harmed; the answer and the matrix have the same count.
harmed_by_seed() { # in the answer, and in the head of the matrix, whose columns are none, flush, route, seed
    { grep -oE "<b>[0-9]+ / [0-9]+</b><span>harmed by the seed" "$1" | grep -oE "[0-9]+" | head -n 1
        grep -oE "class=\"profile harmed\">[0-9]+" "$1" | sed -n 4p | grep -oE "[0-9]+"; } | paste -sd' '
}
mkdir "$work/skip"
cp "$source/results/thresholds.tsv" "$work/skip"
awk -F'\t' -v OFS='\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seed") seed = i } $1 == "buffered_writer" { $seed = "skip" } 1' "$source/results/matrix.tsv" >"$work/skip/matrix.tsv"
awk -F'\t' -v OFS='\t' '$1 == "buffered_writer" && $2 == "seed" { $4 = "skip" } 1' "$source/results/sweep.tsv" >"$work/skip/sweep.tsv"
check "a page with a repro that cannot run" report "$work/skip" "$source/findings.tsv" "$work/skip.html"
harmed=$(harmed_by_seed "$page")
check "the answer is what the matrix has: $harmed" test "$harmed" = "${harmed% *} ${harmed% *}"
check "one less is harmed" test "$(harmed_by_seed "$work/skip.html")" = "$((${harmed% *} - 1)) $((${harmed% *} - 1))"

# A file that cannot be read is named, and the page is unchanged.
cp "$page" "$work/kept.html"
want 2 'zk-report: .*matrix.tsv: not there: run make sweep' report "$work/tmp" "$source/findings.tsv" "$work/kept.html"
head -c 20000 "$source/results/sweep.tsv" >"$work/evil/sweep.tsv"
want 2 'sweep.tsv: row [0-9]+ has [0-9]+ fields, and the header 11' report "$work/evil" "$source/findings.tsv" "$work/kept.html"
cp "$source/results/sweep.tsv" "$work/evil/"
sed '2s/\tcorrupt\t/\tcrash\t/' "$source/results/matrix.tsv" >"$work/evil/matrix.tsv"
want 2 'matrix.tsv has crash for .*, and sweep.tsv has corrupt: run make sweep' report "$work/evil" "$source/findings.tsv" "$work/kept.html"
sed '2s/^/..\/x/' "$source/results/matrix.tsv" >"$work/evil/matrix.tsv"
want 2 'repro \.\./x.*: want a name of small letters' report "$work/evil" "$source/findings.tsv" "$work/kept.html"
want 2 'page.html: No such file or directory: want a file that can be written' report "$source/results" "$source/findings.tsv" "$work/nowhere/page.html"
check "the page that was there is whole" cmp "$page" "$work/kept.html"
if [[ -e /dev/full ]]; then
    ln -s /dev/full "$work/full.html.part"
    want 2 'full.html: No space left on device: it is not written' report "$source/results" "$source/findings.tsv" "$work/full.html"
    check "nothing half-written" test ! -e "$work/full.html"
fi
want 2 'want --results, --findings' "$build/report/zk-report" --results x
want 0 'usage: zk-report' "$build/report/zk-report" --help

# The picture has as many cells as the matrix.
picture=$work/matrix.svg
for file in "$picture" "$work/again.svg"; do
    check "a picture" report "$source/results" "$source/findings.tsv" "$work/again.html" --picture "$file"
done
check "the same picture twice" cmp "$picture" "$work/again.svg"
for outcome in clean corrupt crash hang latent refused; do
    check "$outcome in the picture" test "$(grep -c "<g class=\"o $outcome\">" "$picture")" -eq "$(tail -n +2 "$source/results/matrix.tsv" | grep -ow "$outcome" | wc -l)"
done

if command -v tidy >/dev/null; then
    check "well-formed" tidy -q -e --drop-empty-elements no --custom-tags no "$page"
    check "the picture is well-formed" tidy -xml -q -e "$picture"
fi
conclude report_test
