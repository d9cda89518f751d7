#!/usr/bin/env bash
# audit_test.sh BUILD SOURCE [SANITIZER]: zk-audit on the real library, and on fake programs, shell
# scripts that only write the reports that the library would: for cases that no small program can
# cause.
set -uo pipefail
build=$1 source=$2 sanitizer=${3:-}
audit=$build/sweep/zk-audit table=$build/examples/retained_table
# A sanitizer's exit status must not be mistaken for an answer. Programs under audit are not checked
# for leaks: once libdw has been opened, LeakSanitizer can mistake the address of its thread-local
# memory, and crash. zk-audit itself is checked further down.
export ASAN_OPTIONS=exitcode=99:detect_leaks=0 TSAN_OPTIONS=${TSAN_OPTIONS:-}:exitcode=99
. "$(dirname "$0")/../../scripts/test_helpers.sh"
fits() { # the report fits on one screen
    check "$what: more than 24 lines: $said" test "$(wc -l <<<"$said")" -le 24
    check "$what: a line of more than 100 columns: $said" test "$(wc -L <<<"$said")" -le 100
}

# ---- The example, by the lines that its comments mark.

line_of() { grep -n "/\* $1 \*/" "$source/examples/retained_table.c" | cut -d: -f1; }
made_line=$(line_of 'allocated here') used_line=$(line_of 'used here, one phase later')
made="retained_table.c:$made_line \\(table_make\\)"
used="retained_table.c:$used_line \\(table_sum\\)"
sum='the sum is 2100225, and should be 2100225'
# In a build for ThreadSanitizer the trap sees no system calls (alloc/audit/dispatch.c), and says
# so.
touched=16401 nothing=0 exactness=exact unseen_status=0 unseen='SAFE at MIN_BYTES 20000: .* \(census: NA\)$'
if [[ $sanitizer == thread ]]; then
    touched='at least 16401' nothing=NA exactness=at_least unseen_status=3 unseen='NO VERDICT at MIN_BYTES 20000: '
fi

run 1 "$audit" -- "$table"
says '^UNSAFE at MIN_BYTES 4096: 1 block of 16400 bytes is retained, and touched later$' \
    '^guaranteed +16401 ' "^touched +$touched " "^  [^ ]*$made: 1 block of 16400 bytes, 1 thread, touched later$" \
    "^    read at offset 0 by [^ ]*$used, 1 phase later$" '^Set ZK_ALLOC_MIN_BYTES=16401$' \
    '^  It moves .* % of the arena.s bytes to system \([0-9]+ per phase\)\.$' '^Pinned keeps .* \(blind recycling\)\.$'
fits
check "$what: the program's output is not there once: $out" test "$out" = "$sum"
run 1 "$audit" --min-bytes 16400 -- "$table"
says '^UNSAFE at MIN_BYTES 16400: '
run 0 "$audit" --min-bytes 16401 -- "$table"
says '^SAFE at MIN_BYTES 16401: every retained block is smaller, the largest has 16400 bytes$' "$made.*below MIN_BYTES"
run 0 "$audit" --min-bytes 32K -- "$table"
says '^SAFE at MIN_BYTES 32768: '
ZK_ALLOC_MIN_BYTES=16401 run 0 "$audit" "$table"
run 0 "$audit" -- "$table" --fixed
says '^SAFE at MIN_BYTES 4096: no block is retained$' '^guaranteed +0 ' "^touched +$nothing " '^Pinned keeps '
silent_on 'Set ZK_ALLOC'
check "$what: output: $out" test "$out" = "$sum"
pushd "$source" >/dev/null || exit 1
run 1 "$audit" --census -- "$table"
popd >/dev/null || exit 1
says "^  examples/$made" '\(touched: NA\)$' '^guaranteed +16401 ' '^touched +NA '
run 1 "$audit" --trap -- "$table"
says '^UNSAFE at MIN_BYTES 4096: blocks of up to 16400 bytes' '^guaranteed +NA ' "^touched +$touched " "$used" '=16401$'
check "$what: the trap run's output, when it is the first: $out" test "$out" = "$sum"
ZK_ALLOC_MIN_BYTES=20000 run "$unseen_status" "$audit" --trap -- "$table"
says "^$unseen"
run 1 "$audit" --census --trap -- "$table"
says "$made" "$used"
# What is found is true: blind recycling loses the table below the bound, but not at it.
if [[ -z $sanitizer ]]; then
    ZK_ALLOC_RECYCLE=blind ZK_ALLOC_MIN_BYTES=16400 run 0 "$table"
    check "blind recycling keeps the table: $out" test "$out" != "$sum"
    ZK_ALLOC_RECYCLE=blind ZK_ALLOC_MIN_BYTES=16401 run 0 "$table"
    check "the bound does not save the table: $out" test "$out" = "$sum"
