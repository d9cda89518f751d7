#!/usr/bin/env bash
# entry_lengths.sh READ_TEXT - the lengths of instructions agree with objdump, for every instruction in the C
# library, libm (which has all of AVX-512) and the C++ library, where these exist.
set -euo pipefail
read_text=$1
command -v objdump >/dev/null || { echo "objdump is not installed"; exit 77; }
[[ $(uname -m) == x86_64 ]] || { echo "all instructions are of 4 bytes here"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

checked=0
for library in libc.so.6 libstdc++.so.6 libm.so.6; do
    path=$(ldconfig -p | awk -v name="$library" '$1 == name && /x86-64/ && !found++ {print $NF}')
    [[ -n $path ]] || continue
    # fwait is an instruction of its own, though objdump takes it for a part of the next.
    # (bad) is data between functions; so is a single byte that is only a prefix.
    objdump -d -w -j .text "$path" |
        awk -F'\t' 'NF >= 3 && $2 !~ /^9b d/ && $3 !~ /\(bad\)|^(rex|data16|cs|ds|es|ss|fs|gs|repz|repnz|lock|addr32)[. A-Z]*$/ {
            gsub(/ /, "", $2); print $2 "\t" length($2) / 2 "\t" $3 }' | sort -u >"$scratch/all"
    cut -f1 "$scratch/all" | "$read_text" lengths | paste "$scratch/all" - |
        awk -F'\t' '$2 != $4' >"$scratch/wrong"
    if [[ -s $scratch/wrong ]]; then
        echo "$path: $(wc -l <"$scratch/wrong") instructions have another length than objdump says:"
        head -20 "$scratch/wrong"
        exit 1
    fi
    checked=$((checked + $(wc -l <"$scratch/all")))
done
echo "$checked instructions"
((checked > 100000))
