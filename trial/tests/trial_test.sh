#!/usr/bin/env bash
# trial_test.sh BUILD SOURCE - zk-trial on programs in C, C++ and Rust that know nothing of phases:
# all measurements are there, and its answer agrees with its table. No time is compared with
# anything.
set -uo pipefail
build=$1 here=$(cd "$(dirname "$0")" && pwd)
trial=$build/sweep/zk-trial
[[ -x $trial ]] || { echo "zk-trial is not built"; exit 77; }
for tool in hyperfine jq od cmp; do
    command -v $tool >/dev/null || { echo "$tool is not installed: scripts/bootstrap.sh --all"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 3
mkdir tmp
export TMPDIR=$work/tmp
checks=0 failures=0
. "$here/begin_at_programs.sh"

check() { # check WHAT COMMAND...
    checks=$((checks + 1))
    "${@:2}" >check.out 2>&1 || { failures=$((failures + 1)) && echo "FAIL: $1:" && sed 's/^/  /' check.out; }
}
# tried STATUS OPTION...: runs zk-trial, with output in trial.out and trial.err
tried() {
    local status=0
    "$trial" "${@:2}" >trial.out 2>trial.err </dev/null || status=$?
    [[ $status == "$1" ]] || { echo "status $status"; cat trial.out trial.err; return 1; }
}
says() { grep -qE "$1" "$2" || { cat "$2"; return 1; }; }
lacks() { ! grep -qE "$1" "$2" || { cat "$2"; return 1; }; }
# measured ALLOCATOR METRIC CONDITION: checks the median in trial.out
measured() {
    awk -F'\t' -v allocator="$1" -v metric="$2" "\$1 == allocator && \$2 == metric { found = 1; if (!(\$4 != \"NA\" && $3)) bad = 1 }
        END { exit !found || bad }" trial.out || { grep "^$1	$2	" trial.out; return 1; }
}

# ---- C: a table

c_program
cc -O2 -g -o prover prover.c
check "C" tried 0 --begin-at prove --rounds 3 --only pinned,pinned_0,blind --tsv -- ./prover 6
check "the header" says '^allocator	metric	unit	median	ratio_to_glibc	low	high	rounds	judgement$' trial.out
check "a row for each allocator and metric" test "$(wc -l <trial.out)" == $((1 + 5 * 7))
for allocator in glibc pinned pinned_0 blind; do
    for metric in warm first wall peak page_faults; do
        check "$allocator $metric" measured $allocator $metric '$4 > 0 && $8 == 3'
    done
done
check "glibc is the reference" measured glibc warm '$5 == 1 && $9 == "reference"'
check "it is sorted" diff <(tail -n +2 trial.out) <(tail -n +2 trial.out | LC_ALL=C sort)

# ---- Output for people, as a document, as a figure

check "for people" tried 0 --begin-at prove --end-at finish --rounds 3 --only pinned,blind --figure "$work/figure.svg" -- ./prover 6
check "the bound" says 'blind: ZK_ALLOC_MIN_BYTES=5001, as the audit guarantees' trial.out
check "is it safe" says 'blocks of up to 5000 bytes are kept from one phase into the next' trial.out
check "what to set" says 'Set ' trial.out
check "no bar but on a terminal" lacks '\[#* *\]' trial.err
if command -v gnuplot >/dev/null; then check "a figure" says '<svg' figure.svg; fi

# on_terminal COLUMNS: what it says on a terminal that is so wide, to trial.out
on_terminal() {
    NO_COLOR=1 script -qec "stty cols $1; '$trial' --begin-at prove --rounds 1 --only pinned,blind -- ./prover 6" /dev/null </dev/null |
        tr -d '\r' | sed 's/^.*\x1b\[K//' >trial.out
}
progress_fits() { # progress_fits COLUMNS: each line of the bar is shorter than the terminal is wide
    script -qec "stty cols $1; '$trial' --begin-at prove --rounds 1 --only pinned -- ./prover 6" /dev/null </dev/null | tr '\r' '\n' |
        sed -n 's/^\x1b\[K//p' | awk -v columns="$1" 'length >= columns { print; bad = 1 } END { exit bad || NR < 4 }'
}
fits() { awk -v columns="$1" 'length > columns && NF > 1 { print; bad = 1 } END { exit bad || NR < 10 }' trial.out; }
for columns in 150 80 40; do
    on_terminal $columns
    check "at $columns: no line is wider, but for a word that is" fits $columns
    check "at $columns: no line ends in a blank" lacks ' $' trial.out
    for metric in warm first wall cpu page_faults peak; do
        check "at $columns: $metric has one column" test "$(grep -cE "^allocator .*\b$metric\b" trial.out)" == 1
    done
    check "at $columns: each table names the allocators" test "$(grep -c '^pinned ' trial.out)" == "$(grep -c '^allocator ' trial.out)"
done
check "at 40: the bar is one line" progress_fits 40
check "where it fits there is one table" on_terminal 150
check "of all columns" says '^allocator +warm +first +wall +cpu +page_faults +peak( +instructions)?$' trial.out
check "what pinned_0 is, is said" tried 0 --begin-at prove --rounds 1 --only pinned_0 -- ./prover 6
check "by its setting" says '^  pinned_0: .*ZK_ALLOC_MIN_BYTES=0' trial.out
check "and no other's" lacks '^  (pinned|glibc_tuned):' trial.out
check "no blank at an end" lacks ' $' trial.out
check "one round tells nothing" tried 0 --begin-at prove --rounds 1 --only pinned --json -- ./prover 6
check "and says so" jq -e '.verdict == "unsafe" and .guaranteed == 5001 and (.answer | test("fewer than three rounds"))' trial.out
check "every other is NA or a number" jq -e '[.results[] | .median | numbers // "null"] | length == 21' trial.out

# ---- What to set

cat >favours.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
__attribute__((noinline)) void finish(void) { __asm__ volatile(""); } /* one byte, then prove */
__attribute__((noinline)) void prove(const char *preloaded)
{
    void *volatile p = malloc(10000); /* first line */
    free(p);
    usleep(strstr(preloaded, "libzkalloc") ? 1000 : 30000);
    finish();
}
int main(void)
{
    for (int i = 0; i < 4; i++)
        prove(getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "");
    return 0;
}
END
cc -O1 -g -o favours favours.c
# advised BEGIN END WANTED: what it says to set for the arena, and a program runs with that
advised() {
    local settings
    tried 0 --begin-at "$1" --end-at "$2" --rounds 3 --only pinned -- ./favours || return
    settings=$(sed -n '/^Set /,$p' trial.out | tr '\n' ' ' | sed 's/^Set //; s/ (the address.*//; s/ $//')
    [[ $settings =~ ^LD_PRELOAD=[^\ ]+\ $3$ ]] || { echo "set: $settings"; return 1; }
    eval "env $settings ./favours"
}
check "the names of functions" advised prove finish 'ZK_ALLOC_BEGIN_AT=prove ZK_ALLOC_END_AT=finish'
check "no word of an address" lacks 'address' trial.out
check "a line by its address" advised "favours.c:$(grep -n 'first line' favours.c | cut -d: -f1)" finish \
    'ZK_ALLOC_BEGIN_AT=[^ ]+/favours\+0x[0-9a-f]+ ZK_ALLOC_END_AT=finish'
check "which holds for this build" says '\(the address is' trial.out

# ---- State, output, failures

printf '#!/bin/sh\necho run >>%s/runs\n[ ! -e %s/state ] || exit 9\n: >%s/state\nexec ./prover 4\n' "$work" "$work" "$work" >stateful.sh
chmod +x stateful.sh
check "a program that changes a file fails" tried 2 --begin-at prove --rounds 1 --only pinned -- ./stateful.sh
check "and it is said with which" says 'the program fails with' trial.err
rm -f state
check "it is put back before each run" tried 2 --begin-at prove --rounds 1 --only pinned --command-per-round false -- ./stateful.sh
check "a command that fails is told" says 'command-per-round fails: false' trial.err
check "what fails is shown" tried 2 --begin-at prove --rounds 1 -- ./prover 4 7
check "with its output" says '^  \| [0-9]+$' trial.err
cat >tells.c <<'END'
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) int prove(int i) { void *volatile p = malloc(10000); free(p); return i; }
int main(void)
{
    int sum = 0;
    for (int i = 0; i < 100; i++)
        sum += prove(i);
    printf("%d %s\n", sum, getenv("ZK_ALLOC_MIN_BYTES") ? "routed" : "plain");
    return 0;
}
END
cc -O1 -o tells tells.c
check "another output" tried 0 --begin-at prove --rounds 1 --only pinned,pinned_0 -- ./tells
check "is told" says 'what the program writes is another than with glibc, with: pinned_0' trial.err
sed 's/getenv("ZK_ALLOC_MIN_BYTES")/(unsigned long)\&sum % 1024 \&\& 0/; s/%d %s/%d %p/; s/? "routed" : "plain"/? 0 : (void *)\&sum/' tells.c >random.c
cc -O1 -o random random.c && check "an output that is never the same" tried 0 --begin-at prove --rounds 2 --only pinned -- ./random
check "is not compared" says 'differs from run to run, with glibc as well' trial.err

