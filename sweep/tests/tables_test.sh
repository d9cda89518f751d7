#!/usr/bin/env bash
# tables_test.sh BUILD SOURCE [SANITIZER]: a set of tables is replaced as a whole or not at all, by
# one sweep at a time; a failed write gives a message and an exit status.
set -uo pipefail
sweep=$1/sweep/zk-sweep
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
# shellcheck source=sweep/tests/fakes.sh
. "$(dirname "$0")/fakes.sh"
for name in alpha beta gamma; do fake $name; done
# keeps WHAT: the folder of tables is unchanged
keeps() {
    check "$1: the tables are not as they were" diff -r "$work/before" "$work/out"
    check "$1: something is left beside the tables" test "$(find "$work/out" -name '.*' -type f | wc -l)" -eq 0
}
sweep_into() { "$sweep" --repro-dir "$fakes" --out "$work/out" "$@"; }
check "a sweep" sweep_into >/dev/null
check "a sweep leaves something beside its tables" test "$(ls -A "$work/out" | paste -sd' ')" = "laws.tsv matrix.tsv sweep.tsv thresholds.tsv"
cp -r "$work/out" "$work/before"
for name in alpha beta gamma; do fake $name 'outcome=corrupt'; done # so that the new tables differ

# A folder that cannot be written to is reported before any run is made.
early() { # early PATTERN PATH
    rm -f "$work/calls"
    run 2 "$sweep" --repro-dir "$fakes" --out "$2"
    says "^zk-sweep: .*$1"
    one_line
    check "$1: it ran something first" test ! -e "$work/calls"
}
early 'no/such/folder: No such file or directory: choose' "$work/no/such/folder"
early 'before/sweep.tsv: File exists|Not a directory' "$work/before/sweep.tsv"
early ': No such file or directory' ''
mkdir "$work/out/dir" && mv "$work/out/laws.tsv" "$work/laws" && mv "$work/out/dir" "$work/out/laws.tsv"
early 'out/laws.tsv: not a regular file' "$work/out"
rmdir "$work/out/laws.tsv" && mv "$work/laws" "$work/out/laws.tsv"
keeps "a folder in the place of a table"

