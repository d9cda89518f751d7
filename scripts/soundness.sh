#!/usr/bin/env bash
# soundness.sh BUILD OUT [PARTS]: the soundness campaign, in as many parts at a time as there are processors (or in PARTS),
# merged into OUT, which is whole or untouched. What it says is printed. Exit status: 0 no false proof verifies, and each
# broken verifier is found out; 1 not so; 2 usage, or nothing to run; 3 a part failed.
set -uo pipefail
[[ $# -eq 2 || $# -eq 3 ]] || { echo "usage: soundness.sh BUILD OUT [PARTS]" >&2; exit 2; }
program=$1/bench/soundness out=$2 parts=${3:-$(nproc)}
[[ -x $program ]] || { echo "soundness.sh: $program: not there: run make build" >&2; exit 2; }
[[ $parts =~ ^[1-9][0-9]{0,2}$ && $parts -le 120 ]] || { echo "soundness.sh: $parts parts: want 1 to 120" >&2; exit 2; }
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
    [[ $status -le 1 ]] || { echo "soundness.sh: a part failed: exit status $status" >&2; exit 3; }
done
"$program" --merge --out "$out" "$work"/*
