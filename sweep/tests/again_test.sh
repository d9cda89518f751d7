#!/usr/bin/env bash
# again_test.sh BUILD SOURCE: a result that a busy machine may have caused does not count before the
# run has been made again, alone and with a longer limit; and a repro that stays in doubt does not
# spoil the others.
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

# No real hang: above the bound, it hangs the first time, while others run; alone it ends.
fake stopped '[[ $profile == route && $min_bytes -eq 4097 && $timeout -le 100 && $audit == off ]] && outcome=hang
    [[ $timeout -gt 100 ]] && { sleep 0.3; pgrep -f "$work/fakes/" | grep -vx $$ >"$work/beside"; }'
again 0
is "the bound of what was stopped" "$(observed stopped)" 1000
is "the outcome of what was stopped" "$(outcome stopped 4097)" clean
check "it was not made again with a longer limit" grep -q '^stopped .*--timeout 400 --min-bytes 4097' "$work/calls"
check "it was not alone: $(<"$work/beside")" test ! -s "$work/beside"

# Real hangs: in each profile, only the one at the largest MIN_BYTES is run again.
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
    [[ $profile == route && $min_bytes -eq 1008 && $timeout -le 100 && $audit == off ]] && outcome=hang' # a probe, which comes later
again 0
is "the bound of what was stopped later" "$(observed stopped)" 1000

# One run breaks the order, but not when it is made again.
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

# One stays out of order: it is named, with both sizes; the others are as always, and the exit
# status tells.
fake jagged '[[ $profile == route && $min_bytes -eq 6144 ]] && outcome=corrupt'
again 1
says '^zk-sweep: jagged: no observed bound: harm at MIN_BYTES 6144, none at 1024'
is "the bound of what is out of order" "$(observed jagged)" NA
is "the bound of another" "$(observed steady)" 1000
rm "$fakes/jagged"

# No record the first time: the run is made again. No record ever: an error names it.
fake dies '[[ $profile == route && $min_bytes -eq 64 && ! -e $work/seen ]] && { touch "$work/seen"; kill -9 $$; }'
again 0
is "the bound of what died once" "$(observed dies)" 1000
fake dies '[[ $profile == route && $min_bytes -eq 64 ]] && kill -9 $$'
again 3
says 'dies --profile route: gave no record, twice'
rm "$fakes/dies"

# A census that counted more than its report contains, the first time or every time: there was no
# room for the report.
fake hurried '[[ $audit == census && $timeout -le 100 ]] && { outcome=latent retained=5000; }'
again 0
is "the bound of what had no room once" "$(observed hurried)" 1000
fake hurried '[[ $audit == census ]] && { outcome=latent retained=5000; }'
again 3
says 'hurried: its census saw 5000 bytes retained in a block, and its report does not have them'
rm "$fakes/hurried"

# A repro that cannot run has no bound.
fake cannot '[[ $profile == route ]] && outcome=skip'
again 0
is "the bound of what cannot run" "$(observed cannot)" NA

conclude again_test