# A full disk, with room for one table of four and not for the rest; and a limit on the size of files.
full() {
    mount -t tmpfs -o "size=$1k" none "$work/disk" && cp "$work/before/"* "$work/disk/" || exit 9
    "$sweep" --repro-dir "$fakes" --out "$work/disk" >/dev/null 2>"$work/said"
    status=$?
    ls -A "$work/disk" >"$work/files"
    cp "$work/disk"/* "$work/after/"
    [[ $status -eq 2 ]]
}
export -f full
export sweep work fakes
mkdir "$work/disk" "$work/after"
for size in 28 32 36 40 44 48; do
    unshare -rm bash -c "full $size" 2>/dev/null
    status=$?
    if [[ $status -eq 9 ]] || ! unshare -rm true 2>/dev/null; then
        echo "no file system of one's own here: not on a full disk"
        status=9
        break
    fi
    [[ $status -eq 0 ]] || continue # there was room
    full_once=yes
    check "a disk of $size K: the tables are not as they were" diff -r "$work/before" "$work/after"
    check "a disk of $size K: something is left: $(paste -sd' ' "$work/files")" test "$(wc -l <"$work/files")" -eq 4
    check "a disk of $size K: $(<"$work/said")" grep -q 'No space left on device: the tables there are as before$' "$work/said"
done
[[ $status -eq 9 || ${full_once:-} == yes ]] || fail "no disk was full"
rm "$work/calls" && mkdir "$work/calls" # a log of the calls would hit the limit too
run 2 bash -c "ulimit -f 1; exec '$sweep' --repro-dir '$fakes' --out '$work/out'"
says 'sweep.tsv: cannot be written: File too large: the tables there are as before'
keeps "a limit on the size of files"
rmdir "$work/calls"

# If one rename of several fails, the tables before it are put back. If a sweep is killed between
# renames, the next sweep puts them back.
if [[ -z ${3:-} ]]; then # a sanitizer insists on being the first library that is loaded
cat >"$work/fails.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static const char *fails, *kills;
__attribute__((constructor)) static void load(void)
{
    fails = getenv("FAILS") ? strdup(getenv("FAILS")) : NULL;
    kills = getenv("KILLS") ? strdup(getenv("KILLS")) : NULL;
}
/* Fails, or is the last thing that is done, where the new name is the one. */
int renameat(int from, const char *old, int to, const char *new)
{
    int (*next)(int, const char *, int, const char *) = dlsym(RTLD_NEXT, "renameat");
    if (kills && strcmp(new, kills) == 0)
        kill(getpid(), SIGKILL);
    if (fails && strcmp(new, fails) == 0 && strstr(old, ".new")) {
        errno = EIO;
        return -1;
    }
    return next(from, old, to, new);
}
END
cc -shared -fPIC -o "$work/fails.so" "$work/fails.c" -ldl
for table in sweep thresholds matrix laws; do
    run 2 env LD_PRELOAD="$work/fails.so" FAILS=$table.tsv "$sweep" --repro-dir "$fakes" --out "$work/out"
    says "$table.tsv: cannot be replaced: Input/output error: the tables there are as before"
    keeps "$table.tsv cannot be renamed"
    run 137 bash -c "exec env LD_PRELOAD='$work/fails.so' KILLS=$table.tsv '$sweep' --repro-dir '$fakes' --out '$work/out'"
    run 2 "$sweep" --repro-dir "$fakes" --out "$work/out" --merge "$work/nothing" # any command that opens the folder
    says 'a sweep was killed while it replaced tables: they are again as before'
    keeps "killed before $table.tsv was renamed"
done
# The same where there were no tables before.
run 2 env LD_PRELOAD="$work/fails.so" FAILS=matrix.tsv "$sweep" --repro-dir "$fakes" --out "$work/fresh"
check "a folder is left that was not there" test ! -e "$work/fresh"
fi

# Two sweeps into one folder: the second fails at once, with a message; the first goes on.
fake slow '[[ -e $work/go ]] || { touch "$work/started"; while [[ ! -e $work/go ]]; do sleep 0.05; done; }'
"$sweep" --repro-dir "$fakes" --out "$work/out" >/dev/null 2>"$work/first" &
first=$!
for _ in $(seq 200); do
    [[ -e $work/started ]] && break
    sleep 0.05
done
run 2 "$sweep" --repro-dir "$fakes" --only alpha --out "$work/out"
says "out: another zk-sweep \(process $first\) writes there: wait for it, or choose another --out"
one_line
touch "$work/go"
check "the first one did not get to its end: $(<"$work/first")" wait "$first"
check "the first one did not write" grep -q '^slow' "$work/out/matrix.tsv"
# The lock file of a sweep that was killed does not block.
touch "$work/out/.zk-sweep.lock"
check "a lock that nobody holds" sweep_into >/dev/null
rm "$fakes/slow"
check "tables of repros that are no more are replaced" sweep_into >/dev/null
rm -rf "$work/before" && cp -r "$work/out" "$work/before"

# A part must not replace the whole: refused before any run, and the table is named. The whole may
# replace a part, and a part itself.
part() { # part PATTERN OPTION...
    rm -f "$work/calls"
    run 2 "$sweep" --repro-dir "$fakes" --out "$work/out" "${@:2}"
    says "$1"
    one_line
    check "$*: it ran something first" test ! -e "$work/calls"
    keeps "$*"
}
part 'sweep.tsv: has rows of beta that this part .*choose another --out' --only alpha
part 'sweep.tsv: has rows of alpha --profile flush that this part' --profile route
part 'sweep.tsv: has rows of alpha --profile flush that this part' --min-bytes 0
part 'sweep.tsv: has rows of beta that' --shard 1/3
run 0 "$sweep" --repro-dir "$fakes" --only alpha --out "$work/part"
run 0 "$sweep" --repro-dir "$fakes" --only alpha --out "$work/part"
run 0 "$sweep" --repro-dir "$fakes" --out "$work/part"
check "the whole over a part is not the whole" diff -r "$work/out" "$work/part"

# stdout is full or closed; for everything that is printed.
for what in "--list" "--help" "--version" "--profile system"; do
    # shellcheck disable=SC2086
    run 2 bash -c "exec '$sweep' --repro-dir '$fakes' $what >/dev/full"
    says '^zk-sweep: stdout: No space left on device'
    run 2 bash -c "exec '$sweep' --repro-dir '$fakes' $what >&-"
    says '^zk-sweep: stdout is closed'
    one_line
done
run 0 bash -c "exec '$sweep' --repro-dir '$fakes' --profile system <&- 2>&-"

conclude tables_test
