#!/usr/bin/env bash
# entry_paths.sh READ_TEXT - the path read from a symbol is the one that it was made from: by the rules of each scheme,
# and compared with c++filt for every function of the C++ library.
set -euo pipefail
read_text=$1
failed=0

check() {
    local path
    path=$("$read_text" paths <<<"$1")
    [[ $path == "$2" ]] || { echo "$1: $path instead of $2"; failed=1; }
}
check prove prove
check prove.constprop.0 prove
check _Z5provev prove
check _ZL5provei prove
check _ZN9my_prover5proveERK5Proof my_prover::prove
check _ZNK9my_prover6Prover5proveEi my_prover::Prover::prove
check _ZN9my_prover6ProverIiLi3EE5proveEv my_prover::Prover::prove
check _ZN9my_prover6ProverC1Ev my_prover::Prover::Prover
check _ZN9my_prover6ProverD0Ev my_prover::Prover::~Prover
check _ZN9my_prover5prove17h0123456789abcdefE my_prover::prove
check _RNvCs1234_9my_prover5prove my_prover::prove
check _RNvNtCs4fqI2P2rA04_9my_prover5stark5prove my_prover::stark::prove
check _RINvNtCs4fqI2P2rA04_9my_prover5stark5provelEB4_ my_prover::stark::prove
check _RNvMs_NtCs1234_9my_prover5starkNtB4_6Prover5prove my_prover::stark::Prover::prove
check _RNCNvCs1234_9my_prover5prove0B3_ my_prover::prove::'{closure}'
check _ZN5 _ZN5
check _RNvCs _RNvCs
check _RN _RN
check _RNN _RNN
check _RB_ _RB_

library=$(ldconfig -p | awk '$1 == "libstdc++.so.6" && !found++ {print $NF}')
if [[ -n $library ]] && command -v c++filt >/dev/null; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    # Only members of classes that are not templates: there the demangler prints the path and nothing
    # else.
    nm -D --defined-only "$library" | awk '$2 == "T" {sub(/@.*/, "", $3); print $3}' | sort -u >"$scratch/symbols"
    # An ABI tag is not part of the path.
    # shellcheck disable=SC2094 # it is only read
    c++filt -p <"$scratch/symbols" | sed 's/\[abi:[a-z0-9]*\]//g' | paste "$scratch/symbols" - |
        awk -F'\t' '$2 !~ /[<>(){} ]|operator|^_Z/ && $1 ~ /^_ZNK?[0-9]|^_ZNK?St[0-9]|^_Z[0-9]/' >"$scratch/plain"
    cut -f1 "$scratch/plain" | "$read_text" paths | paste "$scratch/plain" - | awk -F'\t' '$2 != $3' >"$scratch/wrong"
    if [[ -s $scratch/wrong ]]; then
        echo "$(wc -l <"$scratch/wrong") of $(wc -l <"$scratch/plain") differ from c++filt:"
        head "$scratch/wrong"
        failed=1
    fi
    (($(wc -l <"$scratch/plain") > 100)) || { echo "only $(wc -l <"$scratch/plain") symbols to compare"; failed=1; }
fi
exit "$failed"
