#!/usr/bin/env bash
# man_test.sh SOURCE BUILD: man/zkalloc.3 covers everything in zkalloc.h, and nothing that does not exist; programs'
# pages have the options that --help has.
set -uo pipefail
source=$1 build=$2
export LC_ALL=C # sort, comm and grep agree
page=$source/man/zkalloc.3 header=$source/alloc/include/zkalloc.h config=$source/alloc/arena/config.c
command -v groff >/dev/null || { echo "man_test: groff is missing: scripts/bootstrap.sh installs it"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0 failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}
# none WHAT: each line on stdin is a failure.
none() {
    local line
    checks=$((checks + 1))
    while read -r line; do fail "$1: $line"; done
}
# some NAME: the list must not be empty, or nothing is checked with it.
some() {
    checks=$((checks + 1))
    [[ -s $work/$1 ]] || fail "$1: nothing found"
}
lacking() { comm -23 "$work/$1" "$work/$2"; } # lacking A B: what is in A and not in B
words() { grep -oE '\b(zk|ZK)_[A-Za-z_]+' | sort -u; }
section() { sed -n "/^\.Sh $1\$/,/^\.Sh /p" "$page"; }

# ---- What there is.

cc -x c -fpreprocessed -dD -E -P "$header" >"$work/code" # without comments
words <"$work/code" | grep -vxE 'zk_guard|zk_phase_scope_(enter|leave|)' >"$work/names"
grep -vE '^#' "$work/code" | grep -oE '\bzk_[a-z_]+\(' | tr -d '(' | sort -u |
    grep -vE '^zk_phase_scope_' >"$work/functions"
echo ZK_PHASE_SCOPE >>"$work/functions"
sort -o "$work/functions" "$work/functions"
{ cat "$header"; grep -oE 'strcmp\(name, "[A-Z_]+"\)' "$config"; } | grep -oE '\bZK_ALLOC_[A-Z_]+' | sort -u >"$work/switches"
sed -n '/^struct zk_\(stats\|config\|audit_summary\) {/,/^};/p' "$work/code" | tr -d '\n' | tr ';{' '\n\n' |
    grep -oE '[a-z_]+$' | sort -u >"$work/members"
for list in names functions switches members; do some "$list"; done

# ---- What the page has.

grep -v '^\.\\"' "$page" >"$work/text"
words <"$work/text" >"$work/said"
section DESCRIPTION | grep -oE '^\.(It )?Fn [A-Za-z_]+' | sed 's/.* //' | sort -u >"$work/described"
sed -nE 's/^\.It Ev ([A-Z_]+).*/\1/p' "$page" | sort -u >"$work/explained"
sed -n 's/^\.It Va //p' "$page" | tr -d ' ' | tr ',' '\n' | sort -u >"$work/listed"
sort -u "$work/names" "$work/switches" >"$work/exists"

for manual in "$source"/man/*.[0-9]; do
    none "groff on ${manual##*/}" < <(groff -ww -z -mandoc "$manual" 2>&1)
done
none "in zkalloc.h, not in the page" < <(lacking names said)
none "a function without a description" < <(lacking functions described)
none "a switch without an explanation" < <(lacking switches explained)
none "a switch that does not exist" < <(lacking explained switches)
none "a member of a struct that the page does not list" < <(lacking members listed)
none "a member that no struct has" < <(lacking listed members)
none "in the page, and does not exist" < <(lacking said exists)

# The synopsis is a header: its prototypes have to agree with the real ones.
{
    echo '#include <zkalloc.h>'
    section SYNOPSIS | sed -nE 's/^\.Ft "?([^"]*)"?$/\1/p; s/^\.Fn (zk_[a-z_]+) (.*)$/\1(\2);/p' |
        sed -E 's/" "/, /g; s/\("/(/; s/"\);$/);/'
} >"$work/synopsis.c"
none "the synopsis" < <(cc -std=c11 -Wall -Werror -fsyntax-only -I"$source/alloc/include" "$work/synopsis.c" 2>&1)
grep -oE '^zk_[a-z_]+' "$work/synopsis.c" | sort -u >"$work/prototypes"
echo ZK_PHASE_SCOPE | sort -o "$work/prototypes" - "$work/prototypes"
none "a function that the synopsis lacks" < <(lacking functions prototypes)

# ---- Programs: each option of --help is explained, and in the synopsis; and no others are.

# options PROGRAM: the options in its --help, and --help itself, but not those of a single repro.
options() {
    { "$1" --help; echo "  --help"; } 2>&1 | sed -nE '/^  --/ { s/^  ([^ ]+( [^ ]+)*).*/\1/; p; }' |
        grep -oE -- '--[a-z][a-z-]*' | sort -u
}
programs() { # programs MANUAL PROGRAM
    local manual=$source/man/$1 program=$build/$2
    [[ -x $program ]] || { echo "man_test: $2 is not built: $1 is not compared"; return; }
    options "$program" >"$work/helped"
    sed -nE 's/^\.It (Fl .*)/ \1/p' "$manual" | grep -oE ' -[a-z][a-z-]*' | sed 's/ /-/' | sort -u >"$work/manual"
    sed -n '/^\.Sh SYNOPSIS$/,/^\.Sh D/p' "$manual" | grep -oE ' -[a-z][a-z-]*' | sed 's/ /-/' | sort -u >"$work/synopsis"
    some helped
    none "$1 does not explain" < <(lacking helped manual)
    none "$1 explains what --help does not have" < <(lacking manual helped)
    none "$1, synopsis: not there" < <(lacking helped synopsis | grep -vx -e --help)
    none "$1, synopsis: does not exist" < <(lacking synopsis helped)
}
programs zk-audit.1 sweep/zk-audit
programs zk-sweep.1 sweep/zk-sweep
programs zk-trial.1 sweep/zk-trial
programs zk-report.1 report/zk-report
programs zk-repro.7 repro/injector_block
# A repro's outcomes, with their numbers.
"$build/repro/injector_block" --help | tr '\n' ' ' | grep -oE 'Exit status: [^.]*15 [a-z]+' | grep -oE '[0-9]+ [a-z]+' | sort >"$work/outcomes"
sed -nE 's/^\.It ([0-9]+ [a-z]+)$/\1/p' "$source/man/zk-repro.7" | sort >"$work/told"
some outcomes
none "zk-repro.7: an outcome is missing" < <(lacking outcomes told)
none "zk-repro.7: no such outcome" < <(lacking told outcomes)

echo "man_test: $checks checks, $failures failed"
[[ $failures -eq 0 ]]
