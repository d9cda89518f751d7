#!/usr/bin/env bash
# findings.sh BUILD RESULTS OUT: writes the findings: a row for each one that a repro's descriptor
# names, with what the sweep measured. OUT is written completely or not at all: if data are missing,
# the finding is named, and nothing is written (exit status 3).
set -euo pipefail
name=findings
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=script_common.sh
. "$here/script_common.sh"
want_arguments 3 3 'BUILD RESULTS OUT' "$@"
build=$1 results=$2 out=$3
want_folder "$build" 'run make build'
want_folder "$results" 'run make sweep'
[[ ! -d $out ]] || die "$out: a folder: want a file"
want_table "$results/sweep.tsv" 'run make sweep' repro profile min_bytes outcome cycles corrupt_cycles
want_table "$results/thresholds.tsv" 'run make sweep' repro observed_min touched_min guaranteed_min seed_claim verdict
want_table "$results/matrix.tsv" 'run make sweep' repro none flush route seed pinned system
want_table "$results/soundness.tsv" 'run make soundness'
want_program "$build/sweep/zk-audit"

header="id category description reproducible severity fix_status min_bytes_observed min_bytes_touched"
header+=" min_bytes_guaranteed none seed pinned repro"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

outcomes='clean|latent|stale|corrupt|crash|hang|refused|skip'
want_outcome() { # want_outcome OUTCOME WHAT
    [[ $1 =~ ^($outcomes)$ ]] || no_data "$2 shows '$1', which is no outcome"
}

describe() {
    "$1" --describe >"$work/description" || no_data "$1 --describe fails"
    awk -F'\t' -v OFS='\t' -v slug="$(basename "$1")" \
        '$1 == "finding" { print slug, $2, $3, $4, $5, $6, $7, $8, $9 }' "$work/description"
}
tail -n +2 "$results/matrix.tsv" | cut -f1 | while read -r slug; do
    want_program "$build/repro/$slug"
    describe "$build/repro/$slug"
done >"$work/described"
described=$(<"$work/described")
[[ -n $described ]] || no_data "no repro of $results/matrix.tsv has a finding"

# Findings of the repros, with what the sweep measured.
of_repros() {
    awk -F'\t' -v OFS='\t' -v results="$results" '
        BEGIN {
            while ((getline line < (results "/matrix.tsv")) > 0) {
                split(line, f, "\t"); none[f[1]] = f[2]; seed[f[1]] = f[5]; pinned[f[1]] = f[6]
            }
            while ((getline line < (results "/thresholds.tsv")) > 0) {
                split(line, f, "\t"); bounds[f[1]] = f[2] OFS f[3] OFS f[4]
            }
            # each profile at its own MIN_BYTES
            own["none"] = own["flush"] = own["pinned"] = 0; own["route"] = own["seed"] = 4096; own["system"] = "NA"
            while ((getline line < (results "/sweep.tsv")) > 0) {
                split(line, f, "\t")
                if (f[3] == own[f[2]]) {
                    outcome[f[1], f[2]] = f[4]; cycles[f[1], f[2]] = f[5]; corrupt[f[1], f[2]] = f[6]
                }
            }
        }
        function no_data(what) { print "findings: no data: " what >"/dev/stderr"; failed = 1; exit 3 }
        function reproducible(slug, profile, shown_by,    o) {
            o = outcome[slug, profile]
            if (o == "") no_data("no row " slug " " profile " " own[profile] " in " results "/sweep.tsv")
            if (index("," shown_by ",", "," o ",") == 0) return "no (" o ")"
            if (o == "corrupt") return "yes " corrupt[slug, profile] "/" cycles[slug, profile]
            if (o == "clean") return "yes " cycles[slug, profile] "/" cycles[slug, profile]
            return "yes (" o ")"
        }
        $9 == "-" {
            if (!($1 in bounds)) no_data("no row " $1 " in " results "/thresholds.tsv")
            print $2, $3, $4, reproducible($1, $7, $8), $5, $6, bounds[$1], none[$1], seed[$1], pinned[$1], $1
        }' <<<"$described"
}

