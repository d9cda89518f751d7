#!/usr/bin/env bash
# fuzz.sh SECONDS: runs fuzz_pinned for so long, starting from alloc/tests/corpus. Fails on any crash,
# whose input is then in build-fuzz/. Exits with 77 if clang or its fuzzer is not installed.
set -euo pipefail
export ZK_ALLOC_TOOLS=ignore # otherwise AddressSanitizer, in the same program, would keep it off the fast paths
name=fuzz
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
want_arguments 1 1 SECONDS "$@"
seconds=$1
want_number "$seconds" SECONDS
cd "$(dirname "$0")/.."

command -v clang >/dev/null || { echo "clang is not installed: apt-get install clang libclang-rt-14-dev"; exit 77; }
mkdir -p build-fuzz
work=$(mktemp -d build-fuzz/found.XXXXXX)
trap 'rm -rf "$work"' EXIT
echo 'int LLVMFuzzerTestOneInput(const char *p, long n) { return p == 0 && n; }' >"$work/probe.c"
clang -fsanitize=fuzzer -o "$work/probe" "$work/probe.c" 2>/dev/null ||
    { echo "clang has no libFuzzer: apt-get install libclang-rt-14-dev"; exit 77; }
rm "$work"/probe*

{ cmake --preset fuzz && cmake --build build-fuzz --target fuzz_pinned; } >build-fuzz/build.log 2>&1 ||
    { cat build-fuzz/build.log; exit 1; }
log=build-fuzz/fuzz.log
build-fuzz/alloc/fuzz_pinned -max_total_time="$seconds" -max_len=1000 -len_control=0 -timeout=20 \
    -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix=build-fuzz/ "$work" alloc/tests/corpus >"$log" 2>&1 || { tail -60 "$log"; exit 1; }
awk '/INITED|DONE/ { print "fuzz: " $0 } /number_of_executed_units/ { print "fuzz: " $2 " inputs, no failure" }' "$log"