# ---- An allocator inside

cat >inside.c <<'END'
#include <stddef.h>
static char room[1 << 20];
static size_t used;
__attribute__((noinline)) void *mi_malloc(size_t bytes) { return used + bytes > sizeof room ? room : room + (used += bytes) - bytes; }
__attribute__((noinline)) int prove(int i) { char *volatile p = mi_malloc(100); *p = (char)i; return *p; }
int main(void)
{
    int sum = 0;
    for (int i = 0; i < 100; i++)
        sum += prove(i);
    return sum == 0;
}
END
cc -O1 -o inside inside.c
check "an allocator inside" tried 1 --begin-at prove -- ./inside
check "is named" says 'own allocator inside: mimalloc' trial.err
check "and what to do" says 'Build it without' trial.err
echo '{ prove; };' >exported # exported, so the function can still be found
cc -O1 -s -Wl,--dynamic-list=exported -include /dev/stdin inside.c -o stripped \
    <<<'__attribute__((used)) static const char message[] = "mimalloc: error: ";'
check "an allocator inside a stripped program" tried 1 --begin-at prove -- ./stripped
check "is guessed, and told so" says 'own allocator inside: probably mimalloc, by a text in it' trial.err

# ---- Errors are reported in one line

for wrong in "--begin-at no_such -- ./prover" "-- ./prover" "--begin-at prove" "--begin-at prove --rounds 0 -- ./prover" \
    "--begin-at prove --only nothing -- ./prover" "--begin-at prove --figure x.pdf -- ./prover" "--begin-at tiny -- ./prover" \
    "--nothing" "--begin-at prove --min-time x -- ./prover" "--begin-at finish_ -- ./prover" "--begin-at prove -- ./nothing"; do
    # shellcheck disable=SC2086 # several words
    check "$wrong" tried 2 $wrong
    check "$wrong: one line" test "$(grep -c '^zk-trial: ' trial.err) $(wc -l <trial.err) $(wc -c <trial.out)" == "1 1 0"
