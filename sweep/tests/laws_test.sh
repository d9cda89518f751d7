#!/usr/bin/env bash
# laws_test.sh BUILD SOURCE: bounds as laws. The sweep itself shows that each law holds. Here: a law
# that does not hold is found, even if it is off by one byte; and what is printed for a machine is
# confirmed by a run with as many threads.
set -uo pipefail
build=$1 source=$2 sweep=$1/sweep/zk-sweep
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"

# liar FORMULA: makes a pool in $work/liar whose descriptor has that formula and is unchanged
# otherwise
"$build/repro/pool_built_in_phase" --describe >"$work/described"
mkdir "$work/liar"
liar() {
    awk -F'\t' -v OFS='\t' -v formula="$1" '
        $1 == "law" && $3 == "-" { $2 = formula; print; print "law_at", "--pool-threads 4"; print "law_at", "--pool-threads 17"; next }
        $1 !~ /^law/' "$work/described" >"$work/lie"
    cat >"$work/liar/pool" <<EOF
#!/bin/sh
[ "\$1" = --describe ] && exec cat "$work/lie"
exec "$build/repro/pool_built_in_phase" "\$@"
EOF
    chmod +x "$work/liar/pool"
}
laws() { "$sweep" --laws --repro-dir "$work/liar"; }

# A law that is right at all values, in full; one that misses a value by a byte; one that misses all of them.
liar 'max(2104, 128 * pool_threads) + 1'
want 0 '1 of 1 laws hold, to the byte, at all of the 2 values' laws
liar 'max(2104, 128 * pool_threads)'
want 1 'pool-threads 4: its law, .*, says 2104, and it is 2105 that is measured' laws
want 1 'pool-threads 17: its law, .*, says 2176, and it is 2177 that is measured' laws
want 1 '0 of 1 laws hold' laws
liar 'max(2105, 128 * pool_threads) + 1'
want 1 'pool-threads 4: its law, .*, says 2106, and it is 2105 that is measured' laws
checks=$((checks + 1))
[[ $(laws 2>&1 | grep -c 'says') -eq 1 ]] || fail "a law that misses one value of two is said to miss another number"
liar '4096'
want 1 'pool-threads 17: its law, 4096, says 4096, and it is 2177 that is measured' laws
# The same in a sweep, which makes only the short check.
liar 'max(2105, 128 * pool_threads) + 1'
want 1 'pool-threads 4: its law, .*, says 2106, and it is 2105' "$sweep" --repro-dir "$work/liar" --profile route

# What is no formula, or has an unknown name.
liar '128 * workers'
want 3 'its law 128 \* workers: at character 7: nothing has that name' laws
liar '128 * (pool_threads'
want 3 'at character 20: want \)' laws

# For another machine: a run with that many workers needs what the law says.
pool() { "$sweep" --laws --only pool_built_in_phase "$@"; }
want 0 'pool_built_in_phase +2105 +[0-9]+ +8193 ' pool --for threads=64
want 0 'pool_built_in_phase +2105 +[0-9]+ +4097 ' pool --for pool_threads=32
want 0 'span_registry_pages +49153 +49153 +12289 ' "$sweep" --laws --only 'span_*' --for threads=64,spans=200
want 2 'for workers=: these repros have no such option' pool --for workers=4
want 2 'for threads=many: want a number' pool --for threads=many
want 2 'for threads: want names and values' pool --for threads

# In a sweep, the recommendation names the machine for which it holds, and a run at that MIN_BYTES
# confirms it.
"$sweep" --only pool_built_in_phase --for threads=64 --out "$work/out" >"$work/report"
checks=$((checks + 3))
grep -q '^On this machine ([0-9]* processors) these workloads need MIN_BYTES >= [0-9]*: pool_built_in_phase forces it' "$work/report" ||
    fail "no recommendation for this machine"
asked=$(sed -n 's/^For threads=64 these workloads need MIN_BYTES >= \([0-9]*\): pool_built_in_phase forces it.$/\1/p' "$work/report")
[[ $asked == 8193 ]] || fail "for 64 threads it recommends '$asked', want 8193"
grep -qP '^pool_built_in_phase\tmax\(2104, 128 \* pool_threads\) \+ 1\tpool_threads=[0-9,]*\t[0-9,]*\t1\t1\t32\t64\tNA\t' \
    "$work/out/laws.tsv" || fail "laws.tsv: no row for the pool: $(cat "$work/out/laws.tsv")"
want 0 clean "$build/repro/pool_built_in_phase" --pool-threads 64 --profile route --min-bytes "$asked"
want 14 hang "$build/repro/pool_built_in_phase" --pool-threads 64 --profile route --min-bytes $((asked - 1))

# The committed table is what the laws give now, on this machine.
checks=$((checks + 1))
"$sweep" --laws --out "$work/all" >/dev/null || fail "a law does not hold"
checks=$((checks + 1))
grep -qP '^buffered_writer\tcapacity \+ 1\tdefault,capacity=128,.*\t512\t1024\t4096\t8192\t' "$work/all/laws.tsv" ||
    fail "laws.tsv: a law that is first checked with no option has no first values"
checks=$((checks + 1))
diff "$source/results/laws.tsv" "$work/all/laws.tsv" || fail "results/laws.tsv is not what the laws give: make findings"

conclude laws_test