fi

# --tsv: the table goes to stdout, the program's output to stderr; a second time gives the same.
columns='kind size count threads bytes phase_first phase_last module symbol file line'
columns+=' access access_module access_symbol access_file access_line site stacks access_site exactness asked'
run 1 "$audit" --tsv -- "$table"
check "$what: header" test "$(head -1 <<<"$out" | tr '\t' ' ')" = "$columns"
check "$what: rows of different length: $out" awk -F'\t' 'NF != 21 { exit 1 }' "$work/stdout"
row '^bound unsafe( NA){6} verdict( NA){12}$'
row '^bound 4096( NA){6} min_bytes( NA){10} exact NA$'
row '^bound 16401( NA){6} guaranteed( NA){10} exact NA$'
row "^bound 16401( NA){6} touched( NA){10} $exactness NA$"
row "^touched 16400 1 1 16400 1 2 [^ ]*/retained_table table_make [^ ]*/retained_table.c ${made_line} read "
row "^touched .* read [^ ]*/retained_table table_sum [^ ]*/retained_table.c ${used_line} retained_table\+0x"
says "^$sum$"
silent_on 'UNSAFE'
cp "$work/stdout" "$work/first"
run 1 "$audit" --tsv -- "$table"
check "$what: twice is not the same" diff "$work/first" "$work/stdout"
allocation=$(tail -1 <<<"$out" | cut -f17)

# ---- Usage.

usage() { # usage PATTERN ARGUMENT...
    local pattern=$1
    shift
    run 2 "$audit" "$@"
    says "^zk-audit: $pattern"
}
usage 'no program: ' --census
usage 'no program: ' --
usage '--most: no such option' --most -- true
usage '--top: its value is missing' --top
usage '--top 0: want' --top 0 -- true
usage '--top 1x: want' --top 1x -- true
usage '--min-bytes 1x: want' --min-bytes 1x -- true
usage '--min-bytes 99999999999G: want' --min-bytes 99999999999G -- true
usage '--chaos 0: want' --chaos 0 -- true
usage '--chaos 7:: want' --chaos 7: -- true
usage '.*/no-such-program: No such file' -- "$work/no-such-program"
usage "$work: Permission denied: " -- "$work"
TMPDIR=$work/no-such-folder run 2 "$audit" -- true
says 'no-such-folder: .*: set TMPDIR'
run 0 "$audit" --help
check "$what: not on stdout: $out" grep -q '^usage: zk-audit' <<<"$out"

# ---- Endings, with the real library.

cat >"$work/ending.c" <<'END'
#include "zkalloc.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *kept;

static void phase(int fresh)
{
    zk_begin_phase();
    if (fresh)
        kept = zk_malloc(5000);
    memset(kept, 1, 5000);
    zk_end_phase();
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";

    if (strcmp(how, "none") == 0)
        return 0;
    phase(1);
    if (strcmp(how, "clean-exit") == 0)
        return zk_free(kept), 7;
    if (strcmp(how, "fork") == 0 && fork() == 0) {
        phase(0);
        exit(0);
    }
    phase(0);
    wait(NULL);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "kill") == 0)
        raise(SIGKILL);
    if (strcmp(how, "_exit") == 0)
        _exit(0);
    return strcmp(how, "exit") == 0 ? 7 : 0;
}
END
read -ra sanitize <<<"${sanitizer:+-fsanitize=$sanitizer}"
check "cc" cc -std=gnu11 -g "${sanitize[@]}" -I"$source/alloc/include" "$work/ending.c" "$build/alloc/libzkalloc.a" \
    -pthread -ldl -o "$work/ending"
