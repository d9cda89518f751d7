#!/usr/bin/env bash
# preload_path_test.sh BUILD: the preload library reaches the program wherever it is, whatever
# characters its path has.
set -uo pipefail
build=$1
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
cat >"$work/program.c" <<'END'
#include <stdlib.h>
#include <string.h>
/* Not linked with zkalloc: whatever is seen comes from the preload library. */
int main(void)
{
    char *kept[100];

    for (int i = 0; i < 100; i++)
        memset(kept[i] = malloc(5000), 1, 5000);
    for (int i = 0; i < 100; i++)
        free(kept[i]);
    return 0;
}
END
cc -O0 -g -o "$work/program" "$work/program.c"
for name in plain 'with a space' 'with:colon' 'with$dollar' 'all: of $them'; do
    mkdir -p "$work/$name/sweep" "$work/$name/alloc"
    cp "$build/sweep/zk-audit" "$work/$name/sweep/"
    cp "$build/alloc/libzkalloc-preload.so" "$work/$name/alloc/"
    rm -rf "$work/tmp"/* # from here on, nothing of ours may be left there
    run 1 "$work/$name/sweep/zk-audit" --tsv --chaos 20:1 -- "$work/program"
    row '^freed_late 5000 '
    silent_on 'cannot be preloaded'
    check "'$name' leaves something in TMPDIR" test -z "$(ls -A "$work/tmp")"
done
# A TMPDIR whose path LD_PRELOAD cannot contain.
mkdir -p "$work/t m p"
TMPDIR="$work/t m p" run 1 "$work/with a space/sweep/zk-audit" --tsv --chaos 20:1 -- "$work/program"
row '^freed_late 5000 '
check "something is left in /tmp" test -z "$(find /tmp -maxdepth 1 -name 'zk-audit-library.*' -newer "$work/program")"

conclude preload_path_test
