#!/usr/bin/env bash
# no_data_test.sh SOURCE BUILD: if a table, a row or a program is missing on which a verdict would
# depend, no script gives a verdict: it exits with 3, names what is missing on stderr, and leaves
# older output unchanged.
set -uo pipefail
source=$1 build=$2
# shellcheck source=../test_helpers.sh
. "$source/scripts/test_helpers.sh"
cd "$source" || exit 3
scripts=$source/scripts

# A folder of complete tables: the committed ones, with made-up times for what they do not time.
fresh() {
    rm -rf "$work/results" "$work/out"
    mkdir "$work/results" "$work/out"
    cp results/*.tsv findings.tsv "$work/results"
    awk -F'\t' -v OFS='\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
        NR > 1 { $at["median_ratio"] = $at["low"] = "1.000"; $at["high"] = "1.010"; $at["rounds"] = 9 } 1' \
        results/cost.tsv >"$work/results/cost.tsv"
    echo before >"$work/out/out.tsv"
}
# no_verdict NAMED COMMAND...: exit 3, a line of output has NAMED in it, and OUT is unchanged.
no_verdict() {
    local named=$1
    shift
    want 3 "no data.*$named" "$@"
    check "$*: something was written" [ "$(find "$work/out" -type f -exec cat {} +)" = before ]
    check "$*: something is left behind" [ "$(find "$work/out" -mindepth 1 | wc -l)" -eq 1 ]
}
out=$work/out/out.tsv
claims() { "$scripts/claims.sh" "$work/results" "$work/results/findings.tsv" "$out"; }
readme() { "$scripts/readme.sh" "$work/results" "$work/readme"; }

# claims.sh: with all of its data it gives verdicts; if any are missing it names the claim.
fresh
want 0 '' claims
check "claims.sh writes no verdicts" grep -q $'\tconfirmed$' "$out"
for table in thresholds laws sweep cost bench; do
    fresh
    rm "$work/results/$table.tsv"
    no_verdict "$table.tsv" claims
    head -1 "results/$table.tsv" >"$work/results/$table.tsv"
    no_verdict "$table.tsv: no rows" claims
done
without() { # without TABLE PATTERN NAMED: a row of that table is missing
    fresh
    check "$1.tsv has no row $2" grep -qE "$2" "$work/results/$1.tsv"
    sed -i -E "/$2/d" "$work/results/$1.tsv"
    no_verdict "$3" claims
}
without thresholds '^injector_block' 'C1: no bound of injector_block'
without laws '^pool_built_in_phase' 'C2: no law of pool_built_in_phase'
without sweep '^injector_block	route	64	' 'C3: no outcome of injector_block route at 64'
without findings '^F7	' 'C5: no finding F7'
without findings '^Z22	' 'C20: no finding Z22'
without bench '^prove_hashsig-[0-9]+	seed	' 'C19: no time of prove_hashsig with seed'
without cost '	4096	' 'C19: no instructions at MIN_BYTES 4096'
without cost '^[a-z0-9_-]+	0	' 'C19: no instructions at MIN_BYTES 4096'
fresh
sed -i -E '/^prove_fri-[0-9]+	4096	/s/1.010$/NA/' "$work/results/cost.tsv"
no_verdict 'C19: no interval of the time of prove_fri-[0-9]+ at MIN_BYTES 4096' claims
fresh
sed -i -E 's/^(injector_block	[0-9a-z]*	)[0-9]+/\1NA/; s/^(injector_block	)[0-9]+/\1NA/' "$work/results/thresholds.tsv"
no_verdict 'C1: no bound of injector_block' claims
fresh
sed -i -E 's/^(injector_block	none	0	)corrupt/\1skip/' "$work/results/sweep.tsv"
no_verdict 'C4: no outcome of injector_block none at 0' claims
fresh
sed -i -E '3s/$/	more/' "$work/results/sweep.tsv"
no_verdict 'sweep.tsv: line 3 has 12 fields, not 11' claims

# findings.sh: a build or results that do not exist, or that lack a row.
findings() { "$scripts/findings.sh" "$build" "$work/results" "$out"; }
for table in thresholds matrix sweep soundness; do
    fresh
    rm "$work/results/$table.tsv"
    no_verdict "$table.tsv" findings
done
fresh
no_verdict nowhere "$scripts/findings.sh" "$work/nowhere" "$work/results" "$out"
no_verdict nowhere "$scripts/findings.sh" "$build" "$work/nowhere" "$out"
sed -i '/^injector_block\t/d' "$work/results/thresholds.tsv"
no_verdict 'no row injector_block in .*thresholds.tsv' findings
fresh
sed -i '/^injector_block\tnone\t0\t/d' "$work/results/sweep.tsv"
no_verdict 'no row injector_block none 0 in .*sweep.tsv' findings
fresh
printf 'no_such_repro\tclean\tclean\tclean\tclean\tclean\tclean\n' >>"$work/results/matrix.tsv"
no_verdict no_such_repro findings

# readme.sh and figures.sh.
for table in thresholds matrix laws; do
    fresh
    cp README.md "$work/readme"
    rm "$work/results/$table.tsv"
    no_verdict "$table.tsv" readme
    check "readme.sh changes README" cmp -s README.md "$work/readme"
done
fresh
sed -i '/^injector_block\t/d' "$work/results/thresholds.tsv"
no_verdict 'no row injector_block' readme
check "readme.sh changes README" cmp -s README.md "$work/readme"
if command -v gnuplot >/dev/null; then
    want 3 'nowhere: no such folder' "$scripts/figures.sh" "$work/nowhere"
    mkdir "$work/empty"
    want 3 'none of bench.tsv' "$scripts/figures.sh" "$work/empty"
    for table in bench cost pairs memory; do
        rm -f "$work/empty"/*
        printf 'workload\tallocator\nx\ty\n' >"$work/empty/$table.tsv"
        want 3 "$table.tsv: no column" "$scripts/figures.sh" "$work/empty"
    done
    check "figures.sh draws what is no table" [ "$(ls "$work/empty")" = memory.tsv ]
fi

# Scripts that measure: a build that does not exist gives an error, and not a table of NA.
for script in bench.sh bench_cost.sh bench_micro.sh bench_memory.sh; do
    case $script in
    bench.sh) command -v hyperfine >/dev/null && command -v jq >/dev/null || continue ;;
    bench_cost.sh) command -v valgrind >/dev/null || continue ;;
    esac
    want 3 'no data: .*nowhere' "$scripts/$script" "$work/nowhere" "$work/made"
    mkdir -p "$work/hollow/bench/lifetimes"
    want 3 'no data: .*no such program: run make build' "$scripts/$script" "$work/hollow" "$work/made"
    check "$script writes" [ ! -e "$work/made" ]
done
want 3 'no data: .*nowhere' "$scripts/bench_preload.sh" "$work/nowhere"
want 3 'no data: .*nowhere' "$scripts/bench_audit.sh" "$work/nowhere"
want 3 'no data: .*nowhere' "$scripts/lifetime.sh" "$work/nowhere" churn
want 3 'no data: .*prove_none' "$scripts/prover_outcome.sh" "$build" none prove_none
want 3 'no data: .*nowhere' "$scripts/stress.sh" "$work/nowhere"
want 3 'no data: .*nowhere' "$scripts/audit_score.sh" "$work/nowhere"
conclude no_data_test
