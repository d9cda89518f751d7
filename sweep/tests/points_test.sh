#!/usr/bin/env bash
# points_test.sh BUILD SOURCE: no point of the grid is run twice, and as many runs are under way as
# the machine has use for.
set -uo pipefail
sweep=$1/sweep/zk-sweep
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
# shellcheck source=sweep/tests/fakes.sh
. "$(dirname "$0")/fakes.sh"
# calls REPRO PROFILE WORDS: how often it was run there, without an audit; WORDS is a regular
# expression for what follows the profile
calls() { grep -v -e --audit "$work/calls" | grep -cE "^$1 --tsv --profile $2$3\$"; }
rows() { awk -F'\t' -v repro="$1" -v profile="$2" -v at="$3" '$1 == repro && $2 == profile && $3 == at { print $4 }' "$work/out/sweep.tsv"; }
is() { # is WHAT GOT WANTED
    checks=$((checks + 1))
    [[ $2 == "$3" ]] || fail "$1: '$2', want '$3'"
}
again() { rm -rf "$work/out" "$work/calls" "$work/seen"; run "$1" "$sweep" --repro-dir "$fakes" --out "$work/out" "${@:2}"; }

# A profile's own MIN_BYTES is also a threshold: one run for both, and a row of it. It may take long:
# the other still waits for it.
fake slow '[[ $profile == flush && $min_bytes -eq 0 && $audit == off ]] && sleep 0.5'
fake quick
again 0 --jobs 16
for repro in slow quick; do
    while read -r profile own other; do
        is "$repro: runs at profile $profile's own" "$(calls "$repro" "$profile" '')" 1
        is "$repro: further ones, at $own" "$(calls "$repro" "$profile" " --min-bytes $own")" 0
        is "$repro: runs at $other" "$(calls "$repro" "$profile" " --min-bytes $other")" 1
        is "$repro: rows of $profile at $own" "$(rows "$repro" "$profile" "$own")" clean
    done <<<'flush 0 64
route 4096 4097
seed 4096 4097'
    is "$repro: a run made twice" "$(grep "^$repro " "$work/calls" | sort | uniq -d)" ''
done

# Other thresholds do not have to include it.
again 0 --min-bytes 1000,8192 --profile route
is "runs at the profile's own, no threshold" "$(calls quick route '')" 1
is "runs at a threshold" "$(calls quick route ' --min-bytes 8192')" 1

# If that run breaks the order, it is made again, and its result counts in both places.
rm "$fakes/slow"
fake quick '[[ $profile == route && $min_bytes -eq 4096 && $audit == off && ! -e $work/seen ]] && { outcome=corrupt; touch "$work/seen"; }'
again 0
is "the outcome of what was wrong once" "$(rows quick route 4096)" clean
is "its cell" "$(awk -F'\t' '$1 == "quick" { print $4 }' "$work/out/matrix.tsv")" clean

# Without --jobs, more runs than processors: the first ones wait for each other, and end only when
# they are enough.
rm "$fakes/quick"
twice=$((2 * $(getconf _NPROCESSORS_ONLN)))
want=$((twice < 6 ? twice : 6)) # there are 6 profiles
fake meets "touch \"\$work/met.\$\$\"
    for ((i = 0; i < 600; i++)); do (( \$(find \"\$work\" -name 'met.*' | wc -l) >= $want )) && break; sleep 0.1; done
    ((i < 600)) || outcome=crash"
again 0 --min-bytes 0
is "the outcome of what waits for $want runs at once" "$(rows meets none 0)" clean

# Runs under the trap never wait: no more of them than processors, or than --jobs.
processors=$(getconf _NPROCESSORS_ONLN)
rm "$fakes/meets"
for ((i = 0; i <= processors; i++)); do
    fake "trapped$i" '[[ $audit == trap ]] && { touch "$work/in.$$"; find "$work" -name "in.*" | wc -l >>"$work/traps"; sleep 0.5; rm "$work/in.$$"; }'
done
at_most() { # at_most N OPTIONS...
    rm -f "$work/traps"
    again 0 --min-bytes 0 "${@:2}"
    check "more than $1 runs under the trap at once" test "$(sort -n "$work/traps" | tail -n 1)" -le "$1"
}
at_most "$processors"
at_most 1 --jobs 1

conclude points_test
