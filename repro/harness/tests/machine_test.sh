#!/usr/bin/env bash
# machine_test.sh REPROS SHIM PROCESSORS PAGE_BYTES: every repro, in every profile, has its declared outcome on a machine
# with so many processors and pages of that size, as far as SHIM (machine_shim.c) can say so.
set -uo pipefail
repros=$1 checks=0 failures=0 skipped=0
export MACHINE_PROCESSORS=$3 MACHINE_PAGE_BYTES=$4
fail() { failures=$((failures + 1)); echo "FAIL: $*"; }

# The shim is believed: or else this test says nothing.
checks=$((checks + 2))
[[ $(LD_PRELOAD=$2 getconf PAGESIZE) == "$4" ]] || fail "the shim does not tell pages of $4 bytes"
[[ $(LD_PRELOAD=$2 getconf _NPROCESSORS_ONLN) == "$3" ]] || fail "the shim does not tell $3 processors"

for program in "$repros"/*; do
    [[ -f $program && -x $program && $(basename "$program") != test_* && $program != *.so ]] || continue
    for profile in none flush route seed pinned system; do
        checks=$((checks + 1))
        said=$(LD_PRELOAD=$2 "$program" --keep-env --profile "$profile" --expect declared 2>&1)
        case $? in
        0) ;;
        77) skipped=$((skipped + 1)) ;;
        *) fail "$(basename "$program") --profile $profile: $said" ;;
        esac
    done
done
echo "machine_test: $3 processors, pages of $4 bytes: $checks checks, $skipped skipped, $failures failed"
[[ $failures -eq 0 && $checks -gt 100 ]]
