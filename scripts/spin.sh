#!/usr/bin/env bash
# spin.sh: every interleaving of the model of pinned recycling (alloc/src/recycle.pml), and of two
# versions of it that are wrong and must be found so. Exit status 77 where spin is not installed.
set -euo pipefail
model=$(realpath "$(dirname "$0")/../alloc/src/recycle.pml")
command -v spin >/dev/null || { echo "spin is not installed: apt-get install spin"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# explore NAME ERRORS [SPIN OPTION]: the number of errors that spin reports, none or one.
explore() {
    local name=$1 wanted=$2
    spin "${@:3}" -a "$model" >spin.log
    ${CC:-cc} -O2 -w -DSAFETY -o pan pan.c
    ./pan -m1000000 >pan.log
    if grep -q 'search not completed\|max search depth too small' pan.log && [[ $wanted == 0 ]]; then
        cat pan.log
        echo "spin: $name: the search is not complete"
        exit 1
    fi
    if ! grep -q "errors: $wanted\$" pan.log; then
        cat pan.log
        echo "spin: $name: wanted $wanted errors"
        exit 1
    fi
    awk -v name="$name" '/states, stored/ { states = $1 } /^pan:1: assertion/ { what = ": " $0 }
        END { printf "spin: %s: %d states%s\n", name, states, what }' pan.log
}

explore "chunk first, checked" 0
explore "control: slab first" 1 -DSWAPPED
explore "control: reset unchecked" 1 -DUNCHECKED
