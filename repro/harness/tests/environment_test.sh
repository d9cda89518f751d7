#!/usr/bin/env bash
# environment_test.sh REPROS: settings of OpenMP's threads in the environment make its repros skip,
# with the reason, or change nothing; and no record has more corrupt cycles than cycles.
set -uo pipefail
repros=$1
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../../scripts/test_helpers.sh"

# record STATUS DETAIL VARIABLE=VALUE REPRO PROFILE: exit status, and a pattern of the record's last column
record() {
    local status=$1 pattern=$2 record got
    checks=$((checks + 1))
    record=$(env "$3" "$repros/$4" --keep-env --profile "$5" --tsv 2>&1)
    got=$?
    [[ $got -eq $status ]] || fail "$3 $4 --profile $5: exit $got, want $status: $record"
    awk -F'\t' -v pattern="$pattern" 'NF == 11 && $6 <= $5 && $11 ~ pattern { good = 1 } END { exit !good }' <<<"$record" ||
        fail "$3 $4 --profile $5: want at most as many corrupt cycles as cycles, and '$pattern': $record"
}

if "$repros/openmp_team" --profile system | grep -q "no OpenMP"; then
    echo "environment_test: skip: the compiler has no OpenMP"
    exit 77
fi

for profile in none seed pinned system; do
    record 77 OMP_THREAD_LIMIT OMP_THREAD_LIMIT=1 openmp_team "$profile"
    record 77 OMP_THREAD_LIMIT OMP_THREAD_LIMIT=15 openmp_team "$profile"
    record 77 OMP_THREAD_LIMIT OMP_THREAD_LIMIT=1 openmp_tasks "$profile"
done
for setting in OMP_THREAD_LIMIT=16 OMP_MAX_ACTIVE_LEVELS=0 OMP_DYNAMIC=true OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive; do
    record 0 NA "$setting" openmp_team system
    record 0 NA "$setting" openmp_tasks system
    record 14 progress "$setting" openmp_team seed
    record 13 SIGSEGV "$setting" openmp_tasks seed
done

conclude environment_test
