#!/usr/bin/env bash
# prover_outcome.sh BUILD PROFILE PROGRAM ARGS...: runs a prover of BUILD/bench on the preload
# library in a profile (none, seed, pinned or system) and prints the outcome, in the words of the
# repros: clean, latent, corrupt (a proof that does not verify, or a registry that finds itself
# damaged), crash or hang. Exit status: 0; 2 wrong usage; 3 there is no such program, or it failed
# in another way.
set -uo pipefail
name=prover_outcome
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
want_arguments 3 100 'BUILD none|seed|pinned|system PROGRAM ARGS...' "$@"
build=$1 profile=$2 program=$1/bench/$3
shift 3
want_program "$program"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

lax="ZK_ALLOC_RECYCLE=blind ZK_ALLOC_NESTING=recycle ZK_ALLOC_OWNER=any ZK_ALLOC_REALLOC=migrate ZK_ALLOC_COPY=forward"
strict="ZK_ALLOC_NESTING=refuse ZK_ALLOC_OWNER=exclusive ZK_ALLOC_REALLOC=sticky ZK_ALLOC_COPY=memmove"
find_loadable "$build/alloc/libzkalloc-preload.so"
preload="LD_PRELOAD=$loadable"
min_bytes=0
case $profile in
none) switches="$preload $lax" ;;
seed) switches="$preload ZK_ALLOC_RECYCLE=blind $strict" min_bytes=4096 ;;
pinned) switches="$preload ZK_ALLOC_RECYCLE=pinned $strict" ;;
system) switches="LD_PRELOAD=" ;;
*) die "$profile: no such profile: want none, seed, pinned or system" ;;
esac

export OMP_WAIT_POLICY=passive # on a busy machine, threads that spin at barriers would take minutes
# In a subshell, so that bash prints nothing about a crash.
# shellcheck disable=SC2086 # words
(env $switches ZK_ALLOC_MIN_BYTES=$min_bytes timeout 120 "$program" "$@"; exit $?) >/dev/null 2>&1
status=$?
case $status in
0) outcome=clean ;;
1 | 4) outcome=corrupt ;;
124) outcome=hang ;;
2 | 3) echo "prover_outcome.sh: $program $*: exit status $status" >&2; exit 3 ;;
*) outcome=crash ;;
esac
# Clean under blind recycling: was that luck? Not if there are no phases.
if [[ $outcome == clean && $switches == *=blind* && " $* " != *" --phases off "* ]]; then
    "$build/sweep/zk-audit" --census --min-bytes $min_bytes -- "$program" "$@" >/dev/null 2>&1
    status=$?
    case $status in
    0) ;;
    1) outcome=latent ;;
    *) echo "prover_outcome.sh: zk-audit $program $*: exit status $status" >&2; exit 3 ;;
    esac
fi
echo "$outcome"
