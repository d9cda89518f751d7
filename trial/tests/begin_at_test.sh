#!/usr/bin/env bash
# begin_at_test.sh BUILD SOURCE - programs in C, C++ and Rust that call no zk_ function, in every
# kind of build that still has the symbol: zk-audit --begin-at finds the block of 5000 bytes that
# each program keeps from one round to the next.
set -uo pipefail
build=$1 source=$2 here=$(cd "$(dirname "$0")" && pwd)
audit=$build/sweep/zk-audit locate=$build/sweep/zk-locate
[[ -x $locate ]] || { echo "zk-locate is not built: no libdw-dev"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 3
checks=0 failures=0
. "$here/begin_at_programs.sh"

check() { # check WHAT COMMAND...
    checks=$((checks + 1))
    "${@:2}" >check.out 2>&1 || { failures=$((failures + 1)) && echo "FAIL: $1:" && sed 's/^/  /' check.out; }
}
guaranteed() { # guaranteed N ZK-AUDIT-OPTION...: checks the bound that the audit finds
    "$audit" --tsv --census "${@:2}" >audit.tsv 2>audit.err
    awk -F'\t' -v want="$1" '$1 == "bound" && $9 == "guaranteed" { found = $2 } END { if (found != want) { print "guaranteed: " found; exit 1 } }' \
        audit.tsv || { cat audit.err; return 1; }
}
touched() { # touched N ZK-AUDIT-OPTION...: the same for the trap's bound
    "$audit" --tsv --trap "${@:2}" >audit.tsv 2>audit.err
    awk -F'\t' -v want="$1" '$1 == "bound" && $9 == "touched" { found = $2 } END { if (found != want) { print "touched: " found; exit 1 } }' \
        audit.tsv || { cat audit.err; return 1; }
}
# refused PATTERN OPTION... -- PROGRAM: one line, exit status 2, and the program does not run.
refused() {
    local status=0
    "$audit" "${@:2}" >refused.out 2>refused.err || status=$?
    [[ $status == 2 && $(wc -l <refused.err) == 1 && ! -s refused.out ]] && grep -qE "$1" refused.err && return
    echo "status $status"
    cat refused.out refused.err
    return 1
}

# ---- C

c_program
for flags in "-O0" "-O2" "-O2 -g" "-O2 -no-pie" "-O3 -static-pie -shared-libgcc" "-O2 -flto" "-Os -fcf-protection=none"; do
    [[ $flags != *static* ]] || continue
    # shellcheck disable=SC2086 # several words
    cc $flags -o prover prover.c 2>cc.err || { cat cc.err; continue; }
    check "C, $flags" guaranteed 5001 --begin-at prove -- ./prover 4
done
cc -O2 -g -o prover prover.c
check "C: by the trap" touched 5001 --begin-at prove -- ./prover 4
check "C: the phase ends" guaranteed 5001 --begin-at prove --end-at finish -- ./prover 4
line=$(grep -n 'first line of prove' prover.c | cut -d: -f1)
check "C: FILE:LINE" guaranteed 5001 --begin-at "prover.c:$line" -- ./prover 4
check "C: an end without a begin" refused 'nothing to end' --end-at finish -- ./prover 4
check "C: no such function" refused '^zk-audit: no_such: no such function' --begin-at no_such -- ./prover 4
check "C: an empty name" refused 'want a function' --begin-at '' -- ./prover 4
check "C: ambiguous" refused 'may be any of 2 functions: .*(finish_late, finish_early|finish_early, finish_late)' --begin-at finish_ -- ./prover 4
check "C: inlined everywhere" refused 'inlined everywhere: .*lies in main' --begin-at tiny -- ./prover 4
check "C: no code of the line" refused "the next that has some is prover.c:[0-9]+" --begin-at prover.c:1 -- ./prover 4
check "C: no such file" refused 'no code is of such a file' --begin-at other.c:1 -- ./prover 4
check "C: no such program" refused 'give the path of a program' --begin-at prove -- ./nothing
cc -O2 -static -o prover_static prover.c 2>/dev/null &&
    check "C: linked statically" refused 'linked statically' --begin-at prove -- ./prover_static
cp prover stripped && strip stripped
check "C: stripped" refused 'no such function' --begin-at prove -- ./stripped
printf '#!/bin/sh\nexec ./prover 4\n' >script.sh && chmod +x script.sh
check "C: by a script" guaranteed 5001 --begin-at prove -- ./script.sh

# In a library: one that is linked, and one that is opened later.
library_program
cc -O2 -fPIC -shared -o libproving.so proving.c && cc -O2 -o linked linked.c -L. -lproving -Wl,-rpath,"$work"
check "C: in a library" guaranteed 5001 --begin-at prove -- ./linked
check "C: in a library by name" guaranteed 5001 --begin-at prove@libproving -- ./linked
cc -O2 -o opener opener.c -ldl
check "C: in a library that is opened later" guaranteed 5001 --begin-at prove@libproving -- ./opener "$work/libproving.so"

# ---- C++

if command -v c++ >/dev/null; then
    cxx_program
    for flags in "-O0" "-O2" "-O2 -g -no-pie"; do
        # shellcheck disable=SC2086
        c++ $flags -o prover_cxx prover.cc || continue
        for name in my_prover::Prover::prove Prover::prove 'my_prover::Prover::prove(std::vector<int' _ZN9my_prover6Prover5proveERSt6vectorIiSaIiEE; do
            check "C++, $flags, $name" guaranteed 5001 --begin-at "$name" -- ./prover_cxx
        done
    done
    check "C++: ambiguous" refused 'my_prover::Prover::verify\(int\), my_prover::Prover::verify\(long\)|verify\(long\), my_prover::Prover::verify\(int\)' \
        --begin-at Prover::verify -- ./prover_cxx
    check "C++: in another class" refused 'no such function in .*prover_cxx; there is my_prover::Prover::prove' --begin-at Prove::prove -- ./prover_cxx
    check "C++: inlined, in another class" refused 'inlined everywhere: .*lies in main' --begin-at Prover::tiny -- ./prover
    check "C++: in no class" refused 'no such function in .*prover_cxx or its libraries: try' --begin-at Prove::no_such -- ./prover_cxx
    check "C++: told apart by parameters" guaranteed 0 --begin-at 'my_prover::Prover::verify(long)' -- ./prover_cxx
fi

# ---- Rust, both schemes of names

if command -v rustc >/dev/null && rustc --version >/dev/null 2>&1; then
    rust_program
    for flags in "" "-O" "-O -C symbol-mangling-version=v0" "-g"; do
        # shellcheck disable=SC2086
        rustc --edition 2021 $flags -o prover_rust prover.rs 2>rustc.err || { sed 's/^/  /' rustc.err; continue; }
        for name in prover::stark::prove stark::prove; do
            check "Rust, $flags, $name" guaranteed 5001 --begin-at "$name" -- ./prover_rust
        done
        for name in crate::stark::prove my-prover::prove; do
            check "Rust, $flags, $name" refused "^zk-audit: $name: no such function in .*prover_rust; there is prover::stark::prove" \
                --begin-at "$name" -- ./prover_rust
        done
        check "Rust, $flags, by the trap" touched 5001 --begin-at stark::prove -- ./prover_rust
    done
else
    echo "rustc is not installed: no program in Rust"
fi

# ---- A prover of this project: with its own phases, and with the same ones by --begin-at.

prover() { "$audit" --tsv --census "${@:2}" -- "$build/bench/prove_fri" --iters 3 --log-size 8 --tampered 0 --phases "$1" 2>/dev/null | awk -F'\t' '$1 == "bound" { print $9, $2 }'; }
if [[ -x $build/bench/prove_fri ]]; then
    check "prove_fri: the verdict of its own phases" diff <(prover on) <(prover off --begin-at workload_begin --end-at workload_end)
    check "prove_fri: there is a verdict" grep -q '^verdict safe' <(prover off --begin-at workload_begin --end-at workload_end)
    check "prove_fri: without an end what it keeps is kept" grep -q '^verdict unsafe' <(prover off --begin-at prove)
fi
: "$source"
echo "begin_at_test: $checks checks, $failures failed"
((failures == 0 && checks > 20))
