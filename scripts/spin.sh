#!/usr/bin/env bash
# spin.sh: checks every interleaving of the models of pinned recycling (alloc/arena/recycle.pml) and
# of who holds a slab (alloc/arena/holders.pml); and of wrong versions of them, whose errors must be
# found. Exits with 77 if spin is not installed.
set -euo pipefail
models=$(realpath "$(dirname "$0")/../alloc/arena")
command -v spin >/dev/null || { echo "spin is not installed: apt-get install spin"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# explore MODEL NAME ERRORS [SPIN OPTION]: the number of errors that spin reports, none or one.
explore() {
    local model=$models/$1.pml name="$1: $2" wanted=$3
    spin "${@:4}" -a "$model" >spin.log
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
    awk -v name="$name" '/states, stored/ { states = $1 } /^pan:1: assertion/ { what = ": " substr($0, 1, 90) }
        END { printf "spin: %s: %d states%s\n", name, states, what }' pan.log
}

explore recycle "chunk first, checked" 0
explore recycle "control: slab first" 1 -DSWAPPED
explore recycle "control: reset unchecked" 1 -DUNCHECKED

explore holders "two slabs" 0
explore holders "one slab" 0 -DSLABS=1
explore holders "control: a thread of that number is asked for" 1 -DKILL
explore holders "control: anybody settles" 1 -DANYBODY
explore holders "control: claims see no epoch" 1 -DEPOCHLESS
explore holders "control: settled within a claim" 1 -DHASTY
explore holders "control: moves not looked at" 1 -DUNMOVED
explore holders "control: slabs forgotten" 1 -DKEPT
explore holders "control: the lock knows no epochs" 1 -DUNLOCKED -DSLABS=1
