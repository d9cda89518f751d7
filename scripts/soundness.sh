#!/usr/bin/env bash
# soundness.sh BUILD OUT [PARTS]: runs the soundness campaign, in as many parallel parts as there
# are processors, up to 120 (or in PARTS), merges them into OUT, which is complete or untouched, and
# prints the summary. Exit status: 0 no false proof verifies, and each broken verifier is detected;
# 1 not so; 2 wrong usage, or nothing to run; 3 a part failed.
set -uo pipefail
name=soundness
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
want_arguments 2 3 'BUILD OUT [PARTS]' "$@"
program=$1/bench/soundness out=$2 parts=${3:-$(nproc)}
[[ $# -eq 3 || ! $parts -gt 120 ]] || parts=120 # it has no more slices
[[ -x $program ]] || die "$program: not there: run make build"
want_number "$parts" PARTS
((parts <= 120)) || die "PARTS $parts: want 1 to 120"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

children=()
for ((i = 1; i <= parts; i++)); do
    "$program" --part "$i/$parts" --out "$work/$i" >/dev/null &
    children+=($!)
done
for child in "${children[@]}"; do
    wait "$child"
    status=$?
    [[ $status -le 1 ]] || { echo "$name: a part failed: exit status $status" >&2; exit 3; }
done
"$program" --merge --out "$out" "$work"/*