ending=$work/ending
run 4 "$audit" -- "$ending" exit
says '^UNSAFE ' '^The program failed: exit status 7 in the census run\.$' '^The program failed: .* trap run\.$'
run 3 "$audit" -- "$ending" clean-exit
says '^SAFE ' '^The program failed: exit status 7 in the census run\.$'
run 4 "$audit" -- "$ending" abort
says '^UNSAFE ' 'ending.c:15 \(phase\)' '^The program failed: it died of SIGABRT in the census run\.$'
run 3 "$audit" -- "$ending" kill
says '^NO VERDICT: there is no report$' 'died of SIGKILL' '^No report from 1 process of the census run: '
[[ -n $sanitizer ]] || { # the preload library sees the program
    run 1 "$audit" -- "$ending" _exit
    says '^UNSAFE '
}
run 3 "$audit" --tsv -- "$ending" none
says '^zk-audit: No phase was begun in the census run: nothing to audit'
row '^bound none( NA){6} verdict '
run 3 "$audit" -- "$ending" none
says '^NO VERDICT: there is no report$' '^No phase was begun in the census run: nothing to audit'
silent_on 'guaranteed'
run 1 "$audit" -- "$ending" fork
says '^UNSAFE .*: 2 blocks of up to 5000 bytes are retained, and touched later$'

# ---- Programs that only write what the library would.

export ASAN_OPTIONS=exitcode=99