# largest REPRO ARGUMENTS AUDIT: one more than the largest block that the audit finds when all
# blocks are in the arena; 0 if none.
largest() {
    # shellcheck disable=SC2086 # words
    { "$build/repro/$1" $2 --profile route --min-bytes 0 --audit "$3" --tsv </dev/null 2>/dev/null || true; } | awk -F'\t' '
        $4 == "clean" { print 0 }
        $4 == "latent" { print $10 + 1 }
        $4 == "stale" { match($11, /[0-9]+/); print substr($11, RSTART, RLENGTH) + 1 }'
}

# has_bounds SLUG: false if the harm does not come from retained blocks, so that no audit sees it.
has_bounds() {
    awk -F'\t' -v slug="$1" '$1 == slug { found = $4 != "none" } END { exit !found }' "$results/thresholds.tsv"
}

# put_finding COMMAND TOUCHED GUARANTEED REPRO: the row of a finding that runs of COMMAND show, with
# their outcomes; its other fields are in the variables into which they were read.
put_finding() {
    local shown="no (${outcome[$profile]})"
    [[ ",$shown_by," != *",${outcome[$profile]},"* ]] || shown="yes (${outcome[$profile]}): $1"
    printf '%s\t' "$id" "$category" "$description" "$shown" "$severity" "$fix_status" NA "$2" "$3" \
        "${outcome[none]}" "${outcome[seed]}" "${outcome[pinned]}"
    echo "$4"
}

# Findings that a variant of a repro shows, which is run here. A bound that was not bisected is NA.
of_variants() {
    awk -F'\t' '$9 != "-"' <<<"$described" |
        while IFS=$'\t' read -r slug id category description severity fix_status profile shown_by arguments; do
            local -A outcome=()
            local each
            for each in none seed pinned "$profile"; do
                # shellcheck disable=SC2086 # words
                outcome[$each]=$({ "$build/repro/$slug" $arguments --profile "$each" --tsv </dev/null 2>/dev/null || true; } | cut -f4)
                want_outcome "${outcome[$each]}" "$slug $arguments --profile $each"
            done
            local touched=NA guaranteed=NA
            if has_bounds "$slug"; then
                touched=$(largest "$slug" "$arguments" trap) guaranteed=$(largest "$slug" "$arguments" census)
            fi
            put_finding "$slug $arguments" "$touched" "$guaranteed" "$slug"
        done
}

