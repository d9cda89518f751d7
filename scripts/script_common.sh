#!/usr/bin/env bash
# script_common.sh: shared by all scripts: how they report errors, and how they write. To be
# sourced; the caller first sets `name`, its own name. An error is one line on stderr, and nothing
# is written:
#
#     exit status 2   a wrong command line, or something that cannot be read, run or written
#     exit status 3   no data: a table, a row or a program is missing on which a verdict would
#                     depend
# shellcheck disable=SC2154 # the caller sets name, results and work

die() { # die WHAT: exit status 2
    echo "$name: $1" >&2
    exit 2
}

no_data() { # no_data WHAT: exit status 3
    echo "$name: no data: $1" >&2
    exit 3
}

# want_arguments LEAST MOST USAGE ARGUMENT...: checks their number, and that none is empty.
want_arguments() {
    local least=$1 most=$2 usage=$3 argument
    shift 3
    (($# >= least)) || die "arguments are missing: want $usage"
    (($# <= most)) || die "${!#}: one argument too many: want $usage"
    for argument in "$@"; do
        [[ -n $argument ]] || die "an argument is empty: want $usage"
    done
}

# want_number TEXT WHAT: from 1 on.
want_number() {
    [[ $1 =~ ^[1-9][0-9]{0,8}$ ]] || die "$2 $1: want a number from 1 on"
}

# want_folder FOLDER WHAT
want_folder() {
    [[ -d $1 ]] || no_data "$1: no such folder: $2"
}

# want_program FILE
want_program() {
    [[ -f $1 && -x $1 ]] || no_data "$1: no such program: run make build"
}

# want_table FILE HOW [COLUMN...]: checks for a header with these columns, at least one row, and the
# same number of fields in all lines. HOW: the command that makes the table.
want_table() {
    local file=$1 how=$2 wrong
    shift 2
    [[ -f $file && -r $file ]] || no_data "$file: no such table: $how"
    wrong=$(awk -F'\t' -v columns="$*" '
        NR == 1 {
            for (i = 1; i <= NF; i++) has[$i]
            fields = NF
            n = split(columns, column, " ")
            for (i = 1; i <= n && wrong == ""; i++) if (!(column[i] in has)) wrong = "no column " column[i]
        }
        NF != fields && wrong == "" { wrong = "line " NR " has " NF " fields, not " fields }
        END {
            if (NR < 2 && wrong == "") wrong = "no rows"
            if (wrong != "") print wrong
        }' "$file")
    [[ -z $wrong ]] || no_data "$file: $wrong: $how"
}

# find_loadable LIBRARY: sets `loadable` to a path of it that LD_PRELOAD can contain, where a space
# or a colon ends a path and a dollar sign starts a variable: its own path, or that of a link in the
# folder $work.
find_loadable() {
    loadable=$1
    [[ $1 == *[[:space:]:\$]* ]] || return 0
    [[ $work != *[[:space:]:\$]* ]] || die "$work: LD_PRELOAD cannot hold this path: set TMPDIR to a folder without space, colon and dollar sign"
    loadable=$work/${1##*/}
    ln -sfn "$(realpath "$1")" "$loadable" || die "$loadable: no link can be made"
}

# publish_as FILE TARGET [FILE TARGET]...: replaces each TARGET with its FILE, all or none: each is
# copied next to its target first; a lock in the first target's folder keeps others from publishing
# there meanwhile.
publish_as() {
    local staged=() targets=() file target new lock
    exec {lock}<"$(dirname "$2")" || die "$(dirname "$2"): cannot be read: want a folder to write to"
    flock "$lock" || die "$(dirname "$2"): cannot be locked"
    while [[ $# -gt 0 ]]; do
        file=$1 target=$2 new=$(dirname "$2")/.$(basename "$2").new.$$
        shift 2
        staged+=("$new") targets+=("$target")
        if [[ -d $target ]] || ! { cp "$file" "$new" && chmod 644 "$new"; } 2>/dev/null || ! cmp -s "$file" "$new"; then
            rm -f "${staged[@]}"
            die "$target: cannot be written: nothing is: want a file in a folder that has room"
        fi
    done
    for ((file = 0; file < ${#staged[@]}; file++)); do mv -f "${staged[file]}" "${targets[file]}"; done
    exec {lock}<&-
}

# publish FILE...: moves finished tables from $work to $results, all or none; creates that folder if
# needed.
publish() {
    local file moves=()
    mkdir -p "$results" || die "$results: not a folder, and none can be made"
    for file in "$@"; do
        [[ -s $work/$file ]] || die "$file: empty: nothing is written"
        moves+=("$work/$file" "$results/$file")
    done
    publish_as "${moves[@]}"
}
