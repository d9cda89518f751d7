#!/usr/bin/env bash
# disk_test.sh SOURCE: with a full disk, a full stdout, a folder in the place of a file, and two
# publishers at the same time, a set of tables is replaced completely or not at all; a failure gives
# a message and an exit status that is not 0. The full disk is a small tmpfs, which only root can
# mount: otherwise, that part is skipped.
set -uo pipefail
scripts=$1/scripts
# shellcheck source=../test_helpers.sh
. "$scripts/test_helpers.sh"

# A program that publishes three tables of SIZE bytes each, and prints a line.
cat >"$work/publisher" <<'PUBLISHER'
#!/usr/bin/env bash
set -euo pipefail
name=publisher results=$2 work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$1/script_common.sh"
for table in a b c; do head -c "$3" /dev/zero | tr '\0' "$4" >"$work/$table.tsv"; done
[[ $3 -gt 0 ]] || : >"$work/c.tsv"
publish a.tsv b.tsv c.tsv
echo published
PUBLISHER
chmod +x "$work/publisher"
publisher() { "$work/publisher" "$scripts" "$@"; }
all_of() { # all_of FOLDER LETTER SIZE: three tables that consist of that letter, and nothing else in the folder
    [ "$(ls -A "$1")" = $'a.tsv\nb.tsv\nc.tsv' ] &&
        [ "$(cat "$1"/*.tsv | tr -d "$2" | wc -c) $(cat "$1"/*.tsv | wc -c)" = "0 $((3 * $3))" ]
}

mkdir "$work/results"
run 0 publisher "$work/results" 1000 x
check "three tables are published" all_of "$work/results" x 1000
run 2 publisher "$work/results" 0 y
says '^publisher: a.tsv: empty: nothing is written'
check "an empty table: the others changed" all_of "$work/results" x 1000
rm "$work/results/c.tsv"
mkdir "$work/results/c.tsv"
run 2 publisher "$work/results" 1000 y
says 'c.tsv: cannot be written: nothing is'
check "a folder in the way: the others changed" [ "$(tr -d x <"$work/results/a.tsv" | wc -c)" -eq 0 ]
check "a folder in the way: something is left" [ "$(find "$work/results" -name '.*.new*' | wc -l)" -eq 0 ]
rmdir "$work/results/c.tsv"

# Two publishers at the same time, several times: the tables are all from one or all from the other.
for _ in 1 2 3 4 5 6 7 8; do
    publisher "$work/results" 300000 x >/dev/null & first=$!
    publisher "$work/results" 300000 y >/dev/null & second=$!
    wait $first $second
    letter=$(head -c 1 "$work/results/a.tsv")
    check "two at a time: tables of both" all_of "$work/results" "$letter" 300000
done

# A full disk: room for two of three new tables.
if [[ $EUID -eq 0 ]] && mkdir "$work/disk" && mount -t tmpfs -o size=640k none "$work/disk" 2>/dev/null; then
    trap 'umount "$work/disk"; rm -rf "$work"' EXIT
    run 0 publisher "$work/disk" 100000 x
    run 2 publisher "$work/disk" 200000 y
    says '[.]tsv: cannot be written: nothing is: want a file in a folder that has room'
    check "a full disk: a set of both" all_of "$work/disk" x 100000
    # The disk of a script's temporary folder is full: no partial file is taken for a table.
    mkdir "$work/disk/tmp"
    head -c 1000000 /dev/zero >"$work/disk/tmp/full" 2>/dev/null
    cp "$scripts/../results"/{thresholds,matrix,laws,sweep,bench}.tsv "$work/results"
    cp "$scripts/../README.md" "$work/readme"
    run_on_full() { TMPDIR=$work/disk/tmp "$@"; }
    checks=$((checks + 1))
    run_on_full "$scripts/readme.sh" "$work/results" "$work/readme" >/dev/null 2>&1 && fail "readme.sh: exit 0 without room to work"
    check "readme.sh: README changes without room to work" cmp -s "$scripts/../README.md" "$work/readme"
else
    echo "disk_test: no small disk can be mounted here: skipped"
fi

# A stdout that is full.
: >"$work/lib"
mkdir -p "$work/build/bench/lifetimes" "$work/build/alloc"
printf '#!/bin/sh\necho 1.00\n' >"$work/build/bench/malloc_pair"
printf '#!/bin/sh\necho 1.00\n' >"$work/build/bench/alloc_pair"
printf '#!/bin/sh\necho 1.00\n' >"$work/build/bench/audit_cost"
printf '#!/bin/sh\nprintf "a\\tus\\t1\\n"\n' >"$work/build/bench/begin_cost"
printf '#!/bin/sh\nprintf "seconds\\t1\\n"\n' >"$work/build/bench/lifetimes/fake"
chmod +x "$work/build/bench"/* "$work/build/bench/lifetimes/fake"
: >"$work/build/alloc/libzkalloc-preload.so"
for command in "bench_preload.sh $work/build 1" "bench_audit.sh $work/build 1" "bench_micro.sh $work/build $work/none --quick" \
    "lifetime.sh $work/build fake"; do
    checks=$((checks + 1))
    # shellcheck disable=SC2086 # words
    "$scripts"/$command >/dev/full 2>/dev/null && fail "$command >/dev/full: exit 0"
done
check "bench_micro.sh >/dev/full: tables are written" [ ! -e "$work/none/pairs.tsv" ]
conclude disk_test