# Findings of the stress programs, each run at full length in three profiles.
of_stress() {
    local program slug profile outcome any=no
    for program in "$build"/stress/*; do
        [[ -f $program && -x $program ]] || continue
        slug=$(basename "$program")
        "$program" --describe 2>/dev/null | grep -q '^finding' || continue
        any=yes
        describe "$program" >"$work/stress_described"
        for profile in none seed pinned; do
            "$program" --profile "$profile" --tsv >"$work/run" 2>/dev/null </dev/null || true
            outcome=$(cut -f4 "$work/run")
            want_outcome "$outcome" "$slug --profile $profile"
            awk -F'\t' -v OFS='\t' '{ print "run", $2, $4, $5, $6 }' "$work/run"
        done >"$work/stress_runs"
        awk -F'\t' -v OFS='\t' -v slug="$slug" '
            $1 == "run" { outcome[$2] = $3; cycles[$2] = $4; corrupt[$2] = $5; next }
            { o = outcome[$7]
              shown = "yes (" o ")"
              if (o == "corrupt") shown = "yes " corrupt[$7] "/" cycles[$7]
              if (index("," $8 ",", "," o ",") == 0) shown = "no (" o ")"
              print $2, $3, $4, shown, $5, $6, "NA", "NA", "NA", outcome["none"], outcome["seed"], outcome["pinned"], slug }' \
            "$work/stress_runs" "$work/stress_described"
    done
    [[ $any == yes ]] || no_data "$build/stress: no program with a finding: run make build"
}

# Findings of the provers: runs each command in the profiles, and checks that the deciding one shows
# the finding.
of_provers() {
    local id category description severity fix_status profile shown_by command
    tail -n +2 "$here/findings_provers.tsv" |
        while IFS=$'\t' read -r id category description severity fix_status profile shown_by command; do
            local -A outcome=()
            local each
            for each in none seed pinned; do
                # shellcheck disable=SC2086 # words
                outcome[$each]=$("$here/prover_outcome.sh" "$build" "$each" $command </dev/null) || no_data "$command in profile $each"
                want_outcome "${outcome[$each]}" "$command in profile $each"
            done
            put_finding "$command" NA NA "${command%% *}"
        done
}

# What becomes of proofs when their prover's memory is damaged, as the campaign counted it (make
# soundness).
of_damage() {
    awk -F'\t' -v OFS='\t' -v results="$results" '
        BEGIN {
            while ((getline line < (results "/soundness.tsv")) > 0) {
                split(line, f, "\t")
                if (f[1] == "sum" && f[2] f[3] f[4] f[5] f[6] == "allallallallall") for (i = 7; i <= 13; i++) n[i] = f[i]
                if (f[1] != "control" || f[14] ~ /by accident/) continue
                controls++; found += f[12]
                if (f[7] > most + 0) most = f[7] + 0
            }
            line = "Can damaged memory of a prover yield a proof that verifies for something false? (Open in the seed.) " n[7] \
                " proofs of four provers, damaged as phase bugs do it, or by one that lies; as a control, " controls \
                " verifiers without one of their checks"
            shown = n[12] > 0 ? "yes: " n[12] " verify for a false claim" : "no: 0 verify for a false claim (95 %: at most " n[13] ")"
            shown = shown ", " n[8] " are refused, " n[9] " were not made, " n[10] " are unchanged, " n[11] " differ and are true; " \
                found " of the broken verifiers accept a false one, after at most " most ": make soundness"
            if (n[7] == "") {
                print "findings: no data: " results "/soundness.tsv has no sum: run make soundness" >"/dev/stderr"
                exit 3
            }
            print "Z22", "soundness", line, shown, "high", \
                "the verifier rejects what is wrong; a proof that is not made, or rejected, is lost", \
                "NA", "NA", "NA", "NA", "NA", "NA", "soundness"
        }'
}

# Findings about the tables themselves, and findings that nothing here can show yet.
of_tables() {
    tail -n +2 "$here/findings_other.tsv" | awk -F'\t' -v OFS='\t' -v results="$results" "$(<"$here/costs.awk")"'
        BEGIN {
            while ((getline line < (results "/matrix.tsv")) > 0) {
                split(line, f, "\t")
                if (f[1] == "repro") continue
                rows++; held += f[6] == "clean" || f[6] == "refused"
            }
            while ((getline line < (results "/thresholds.tsv")) > 0) {
                split(line, f, "\t")
                if (f[6] == "refuted") refuted++
                if (f[6] == "refuted" || f[6] == "confirmed") tested++
            }
            read_costs(results "/cost.tsv")
        }
        {
            shown = $6
            if ($6 == "pinned") shown = "no: pinned is clean or refused in " held "/" rows " rows of the matrix"
            if ($6 == "thresholds") shown = "no: " refuted "/" tested " bounds are above what is claimed"
            # The cost of routing at 4096: counted in instructions; and in time, where that can be
            # distinguished from noise.
            if ($6 == "cost" && !(4096 in dearest)) shown = "NA: needs results/cost.tsv (make bench)"
            if ($6 == "cost" && 4096 in dearest) {
                shown = (dearest[4096] <= 1.01 && slower[4096] == "" && untimed[4096] == "" ? "yes" : "no") ": at 4096 at most " \
                    sprintf("%+.2f", 100 * (dearest[4096] - 1)) " % of the instructions (" dear[4096] "), and " \
                    (slower[4096] != "" ? "a time that is certainly longer (" slower[4096] ")" : \
                     untimed[4096] != "" ? "times that were not measured" : not_told(4096))
            }
            print $1, $2, $3, shown, $4, $5, "NA", "NA", "NA", "NA", "NA", "NA", "NA"
        }'
}

# Each part first goes into a file of its own: if one fails, the script ends.
for part in repros variants stress provers damage tables; do of_$part >"$work/of_$part"; done
{
    tr ' ' '\t' <<<"$header"
    # F1, F1a, F1b, F2, ... then Z1, ...
    cat "$work"/of_* |
        awk -F'\t' '{ match($1, /[0-9]+/); printf "%s%03d%s\t%s\n", substr($1, 1, 1), substr($1, RSTART, RLENGTH),
                      substr($1, RSTART + RLENGTH), $0 }' | LC_ALL=C sort | cut -f2-
} >"$work/findings.tsv"
want_table "$work/findings.tsv" "written here"
publish_as "$work/findings.tsv" "$out"