done
check "a function that is never entered" tried 2 --begin-at prove -- ./prover 0
check "is told" says 'prove was never entered' trial.err

# ---- If interrupted, it reports what is known

cat >slow.c <<'END'
#include <stdlib.h>
#include <unistd.h>
__attribute__((noinline)) int prove(int i) { void *volatile p = malloc(10000); free(p); usleep(2000); return i; }
int main(void)
{
    int sum = 0;
    for (int i = 0; i < 100; i++)
        sum += prove(i);
    return sum == 0;
}
END
cc -O1 -o slow slow.c
# When the first round has a run, however long that takes.
interrupted() {
    local status=0 pid
    set -m # or bash starts it with SIGINT ignored
    "$trial" --begin-at prove --rounds 500 --only pinned --tsv -- ./slow >trial.out 2>trial.err </dev/null &
    pid=$!
    set +m
    until grep -q '^glibc	1	' tmp/*/runs 2>/dev/null || ! kill -0 $pid; do sleep 0.1; done
    kill -INT $pid
    wait $pid || status=$?
    [[ $status == 130 ]] && says 'interrupted: what is known so far' trial.err && measured glibc warm '$8 > 0'
}
check "interrupted" interrupted
check "nothing is left" test -z "$(find tmp -mindepth 1)"

# ---- C++ and Rust, with all installed allocators

if command -v c++ >/dev/null; then
    cxx_program
    c++ -O2 -o prover_cxx prover.cc
    check "C++" tried 0 --begin-at Prover::prove --rounds 1 --tsv -- ./prover_cxx
    for allocator in $(cut -f1 trial.out | sort -u | grep -v allocator); do
        check "C++: $allocator" measured "$allocator" warm '$4 > 0'
    done
fi
if command -v rustc >/dev/null && rust_program && rustc --edition 2021 -O -o prover_rust prover.rs 2>/dev/null; then
    check "Rust" tried 0 --begin-at stark::prove --rounds 1 --tsv --only pinned -- ./prover_rust
    check "Rust: pinned" measured pinned warm '$4 > 0'
fi
# ---- From a folder whose path LD_PRELOAD cannot contain

check "it is installed elsewhere" cmake --install "$build" --prefix "$work/with a space"
trial="$work/with a space/bin/zk-trial"
check "a path with a space" tried 0 --begin-at prove --rounds 1 --only pinned --tsv -- ./prover 6
check "a path with a space: the probe is loaded" measured glibc warm '$4 > 0'
check "a path with a space: pinned is loaded" measured pinned warm '$4 > 0'
check "a path with a space: no link is left" test -z "$(find tmp -mindepth 1)"
export TMPDIR="$work/with a space"
check "nor anywhere to link from" tried 2 --begin-at prove --rounds 1 --only pinned --tsv -- ./prover 6
check "nor anywhere to link from: said" says 'LD_PRELOAD cannot hold this path: set TMPDIR' trial.err

echo "trial_test: $checks checks, $failures failed"
((failures == 0 && checks > 40))
