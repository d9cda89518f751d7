#!/usr/bin/env bash
# findings_test.sh BUILD SOURCE: no finding's text names a bound that is not in the tables, or a
# bound without the release that it holds for. Texts come from the descriptors and from
# scripts/findings_*.tsv; the tables are results/thresholds.tsv and results/laws.tsv: the repro's
# rows, or all rows for a finding that belongs to no repro.
set -uo pipefail
build=$1 source=$2 checks=0 failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { failures=$((failures + 1)); echo "FAIL: $*"; }

# texts: for each finding its repro, its id and its text
texts() {
    local program
    for program in "$build"/repro/* "$build"/stress/*; do
        [[ -f $program && -x $program && $(basename "$program") != test_* ]] || continue
        "$program" --describe 2>/dev/null | awk -F'\t' -v OFS='\t' '
            $1 == "slug" { slug = $2 }
            $1 == "finding" { print slug, $2, $4 "; " $6 }'
    done
    awk -F'\t' -v OFS='\t' 'FNR > 1 { print "NA", $1, $3 "; " $5 }' "$source"/scripts/findings_*.tsv
}

# named: each number that the texts on stdin name as a bound and that the tables do not have. The
# seed's own claims are not checked, nor are numbers that are said not to be enough.
named() {
    awk -F'\t' -v results="$source/results" '
        BEGIN {
            release = "([A-Za-z][A-Za-z_-]* [0-9]+[.][0-9]|GCC [0-9])" # of any program; GCC has whole numbers
            while ((getline line < (results "/thresholds.tsv")) > 0) {
                split(line, f, "\t"); known[f[1]] = 1
                for (i = 2; i <= 4; i++) { has[f[1], f[i]] = 1; has["NA", f[i]] = 1 }
            }
            while ((getline line < (results "/laws.tsv")) > 0) {
                split(line, f, "\t"); n = split(f[4], b, ",")
                for (i = 1; i <= n; i++) { has[f[1], b[i]] = 1; has["NA", b[i]] = 1 }
            }
        }
        function look(text, before, after,    at, number) {
            while (match(text, before "[0-9]+" after)) {
                at = substr(text, RSTART, RLENGTH)
                text = substr(text, RSTART + RLENGTH)
                sub("^" before, "", at); number = at; sub(/[^0-9].*/, "", number)
                bounds++
                if (!((table, number) in has)) print $2 ": names " number ", which is no bound of " $1
            }
        }
        {
            table = $1 in known ? $1 : "NA"
            bounds = 0
            text = $3
            gsub(/seed.s (bound|default|threshold) of [0-9]+( for [0-9]+ spans)?/, "", text)
            gsub(/MIN_BYTES [0-9]+ and [0-9]+, said to be safe/, "", text)
            look(text, "MIN_BYTES (>= )?", "([^0-9 ]|$| [^x+])") # not part of a formula
            look(text, "from ", " on")
            look(text, "needs? ", "([^0-9 ]|$| [^x+])")
            look(text, "(bound|it) (is|of) ", "([^0-9]|$)")
            look(text, "", " (for [0-9u]|covers|is enough|saves)")
            if (bounds > 0 && $3 !~ release) print $2 ": names a bound, and no release that it is of"
        }' | sort -u
}

checks=$((checks + 1))
texts >"$work/texts"
[[ $(wc -l <"$work/texts") -ge 40 ]] || fail "only $(wc -l <"$work/texts") findings have a text"
checks=$((checks + 1))
wrong=$(named <"$work/texts")
[[ -z $wrong ]] || fail "findings name bounds that no table has: $wrong"

# A wrong bound is found, however it is worded.
says() { # says WANTED REPRO TEXT
    checks=$((checks + 1))
    got=$(printf '%s\tZ0\t%s\n' "$2" "$3" | named)
    [[ $got == "$1" ]] || fail "'$3': said '$got', want '$1'"
}
no() { echo "Z0: names $1, which is no bound of ${2:-pool_built_in_phase}"; }
of='(crossbeam-epoch 0.9.13)'
says "$(no 4096)" pool_built_in_phase "MIN_BYTES 2105 for these $of; 4096 covers them"
says "$(no 2106)" pool_built_in_phase "fixed by routing from MIN_BYTES 2106 on $of"
says "$(no 2106)" pool_built_in_phase "from 2106 on nothing is retained $of"
says "$(no 2103)" pool_built_in_phase "MIN_BYTES >= 2103 $of"
says "$(no 4095)" pool_built_in_phase "2105 for up to 16 workers, 4095 for 32 $of"
says "$(no 8192)" pool_built_in_phase "64 workers need 8192 $of"
says "$(no 4097 epoch_bags)" epoch_bags "fixed by routing from MIN_BYTES 4097 on $of"
says '' pool_built_in_phase "2105 for up to 16 workers, 4097 for 32; 64 need MIN_BYTES 8193 $of"
says '' pool_built_in_phase "workers need 128 x workers + 1, under the seed's default of 4096"
says '' pool_built_in_phase 'MIN_BYTES 512 and 1024, said to be safe, are not; 4096 is not enough from 32 workers on'
says '' NA 'fixed by routing from MIN_BYTES 6145 on (sharded-slab 0.1.4)'
says "$(no 6146 NA)" NA 'fixed by routing from MIN_BYTES 6146 on (sharded-slab 0.1.4)'
says 'Z0: names a bound, and no release that it is of' epoch_bags 'fixed by routing from MIN_BYTES 2073 on'

echo "findings_test: $checks checks, $failures failed"
[[ $failures -eq 0 ]]