cat >"$work/library.sh" <<'END'
out=${ZK_ALLOC_AUDIT_OUT//%p/$$}
tabs() { sed 's/^  *//; s/  */\t/g'; }
census() { # census <ROWS: only in the census run
    [[ $ZK_ALLOC_AUDIT != census ]] ||
        { echo phase_first phase_last site size count bytes threads module symbol file line; cat; } | tabs >"$out"
}
trap_() { # trap_ <ROWS: only in the trap run
    [[ $ZK_ALLOC_AUDIT != trap ]] ||
        { echo kind access phase_allocated phase_accessed size offset count threads site module symbol file line \
            access_site access_module access_symbol access_file access_line; cat; } | tabs >"$out"
}
sizes() { # sizes <ROWS
    { echo size_from size_to count bytes phases min_bytes; cat; } | tabs >"$out.phases"
}
nothing() { # nothing MIN_BYTES: a report of 2 phases in which nothing is retained
    census </dev/null
    trap_ </dev/null
    [[ $ZK_ALLOC_AUDIT == census ]] && sizes <<<"0 0 0 0 2 $1" || sizes <<<"0 0 0 0 2 0"
}
END
fake() { # fake NAME <SCRIPT: makes $work/NAME
    { echo '#!/usr/bin/env bash'; echo ". '$work/library.sh'"; cat; } >"$work/$1"
    chmod +x "$work/$1"
}

fake environment <<'END'
nothing 4096
echo "$ZK_ALLOC_AUDIT $ZK_ALLOC_RECYCLE ${ZK_ALLOC_MIN_BYTES-unset} $*" | tee -a "$1"
END
ZK_ALLOC_RECYCLE=blind run 0 "$audit" -- "$work/environment" "$work/log" --tsv
check "$what: environment: $(cat "$work/log")" diff "$work/log" <(
    echo "census pinned unset $work/log --tsv"
    echo "trap pinned unset $work/log --tsv")
check "$what: the trap run's output is passed through: $out" test "$out" = "census pinned unset $work/log --tsv"
rm "$work/log"
run 0 "$audit" --min-bytes 4K --tsv -- "$work/environment" "$work/log"
check "$what: --min-bytes: $(cat "$work/log")" grep -q '^census pinned 4096 ' "$work/log"
says '^census pinned 4096 '
check "$what: the program's output is in the table" test "$(wc -l <<<"$out")" -eq 5
run 0 "$audit" "$work/environment" "$work/log" --tsv # what follows the program belongs to the program
check "$what: $out" test "$out" = "census pinned unset $work/log --tsv"

# stdin: both runs read a file from its offset at the start; a pipe only the first run.
fake input <<'END'
nothing 4096
sed "s/^/$ZK_ALLOC_AUDIT /" >>"$1"
END
printf 'one\ntwo\n' >"$work/lines"
{ read -r _ && run 0 "$audit" -- "$work/input" "$work/read"; } <"$work/lines"
check "$what: a file as stdin: $(cat "$work/read")" test "$(tr '\n' ' ' <"$work/read")" = 'census two trap two '
silent_on 'stdin'
rm "$work/read"
run 0 "$audit" -- "$work/input" "$work/read" < <(cat "$work/lines")
check "$what: a pipe as stdin: $(cat "$work/read")" test "$(tr '\n' ' ' <"$work/read")" = 'census one census two '
says '^The trap run had no stdin, ' 'if the program reads it'
fake reads_second <<'END'
nothing 4096
[[ $ZK_ALLOC_AUDIT == census ]] || cat >"$1"
END
run 0 "$audit" -- "$work/reads_second" "$work/read" < <(cat "$work/lines")
check "$what: what the first run left of a pipe: $(cat "$work/read")" test ! -s "$work/read"

# Sites without symbols are looked up: this one is the example's allocation. A deleted file has no
# symbols.
fake unnamed <<END
census <<ROWS
    2 2 $allocation 16400 1 16400 1 $(realpath "$table") NA NA NA
    2 2 gone.so+0x12;gone.so+0x34 9000 1 9000 1 /no/gone.so NA NA NA
    2 2 NA 8000 1 8000 1 NA NA NA NA
ROWS
trap_ </dev/null
sizes <<<'0 0 0 0 2 4096'
END
run 1 "$audit" --census -- "$work/unnamed"
says "$made: 1 block" '^  gone.so\+0x12: 1 block of 9000 bytes' '^  an unknown place: 1 block of 8000 bytes'
run 1 "$audit" --census --tsv -- "$work/unnamed"
row "^retained 16400 1 1 16400 2 2 [^ ]* table_make [^ ]*retained_table.c $made_line NA"
row '^retained 9000 1 1 9000 2 2 /no/gone.so NA NA NA NA NA NA NA NA gone.so\+0x12;gone.so\+0x34 1 NA NA 9000$'

# The two runs are joined by site and size. Touched ones come first, then larger ones; the table has
# all.
fake joined <<'END'
census <<ROWS
    2 3 p+0x1 100 4 400 2 /p small a.c 1
    2 2 p+0x2 6000 2 12000 1 /p touched_one b.c 2
    2 2 p+0x3 7000 1 7000 1 /p late c.c 3
    2 2 p+0x4 8000 1 8000 3 /p kept d.c 4
    2 2 p+0x4 9000 1 9000 1 /p kept d.c 4
ROWS
trap_ <<ROWS
    touched write 1 4 6000 24 7 1 p+0x2 /p touched_one b.c 2 p+0x9 /p user e.c 9
    touched read 2 3 6000 0 1 1 p+0x2 /p touched_one b.c 2 p+0xa /p user e.c 10
    touched read 2 3 5800 0 1 1 p+0x2 /p touched_one b.c 2 p+0xb /p user e.c 11
    freed_late NA 1 2 7000 0 1 1 p+0x3 /p late c.c 3 NA NA NA NA NA
    touched read 1 2 5500 0 1 1 p+0x8 /p only_trap h.c 8 p+0x9 /p user e.c 9
    freed read 1 1 640 8 2 1 p+0x5 /p gone f.c 5 p+0x6 /p careless g.c 6
    freed write 1 1 32 8 1 1 p+0x5 /p gone f.c 5 p+0x6 /p careless g.c 6
    unwatched NA 1 1 70000 0 3 1 p+0x7 /p big i.c 7 NA NA NA NA NA
    unwatched NA 1 1 0 0 1 1 NA NA NA NA NA NA NA NA NA NA
ROWS
[[ $ZK_ALLOC_AUDIT == census ]] && sizes <<<'0 10000 0 0 5 4096' || sizes <<<'0 10000 0 0 6 0'
END
run 1 "$audit" -- "$work/joined"
says '^UNSAFE at MIN_BYTES 4096: 5 blocks of up to 9000 bytes are retained, those of 2 sites touched later$' \
    '^guaranteed +9001 ' '^touched +at least 6001 ' \
    '^  b.c:2 \(touched_one\): 2 blocks of 5800 to 6000 bytes, 1 thread, touched later$' \
    '^    write at offset 24 by e.c:9 \(user\), 3 phases later; and by 2 more$' \
    '^  h.c:8 \(only_trap\): blocks of 5500 bytes, 1 thread, touched later$' \
    '^  d.c:4 \(kept\): 2 blocks of 8000 to 9000 bytes, 3 threads, untouched$' \
    '^  c.c:3 \(late\): 1 block of 7000 bytes, 1 thread, freed late$' \
    '^  a.c:1 \(small\): 4 blocks of 100 bytes, 2 threads, untouched \(below MIN_BYTES\)$' \
    "^3 accesses after free, the program's own bug: a read of a block of 640 bytes$" '^  by g.c:6 \(careless\)$' \
    '^  made at f.c:5 \(gone\)$' '^The trap could not watch 3 blocks of up to 70000 bytes: ' \
    '^The trap missed accesses in 1 phase: ' '^The runs differ: 5 phases in the census, 6 in the trap\.$'
fits
order=$(sed -nE 's/^  ([a-z])\.c:[0-9].*: .*/\1/p' <<<"$said" | tr -d '\n')
check "$what: the sites are not in the order of their risk: $order" test "$order" = bhdca
run 1 "$audit" --top 2 -- "$work/joined"
says '^  and 3 sites more: --top 5 shows all$'
silent_on 'c.c:3'
run 1 "$audit" --tsv -- "$work/joined"
tr '\t' ' ' <<<"$out" | sed 1,5d >"$work/rows"
check "$what: $(cat "$work/rows")" diff "$work/rows" - <<'END'
touched 6000 2 1 12000 1 4 /p touched_one b.c 2 write /p user e.c 9 p+0x2 1 p+0x9 NA 6000
touched 6000 2 1 12000 2 3 /p touched_one b.c 2 read /p user e.c 10 p+0x2 1 p+0xa NA 6000
touched 5800 1 1 NA 2 3 /p touched_one b.c 2 read /p user e.c 11 p+0x2 1 p+0xb NA 5800
touched 5500 1 1 NA 1 2 /p only_trap h.c 8 read /p user e.c 9 p+0x8 1 p+0x9 NA 5500
retained 9000 1 1 9000 2 2 /p kept d.c 4 NA NA NA NA NA p+0x4 1 NA NA 9000
retained 8000 1 3 8000 2 2 /p kept d.c 4 NA NA NA NA NA p+0x4 1 NA NA 8000
retained 100 4 2 400 2 3 /p small a.c 1 NA NA NA NA NA p+0x1 1 NA NA 100
freed_late 7000 1 1 7000 1 2 /p late c.c 3 NA NA NA NA NA p+0x3 1 NA NA 7000
freed 640 2 1 NA 1 1 /p gone f.c 5 read /p careless g.c 6 p+0x5 1 p+0x6 NA 640
freed 32 1 1 NA 1 1 /p gone f.c 5 write /p careless g.c 6 p+0x5 1 p+0x6 NA 32
unwatched 70000 3 1 NA 1 1 /p big i.c 7 NA NA NA NA NA p+0x7 1 NA NA 70000
unwatched 0 1 1 NA 1 1 NA NA NA NA NA NA NA NA NA NA 1 NA NA 0
END
says '^zk-audit: 3 accesses after free'

# Several processes: counts are added, threads are not, phases become one range; a process without a
# report rules out SAFE.
fake several <<'END'
out=${ZK_ALLOC_AUDIT_OUT//%p/11}
census <<<'4 5 p+0x1 5000 2 10000 3 /p f a.c 1'
sizes <<<'5000 5000 4 20000 5 4096'
out=${ZK_ALLOC_AUDIT_OUT//%p/12}
census <<<'2 4 p+0x1 5000 1 5000 2 /p f a.c 1'
sizes <<<'5000 5000 4 20000 5 8192'
END
run 1 "$audit" --census --tsv -- "$work/several"
row '^retained 5000 3 3 15000 2 5 /p f a.c 1 NA'
row '^bound 4096( NA){6} min_bytes '
says '^zk-audit: Processes ran at MIN_BYTES 4096 to 8192; the smallest counts\.$'
fake one_silent <<'END'
nothing 4096
touch "${ZK_ALLOC_AUDIT_OUT//%p/999999999}.part" "$out.part"
END
run 3 "$audit" -- "$work/one_silent"
says '^NO VERDICT at MIN_BYTES 4096: nothing unsafe was reported, but the report is not complete$' \
    '^No report from 1 process of the census run: '
# A process that outlives the program by a little is waited for; one that goes on is mentioned.
fake slow_child <<'END'
(
    sleep 0.5
    census <<<'2 2 p+0x1 5000 1 5000 1 /p f a.c 1'
    sizes <<<'5000 5000 4 20000 5 4096'
) >/dev/null &
END
run 1 "$audit" --census -- "$work/slow_child"
says '^  a.c:1 \(f\): 1 block'
fake daemon <<'END'
nothing 4096
sleep 60 &
touch "${ZK_ALLOC_AUDIT_OUT//%p/$!}.part"
echo $!
END
run 3 "$audit" --census -- "$work/daemon"
says '^NO VERDICT ' '^No report from 1 process of the census run: still running in the background\.$'
kill "$out"

# The cost: an upper limit, of the whole ranges below the bound; and a bound that would empty the
# arena is not recommended.
fake cost <<'END'
census <<<'2 2 p+0x1 5000 1 5000 1 /p f a.c 1'
trap_ </dev/null
sizes <<ROWS
    100 100 50 5000 10 4096
    4096 4223 10 41000 10 4096
    4992 5119 1 5000 10 4096
    ${1:-100000} ${1:-100000} 1 ${1:-100000} 10 4096
ROWS
END
run 1 "$audit" --census -- "$work/cost"
says '^Set ZK_ALLOC_MIN_BYTES=5001$' '^  It moves at most 31.5 % of the arena.s bytes to system \(4600 per phase\)\.$'
run 1 "$audit" --census -- "$work/cost" 30000
says '^MIN_BYTES cannot help: use pinned recycling ' '^  5001 moves at most 60.5 % .*\(4600 per phase\)\.$'
silent_on '^Set '

fake exact <<'END'
census <<<'2 2 p+0x1 5000 1 5000 1 /p f a.c 1'
sizes <<<"${1:-4096 4223} 10 41000 10 4096
    9000 9000 10 90000 10 4096"
END
run 1 "$audit" --census -- "$work/exact"
says '^  It moves 31.3 % .*\(4100 per phase\)\.$'
run 1 "$audit" --census -- "$work/exact" '4095 4223'
says '^  It moves at most 31.3 % '

# A program that sets MIN_BYTES itself is judged by its own.
fake own_min_bytes <<'END'
census <<<'2 2 p+0x1 5000 1 5000 1 /p f a.c 1'
trap_ <<<'touched read 1 2 5000 0 1 1 p+0x1 /p f a.c 1 p+0x2 /p f a.c 2'
sizes <<<'5000 5000 4 20000 5 6000'
END
run 0 "$audit" --min-bytes 100 -- "$work/own_min_bytes"
says '^SAFE at MIN_BYTES 6000: ' '^The program sets MIN_BYTES itself: 6000, not 100\.$' \
    '^The program sets MIN_BYTES itself: blocks below 6000 were not watched\.$'
run 0 "$audit" --trap -- "$work/own_min_bytes"
says '^SAFE at MIN_BYTES 6000: '

# Only the trap sees it: still unsafe, and that is printed.
fake only_trap <<'END'
census </dev/null
trap_ <<<'touched read 1 2 5000 0 1 1 p+0x1 /p f a.c 1 p+0x2 /p f a.c 2'
[[ $ZK_ALLOC_AUDIT == census ]] && sizes <<<'0 0 0 0 2 4096' || sizes <<<'0 0 0 0 2 0'
END
run 1 "$audit" -- "$work/only_trap"
says '^UNSAFE ' '^The runs differ: the trap saw larger ' '^Set ZK_ALLOC_MIN_BYTES=5001$'

# An access to a block about which nothing is known any more.
fake long_gone <<'END'
census </dev/null
trap_ <<<'freed write 0 2 0 0 1 1 NA NA NA NA NA p+0x2 /p f a.c 2'
[[ $ZK_ALLOC_AUDIT == census ]] && sizes <<<'0 0 0 0 2 4096' || sizes <<<'0 0 0 0 2 0'
END
run 0 "$audit" -- "$work/long_gone"
says "^1 access after free, the program's own bug: a write of a block that was freed long before$" '^  by a.c:2 \(f\)$'
silent_on 'made at'

# Only the trap run fails: its last lines are shown. Then both runs fail.
fake fails_second <<'END'
nothing 4096
[[ $ZK_ALLOC_AUDIT != trap ]] || { seq 1000; echo why >&2; kill -SEGV $$; }
END
run 3 "$audit" -- "$work/fails_second"
says '^SAFE ' 'died of SIGSEGV in the trap run' '^  \| 999$' '^  \| 1000$' '^  \| why$'
silent_on '\| 998$'

# Forty sites, and every possible note, fit on one screen, unless more is asked for.
fake many <<'END'
for i in $(seq 100 139); do
    echo "2 2 p+0x$i 1$i 1 1$i 1 /p/$i a_function_with_a_name_that_is_longer_than_it_should_be_$i /usr/src/a/folder/that/is/so/deep/that/it/does/not/fit/$i.c $i"
done | census
for i in $(seq 100 139); do
    echo "touched read 1 2 1$i 0 1 1 p+0x$i /p/$i a_function_with_a_name_that_is_longer_than_it_should_be_$i /usr/src/a/folder/that/is/so/deep/that/it/does/not/fit/$i.c $i p+0x5 /p/lib.so.1 u /usr/src/another/folder/that/is/so/deep/that/it/does/not/fit/u.c 5"
    echo "freed read 1 2 1$i 0 1 1 p+0x$i /p/$i f NA NA p+0x5 /p/lib.so.1 u u.c 5"
    echo "unwatched NA 1 2 1$i 0 1 1 p+0x$i /p/$i f NA NA NA NA NA NA NA"
done | trap_
[[ $ZK_ALLOC_AUDIT == census ]] && sizes <<<'1000 2000 4 2000 5 0' || sizes <<<'0 0 0 0 2 8192'
touch "${ZK_ALLOC_AUDIT_OUT//%p/999999999}.part"
[[ $ZK_ALLOC_AUDIT == census ]] || { printf 'a\n%0200d\nc\n' 0; exit 9; }
END
run 4 "$audit" -- "$work/many" < <(:)
fits
says '\.\.\.[^ ]*/139.c:139 \(a_function_[^ ]*\.\.\.\): 1 block of 1139 bytes' 'u.c:5 \(u\), by lib.so.1' '^  and 3[0-9] sites more: --top 40' \
    '^  \| c$'
run 4 "$audit" --top 40 -- "$work/many"
says '/100.c:100 '
silent_on 'sites more'

# A file that is no report is an error, not an answer.
fake wrong_header <<'END'
echo what is this >"$out"
END
run 3 "$audit" --census -- "$work/wrong_header"
says '^zk-audit: .*: no column line: is the program linked with this version'
fake half_written <<'END'
census <<<'2 2 p+0x1 5000 1 5000 1 /p f a.c 1'
END
run 1 "$audit" --census -- "$work/half_written"
says '^UNSAFE at MIN_BYTES 4096: 1 block of 5000 ' '^No report from 1 process '
fake wrong_row <<'END'
census <<<'2 2 p+0x1 big 1 5000 1 /p f a.c 1'
END
run 3 "$audit" --census -- "$work/wrong_row"
says 'column size: big is not a number'

# ---- Signals are passed on to the program; our folder is removed, and no process is left.

fake waits <<'END'
touch "$out.part"
trap 'echo caught; [[ -z ${1:-} ]] || nothing 4096; exit ${1:-1}' TERM INT
echo $$ >"$TMPDIR/../pid"
while :; do sleep 0.05; done
END
interrupt() { # interrupt STATUS SIGNAL ARGUMENT...: while the fake program waits
    local status=$1 signal=$2 victim got
    shift 2
    what="SIG$signal to zk-audit $*"
    rm -f "$work/pid"
    env --default-signal=INT,TERM "$audit" "$@" >"$work/stdout" 2>"$work/stderr" &
    victim=$!
    for _ in $(seq 100); do
        [[ ! -s $work/pid ]] || break
        sleep 0.05
    done
    kill "-$signal" "$victim"
    wait "$victim" 2>/dev/null
    got=$?
    out=$(<"$work/stdout") said=$(<"$work/stderr")
    check "$what: exit $got, want $status: $said" test "$got" -eq "$status"
    check "$what: left $(ls "$TMPDIR")" test -z "$(ls -A "$TMPDIR")"
    check "$what: the program survives" bash -c "! kill -0 $(<"$work/pid") 2>/dev/null"
}
interrupt 143 TERM -- "$work/waits"
says '^zk-audit: interrupted: no report$'
check "$what: the program does not get it: $out" test "$out" = caught
interrupt 130 INT -- "$work/waits"
interrupt 0 TERM -- "$work/waits" 0
says '^SAFE ' '^Interrupted by SIGTERM: the trap run was not made'

# ---- Colour: on a terminal, unless NO_COLOR.

export ASAN_OPTIONS=exitcode=99:detect_leaks=0

if command -v script >/dev/null; then
    red=$'\e[1;31mUNSAFE\e[0m at'
    what=colour said=$(TERM=xterm script -qec "'$audit' --census -- '$table'" /dev/null)
    check "no colour on a terminal: $said" test "${said/"$red"/}" != "$said"
    what=NO_COLOR said=$(TERM=xterm NO_COLOR=1 script -qec "'$audit' --census -- '$table'" /dev/null)
    check "colour despite NO_COLOR: $said" test "${said/$'\e['/}" = "$said"
    says '^UNSAFE'
fi
run 1 "$audit" -- "$table"
silent_on $'\e'

# ---- The preload library, where there is one, and only then --chaos.

mkdir -p "$work/tree/sweep" "$work/tree/alloc"
cp "$audit" "$work/tree/sweep/"
run 2 "$work/tree/sweep/zk-audit" --chaos 100 -- true
says '^zk-audit: --chaos: libzkalloc-preload.so is neither '
fake preloaded <<'END'
nothing 4096
echo "$LD_PRELOAD ${ZK_ALLOC_CHAOS-unset}" >>"$1"
END
cc -shared -x c -o "$work/tree/alloc/libzkalloc-preload.so" - <<<'int zk_audit_test;'
other=$work/other.so
cp "$work/tree/alloc/libzkalloc-preload.so" "$other"
[[ -z $sanitizer ]] || other= # the sanitizer's runtime must be the first library
LD_PRELOAD=$other run 0 "$work/tree/sweep/zk-audit" --chaos 100:7 -- "$work/preloaded" "$work/loaded"
check "$what: $(cat "$work/loaded")" diff "$work/loaded" <(
    for _ in 1 2; do echo "$work/tree/sweep/../alloc/libzkalloc-preload.so${other:+:$other} 100:7"; done)
run 3 "$work/tree/sweep/zk-audit" --chaos 100 -- true
says '^No phase was begun in the census run: .* allocates too little for --chaos 100\)\.$'
rm "$work/loaded"
run 0 "$work/tree/sweep/zk-audit" -- "$work/preloaded" "$work/loaded"
check "$what: $(cat "$work/loaded")" grep -q 'libzkalloc-preload.so unset$' "$work/loaded"

conclude audit_test
