#!/usr/bin/env bash
# again_test.sh BUILD SOURCE: what a busy machine may have done to a run does not count before the run was made again, alone
# and with a longer limit; and one repro that stays in doubt does not cost the others.
set -uo pipefail
sweep=$1/sweep/zk-sweep
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
# shellcheck source=sweep/tests/fakes.sh
. "$(dirname "$0")/fakes.sh"
observed() { awk -F'\t' -v repro="$1" '$1 == repro { print $2 }' "$work/out/thresholds.tsv"; }
outcome() { awk -F'\t' -v repro="$1" -v at="$2" '$1 == repro && $2 == "route" && $3 == at { print $4 }' "$work/out/sweep.tsv"; }
again() { rm -rf "$work/out" "$work/calls" "$work/seen"; run "$1" "$sweep" --repro-dir "$fakes" --timeout 100 --profile "${2:-route}" --out "$work/out"; }
is() { # is WHAT GOT WANTED
    checks=$((checks + 1))
    [[ $2 == "$3" ]] || fail "$1: '$2', want '$3'"
}
fake steady

# A hang that is none: the first time, when others run, above the bound; alone it ends.
fake stopped '[[ $profile == route && $min_bytes -eq 4097 && $timeout -le 100 && $audit == off ]] && outcome=hang
    [[ $timeout -gt 100 ]] && { sleep 0.3; pgrep -f "$work/fakes/" | grep -vx $$ >"$work/beside"; }'
again 0
is "the bound of what was stopped" "$(observed stopped)" 1000
is "the outcome of what was stopped" "$(outcome stopped 4097)" clean
check "it was not made again with a longer limit" grep -q '^stopped .*--timeout 400 --min-bytes 4097' "$work/calls"
check "it was not alone: $(<"$work/beside")" test ! -s "$work/beside"

# Hangs that are: each is shown once more at the largest MIN_BYTES only, in each profile.
fake stopped '[[ $profile =~ ^(route|seed)$ && $min_bytes -lt 2000 && $audit == off ]] && outcome=hang'
again 0 route,seed
is "the bound of what hangs" "$(observed stopped)" 2000
is "how often it was made again in profile seed" "$(grep -c '^stopped .*seed --timeout 400' "$work/calls")" 1
check "not at the largest MIN_BYTES" grep -q '^stopped .*seed --timeout 400 --min-bytes 1521' "$work/calls"
is "hangs in the table" "$(awk -F'\t' '$1 == "stopped" && $2 == "seed" && $4 == "hang"' "$work/out/sweep.tsv" | wc -l)" 9

# A hang at a small MIN_BYTES is no proof for a larger one.
fake stopped '[[ $profile == route && $min_bytes -lt 200 && $audit == off ]] && outcome=hang
    [[ $profile == route && $min_bytes -eq 512 && $timeout -le 100 && $audit == off ]] && outcome=hang'
again 0
is "the outcome at 512" "$(outcome stopped 512)" corrupt
is "the outcome at 128" "$(outcome stopped 128)" hang
fake stopped '[[ $profile == route && $min_bytes -lt 200 && $audit == off ]] && outcome=hang
    [[ $profile == route && $min_bytes -eq 1008 && $timeout -le 100 && $audit == off ]] && outcome=hang' # a probe, later
again 0
is "the bound of what was stopped later" "$(observed stopped)" 1000

# One run that breaks the order, and does not when it is made again.
fake once '[[ $profile == route && $min_bytes -eq 6144 && $audit == off && ! -e $work/seen ]] && { outcome=corrupt; touch "$work/seen"; }'
again 0
is "the bound of what was once wrong" "$(observed once)" 1000
is "its outcome" "$(outcome once 6144)" clean
rm "$fakes/once"
fake once '[[ $profile == route && $min_bytes -eq 256 && $audit == off && ! -e $work/seen ]] && { outcome=clean; touch "$work/seen"; }'
again 0
is "the bound of what was once right" "$(observed once)" 1000
is "its outcome" "$(outcome once 256)" corrupt
rm "$fakes/once"

# One that stays out of order: named, with both sizes; the others are as ever, and the status says it.
fake jagged '[[ $profile == route && $min_bytes -eq 6144 ]] && outcome=corrupt'
again 1
says '^zk-sweep: jagged: no observed bound: harm at MIN_BYTES 6144, none at 1024'
is "the bound of what is out of order" "$(observed jagged)" NA
is "the bound of another" "$(observed steady)" 1000
rm "$fakes/jagged"

# No record, the first time: made again. Ever: an error that names it.
fake dies '[[ $profile == route && $min_bytes -eq 64 && ! -e $work/seen ]] && { touch "$work/seen"; kill -9 $$; }'
again 0
is "the bound of what died once" "$(observed dies)" 1000
fake dies '[[ $profile == route && $min_bytes -eq 64 ]] && kill -9 $$'
again 3
says 'dies --profile route: gave no record, twice'
rm "$fakes/dies"

# A census that says more than it has written down, the first time or ever: there was no room for its report.
fake hurried '[[ $audit == census && $timeout -le 100 ]] && { outcome=latent retained=5000; }'
again 0
is "the bound of what had no room once" "$(observed hurried)" 1000
fake hurried '[[ $audit == census ]] && { outcome=latent retained=5000; }'
again 3
says 'hurried: its census saw 5000 bytes retained in a block, and its report does not have them'
rm "$fakes/hurried"

# What cannot run has no bound.
fake cannot '[[ $profile == route ]] && outcome=skip'
again 0
is "the bound of what cannot run" "$(observed cannot)" NA

conclude again_test
