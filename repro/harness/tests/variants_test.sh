#!/usr/bin/env bash
# variants_test.sh REPROS: every variant that a repro's descriptor names, in every profile, with the outcome
# that it declares.
set -uo pipefail
checks=0 failures=0
for program in "$1"/*; do
    [[ -f $program && -x $program && $(basename "$program") != test_* ]] || continue
    while IFS=$'\t' read -r profile expected arguments; do
        checks=$((checks + 1))
        # shellcheck disable=SC2086 # the arguments are words
        "$program" $arguments --profile "$profile" --expect "$expected" >/dev/null
        status=$?
        [[ $status -eq 0 || $status -eq 77 ]] && continue
        failures=$((failures + 1))
        echo "FAIL: $program $arguments --profile $profile --expect $expected: exit $status"
    done < <("$program" --describe | awk -F'\t' -v OFS='\t' '$1 == "variant" { print $3, $4, $2 }')
done
echo "variants_test: $checks checks, $failures failed"
[[ $failures -eq 0 && $checks -gt 0 ]]
