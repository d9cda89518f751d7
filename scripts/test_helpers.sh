# shellcheck shell=bash
# test_helpers.sh - shared by tests: a folder for the test and one for the program, and checks that
# are counted.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"
export TMPDIR=$work/tmp
unset ZK_ALLOC_MIN_BYTES ZK_ALLOC_RECYCLE ZK_ALLOC_AUDIT_DEPTH NO_COLOR LD_PRELOAD
exec </dev/null
checks=0 failures=0
fail() { failures=$((failures + 1)); echo "FAIL: $*"; }
check() { # check WHAT COMMAND...: the command succeeds
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" || fail "$what"
}
want() { # want STATUS PATTERN COMMAND...: the command has that exit status, and a line of its stdout or stderr matches
    local status=$1 pattern=$2 output got
    shift 2
    checks=$((checks + 1))
    output=$("$@" 2>&1)
    got=$?
    [[ $got -eq $status ]] || fail "$*: exit $got, want $status: $output"
    grep -Eq -- "$pattern" <<<"$output" || fail "$*: no line matches '$pattern': $output"
}
run() { # run STATUS COMMAND...: leaves the command's stdout in $out and its stderr in $said
    local status=$1 got
    shift
    checks=$((checks + 1))
    what="$*"
    "$@" >"$work/stdout" 2>"$work/stderr"
    got=$?
    out=$(<"$work/stdout") said=$(<"$work/stderr")
    [[ $got -eq $status ]] || fail "$what: exit $got, want $status: $out $said"
    [[ -z $(ls -A "$work/tmp") ]] || { fail "$what: left $(ls "$work/tmp")"; rm -rf "$work/tmp"/*; }
}
says() { # says PATTERN...: a line of stderr matches
    local pattern
    for pattern in "$@"; do
        checks=$((checks + 1))
        grep -Eq -- "$pattern" <<<"$said" || fail "$what: no line matches '$pattern': $said"
    done
}
one_line() { # one_line: stderr has one line
    check "$what: not one line: $said" test "$(wc -l <<<"$said")" -eq 1
}
silent_on() { # silent_on PATTERN: no line of stderr matches
    checks=$((checks + 1))
    ! grep -Eq -- "$1" <<<"$said" || fail "$what: a line matches '$1': $said"
}
row() { # row PATTERN: a row of the table on stdout, its tabs as spaces, matches
    checks=$((checks + 1))
    grep -Eq -- "$1" <<<"${out//$'\t'/ }" || fail "$what: no row matches '$1': $out"
}
conclude() { # conclude TEST: the last line, and the exit status
    echo "$1: $checks checks, $failures failed"
    [[ $failures -eq 0 ]]
}
