#!/usr/bin/env bash
# machine_test.sh REPROS SHIM PROCESSORS PAGE_BYTES: every repro, in every profile, has its declared
# outcome on a machine with that many processors and that page size, as far as SHIM (machine_shim.c)
# can fake it.
set -uo pipefail
repros=$1 shim=$2 processors=$3 page_bytes=$4 checks=0 failures=0 skipped=0
fail() { failures=$((failures + 1)); echo "FAIL: $*"; }

# on WORD...: runs on such a machine, with nothing else in the environment
on() { env -i PATH="$PATH" LD_PRELOAD="$shim" MACHINE_PROCESSORS="$processors" MACHINE_PAGE_BYTES="$page_bytes" "$@"; }

# The shim must have an effect, on repros too; otherwise this test would mean nothing.
checks=$((checks + 3))
[[ $(on getconf PAGESIZE) == "$page_bytes" ]] || fail "the shim does not tell pages of $page_bytes bytes"
[[ $(on getconf _NPROCESSORS_ONLN) == "$processors" ]] || fail "the shim does not tell $processors processors"
said=$(on env MACHINE_PROCESSORS=5000 "$repros/late_thread" --keep-env)
[[ $said == *"it would take 5007 threads"* ]] || fail "late_thread does not see 5000 processors: $said"

for program in "$repros"/*; do
    [[ -f $program && -x $program && $(basename "$program") != test_* && $program != *.so ]] || continue
    for profile in none flush route seed pinned system; do
        checks=$((checks + 1))
        said=$(on "$program" --keep-env --profile "$profile" --expect declared 2>&1)
        case $? in
        0) ;;
        77) skipped=$((skipped + 1)) ;;
        *) fail "$(basename "$program") --profile $profile: $said" ;;
        esac
    done
done
echo "machine_test: $processors processors, pages of $page_bytes bytes: $checks checks, $skipped skipped, $failures failed"
[[ $failures -eq 0 && $checks -gt 100 ]]
