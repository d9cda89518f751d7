#!/usr/bin/env bash
# claims.sh RESULTS FINDINGS OUT: what the seed claims, beside what was measured here: confirmed, refuted, or
# not testable (an open question: answered). The tests are in claims.tsv: a bound of thresholds.tsv that must not be
# above the claimed one, a law of laws.tsv that must not be at a value, cells of sweep.tsv that must have an outcome, a finding that must be reproducible, what a
# MIN_BYTES may cost (cost.tsv), and how long a prover may take at its best size, to glibc (bench.tsv).
set -euo pipefail
[[ $# -eq 3 ]] || { echo "claims.sh: want RESULTS FINDINGS OUT" >&2; exit 2; }
results=$1 findings=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
temporary=$(mktemp "$out.XXXXXX")
trap 'rm -f "$temporary"' EXIT

awk -F'\t' -v OFS='\t' -v results="$results" -v findings="$findings" '
    BEGIN {
        while ((getline line < (results "/thresholds.tsv")) > 0) { split(line, f, "\t"); bound[f[1]] = f[2] }
        while ((getline line < (results "/laws.tsv")) > 0) { # "pool_threads=16,17": what was measured at each
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
        while ((getline line < (results "/cost.tsv")) > 0) {
            split(line, f, "\t")
            if (f[3] + 0 > dearest[f[2]] + 0) { dearest[f[2]] = f[3]; dear[f[2]] = f[1] }
        }
        while ((getline line < (results "/bench.tsv")) > 0) {
            split(line, f, "\t"); program = f[1]; sub(/-[0-9]+$/, "", program)
            if (f[3] !~ /^[0-9]/) continue
            if (!((program, f[2]) in least) || f[3] + 0 < least[program, f[2]]) least[program, f[2]] = f[3] + 0
            if (f[3] + 0 > most[program, f[2]]) most[program, f[2]] = f[3] + 0
        }
        print "claim", "seed_says", "measured", "verdict"
    }
    # One test; sets measured, and returns whether it holds.
    function holds(test,    word) {
        split(test, word, " ")
        if (word[1] == "bound") {
            measured = word[2] " safe from " bound[word[2]]
            return bound[word[2]] != "none" && bound[word[2]] + 0 <= word[3] + 0
        }
        if (word[1] == "law") {
            measured = word[2] " with " word[3] " safe from " law[word[2], word[3]]
            return ((word[2], word[3]) in law) && law[word[2], word[3]] + 0 <= word[4] + 0
        }
        if (word[1] == "cell") {
            measured = word[2] " " word[3] " at " word[4] ": " said[word[2], word[3], word[4]]
            return outcome[word[2], word[3], word[4]] == word[5]
        }
        if (word[1] == "cost") {
            measured = "MIN_BYTES " word[2] " costs at most " sprintf("%.1f", 100 * (dearest[word[2]] - 1)) " % (" dear[word[2]] ")"
            return (word[2] in dearest) && dearest[word[2]] <= word[3] + 0
        }
        if (word[1] == "faster") {
            measured = word[2] " with " word[3] " takes " least[word[2], word[3]] " to " most[word[2], word[3]] " of the time with glibc, by size"
            return ((word[2], word[3]) in least) && least[word[2], word[3]] <= word[4] + 0
        }
        measured = word[2] ": " shown[word[2]]
        if (word[1] == "answered") answered = shown[word[2]] != ""
        return shown[word[2]] ~ /^yes/
    }
    FNR > 1 {
        if ($3 ~ /^NA /) {
            reason = substr($3, 4)
            print $1, $2, reason, reason ~ /^refuted/ ? "refuted" : "not testable"
            next
        }
        all = ""; verdict = "confirmed"; answered = 0
        tests = split($3, test, "; ")
        for (i = 1; i <= tests; i++) {
            if (!holds(test[i])) verdict = "refuted"
            all = all (i > 1 ? "; " : "") measured
        }
        print $1, $2, all, answered ? "answered" : verdict
    }' "$here/claims.tsv" >"$temporary"
chmod 644 "$temporary"
mv "$temporary" "$out"
