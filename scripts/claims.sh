#!/usr/bin/env bash
# claims.sh RESULTS FINDINGS OUT: compares the seed's claims with what was measured here: confirmed,
# refuted, or not testable (an open question: answered). The tests are in claims.tsv: a bound of
# thresholds.tsv that must not be above the claimed one; a law of laws.tsv that must not be above it
# at some value; cells of sweep.tsv that must have an outcome; a finding that must be reproducible;
# what a MIN_BYTES may cost (cost.tsv: instructions, and time that can be distinguished from noise);
# and how long a prover may take at its best size, as a ratio to glibc (bench.tsv).
#
# A claim whose data are missing has no verdict: all such claims are named, and nothing is written
# (exit status 3).
set -euo pipefail
name=claims
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=script_common.sh
. "$here/script_common.sh"
want_arguments 3 3 'RESULTS FINDINGS OUT' "$@"
results=$1 findings=$2 out=$3
want_folder "$results" 'run make sweep'
want_table "$findings" 'run make findings' id reproducible
[[ ! -d $out ]] || die "$out: a folder: want a file"
for table in thresholds laws sweep; do want_table "$results/$table.tsv" 'run make sweep'; done
for table in cost bench; do want_table "$results/$table.tsv" 'run make bench'; done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk -F'\t' -v OFS='\t' -v results="$results" -v findings="$findings" "$(<"$here/costs.awk")"'
    BEGIN {
        while ((getline line < (results "/thresholds.tsv")) > 0) { split(line, f, "\t"); bound[f[1]] = f[2] }
        while ((getline line < (results "/laws.tsv")) > 0) { # "pool_threads=16,17" has a measurement for each value
            split(line, f, "\t"); n = split(f[3], value, ","); split(f[4], measured_at, ",")
            for (i = 1; i <= n && f[9] == "NA"; i++) {
                if (value[i] ~ /=/) { name = value[i]; sub(/=.*/, "", name) } else value[i] = name "=" value[i]
                law[f[1], value[i]] = measured_at[i]
            }
        }
        while ((getline line < (results "/sweep.tsv")) > 0) {
            split(line, f, "\t")
            outcome[f[1], f[2], f[3]] = f[4]
            said[f[1], f[2], f[3]] = f[4] " in " f[6] "/" f[5] " cycles" (f[4] == "corrupt" ? ": " f[11] : "")
            if (f[4] != "corrupt") said[f[1], f[2], f[3]] = f[4]
        }
        while ((getline line < findings) > 0) { split(line, f, "\t"); shown[f[1]] = f[4] }
        read_costs(results "/cost.tsv")
        while ((getline line < (results "/bench.tsv")) > 0) {
            split(line, f, "\t"); program = f[1]; sub(/-[0-9]+$/, "", program)
            if (!number(f[3])) continue
            if (!((program, f[2]) in least) || f[3] + 0 < least[program, f[2]]) least[program, f[2]] = f[3] + 0
            if (f[3] + 0 > most[program, f[2]]) most[program, f[2]] = f[3] + 0
        }
        print "claim", "seed_says", "measured", "verdict"
    }
    # Notes that the data of a test are missing, so there is no verdict. FILE: where they were looked
    # for.
    function missing(what, file) { absent = listed(absent, "no " what " in " file, ", ") }
    # Makes one test: sets measured, and returns whether the claim holds.
    # (gawk 5.2.1 frees an element twice that does not exist and is passed to a function: hence the "".)
    function holds(test,    word) {
        split(test, word, " ")
        if (word[1] == "bound") {
            measured = word[2] " safe from " bound[word[2]]
            if (bound[word[2]] != "none" && !number(bound[word[2]] "")) missing("bound of " word[2], results "/thresholds.tsv")
            return bound[word[2]] != "none" && bound[word[2]] + 0 <= word[3] + 0
        }
        if (word[1] == "law") {
            measured = word[2] " with " word[3] " safe from " law[word[2], word[3]]
            if (!number(law[word[2], word[3]] "")) missing("law of " word[2] " at " word[3], results "/laws.tsv")
            return law[word[2], word[3]] + 0 <= word[4] + 0
        }
        if (word[1] == "cell") {
            measured = word[2] " " word[3] " at " word[4] ": " said[word[2], word[3], word[4]]
            if (outcome[word[2], word[3], word[4]] !~ /^(clean|latent|stale|corrupt|crash|hang|refused)$/)
                missing("outcome of " word[2] " " word[3] " at " word[4], results "/sweep.tsv")
            return outcome[word[2], word[3], word[4]] == word[5]
        }
        if (word[1] == "cost") {
            if (!(word[2] in dearest) || !(0 in dearest)) { missing("instructions at MIN_BYTES " word[2], results "/cost.tsv"); return 0 }
            if (untimed[word[2]] != "") missing("interval of the time of " untimed[word[2]] " at MIN_BYTES " word[2], results "/cost.tsv")
            measured = "MIN_BYTES " word[2] " costs at most " sprintf("%.2f", 100 * (dearest[word[2]] - 1)) " % of the instructions (" dear[word[2]] "), "
            if (slowest[word[2]] > 1) measured = measured "and at least " sprintf("%.1f", 100 * (slowest[word[2]] - 1)) " % of the time (" slow[word[2]] ")"
            else measured = measured "and " not_told(word[2])
            return dearest[word[2]] <= word[3] + 0 && slowest[word[2]] <= 1
        }
        if (word[1] == "faster") {
            if (!((word[2], word[3]) in least)) missing("time of " word[2] " with " word[3], results "/bench.tsv")
            measured = word[2] " with " word[3] " takes " least[word[2], word[3]] " to " most[word[2], word[3]] " of the time with glibc, by size"
            return least[word[2], word[3]] <= word[4] + 0
        }
        if (word[1] != "finding" && word[1] != "answered") { missing("test named " word[1], FILENAME); return 0 }
        if (shown[word[2]] !~ /^(yes|no)/) missing("finding " word[2], findings)
        measured = word[2] ": " shown[word[2]]
        if (word[1] == "answered") answered = 1
        return shown[word[2]] ~ /^yes/
    }
    FNR > 1 {
        if ($3 ~ /^NA /) {
            reason = substr($3, 4)
            print $1, $2, reason, reason ~ /^refuted/ ? "refuted" : "not testable"
            next
        }
        all = absent = ""; verdict = "confirmed"; answered = 0
        tests = split($3, test, "; ")
        for (i = 1; i <= tests; i++) {
            if (!holds(test[i])) verdict = "refuted"
            all = all (i > 1 ? "; " : "") measured
        }
        if (absent != "") { incomplete = 1; print "claims: no data for " $1 ": " absent >"/dev/stderr" }
        print $1, $2, all, answered ? "answered" : verdict
    }
    END { exit incomplete ? 3 : 0 }' "$here/claims.tsv" >"$work/claims.tsv"
publish_as "$work/claims.tsv" "$out"
