#!/usr/bin/env bash
# kernel_access.sh PROGRAM PRELOAD SOURCE: what the kernel does with a stale buffer is caught at the line that
# makes the call.
set -uo pipefail
program=$1 preload=$2 source=$3
line=$(grep -n '/\* here \*/' "$source" | cut -d: -f1)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" || { echo "FAIL: without the preload library: exit $?"; exit 1; }
LD_PRELOAD=$preload ZK_ALLOC_AUDIT=trap ZK_ALLOC_AUDIT_OUT=$work/report "$program" ||
    { echo "FAIL: under the trap: exit $?: a system call failed"; exit 1; }
for access in read write; do
    # the first frame of access_site, in access_module
    awk -F'\t' -v access=$access '$1 == "touched" && $2 == access { split($14, site, /[+;]/); print $15, site[2] }' \
        "$work/report" | while read -r module offset; do addr2line -e "$module" "$offset"; done |
        grep -E "kernel_access\.c:$line( |$)" >/dev/null ||
        { echo "FAIL: no $access caught at line $line:"; cat "$work/report"; exit 1; }
done
