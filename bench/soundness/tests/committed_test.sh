#!/usr/bin/env bash
# committed_test.sh SOUNDNESS TABLE: the committed table is complete: all slices, at least 100000
# proofs, none false, every one that differs explained, every broken verifier detected. And one part
# of it, run again, gives the same rows: those of its slices, which have a checksum of the outcomes
# of all proofs, and those of its broken verifiers.
set -uo pipefail
soundness=$1 table=$2
# shellcheck source=../../../scripts/test_helpers.sh
. "$(dirname "$0")/../../../scripts/test_helpers.sh"

checks=$((checks + 1))
"$soundness" --merge --out "$work/again" "$table" >"$work/said" || fail "$table: $(cat "$work/said")"
cmp "$table" "$work/again" || fail "$table: its sums are not those of its cells"
checks=$((checks + 1))
awk -F'\t' '
    $1 == "sum" && $2 == "all" && $3 == "all" && $4 == "all" && $5 == "all" && $6 == "all" { proofs = $7; false_ = $12 }
    $1 == "case" && $14 == "unknown" { unknown = $7 }
    $1 == "control" && $14 !~ /by accident/ { controls++; found += $12 }
    END {
        if (proofs < 100000) print "only " proofs " proofs"
        if (false_ != 0) print false_ " false proofs verify"
        if (unknown > 0) print unknown " proofs differ and verify, and nobody knows why"
        if (controls != 29 || found != controls) print found " of " controls " broken verifiers are found out"
    }' "$table" >"$work/wrong"
[[ ! -s $work/wrong ]] || fail "$table: $(cat "$work/wrong")"

seed=$(awk -F'\t' '$1 == "campaign" { sub("seed=", "", $14); print $14 }' "$table")
proofs=$(awk -F'\t' '$1 == "campaign" { print $7 }' "$table")
rows() { grep -E $'^(slice|control)\t' "$1" | LC_ALL=C sort; }
part=3/60 # two slices, and a broken verifier
checks=$((checks + 1))
"$soundness" --seed "$seed" --proofs "$proofs" --part "$part" --out "$work/part" >"$work/said" || fail "part $part: $(cat "$work/said")"
rows "$work/part" >"$work/rows"
[[ $(wc -l <"$work/rows") -ge 3 ]] || fail "part $part: only $(wc -l <"$work/rows") rows"
lost=$(LC_ALL=C comm -23 "$work/rows" <(rows "$table"))
[[ -z $lost ]] || fail "part $part: the committed table has not: $lost"

conclude committed_test
