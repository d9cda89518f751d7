#!/usr/bin/env bash
# readme.sh RESULTS PAGE [REPRO...]: writes the tables' rows into PAGE: the bounds and outcomes of
# each repro, or of the repros that are named; and, if PAGE has a line about them, how many laws
# hold at how many values. The rest of PAGE stays as it is. It is written to a temporary file first:
# PAGE is complete or untouched.
set -euo pipefail
name=readme
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
want_arguments 2 99 'RESULTS PAGE [REPRO...]' "$@"
results=$1 readme=$2
shift 2
want_folder "$results" 'run make sweep'
for table in thresholds matrix laws; do want_table "$results/$table.tsv" 'run make sweep' repro; done
[[ -f $readme ]] || die "$readme: no such file: want the page whose tables are written"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk -v results="$results" -v only="$*" '
    function row(name, bounds, outcomes,    line) {
        line = sprintf("    %-" width "s  %8s  %7s  %10s", name, bounds[2], bounds[3], bounds[4])
        for (i = 2; i <= 7; i++) line = line sprintf("  %-7s", outcomes[i])
        sub(/ +$/, "", line)
        return line
    }
    BEGIN {
        named = split(only, names, " ")
        for (i = 1; i <= named; i++) wanted[names[i]]
        while ((getline line < (results "/thresholds.tsv")) > 0) {
            split(line, f, "\t"); bounds[f[1]] = line
            if (length(f[1]) > width) width = length(f[1])
        }
        while ((getline line < (results "/matrix.tsv")) > 0) {
            split(line, o, "\t")
            if (o[1] == "repro") continue
            if (!(o[1] in bounds)) {
                print "readme: no data: no row " o[1] " in " results "/thresholds.tsv: run make sweep" >"/dev/stderr"
                failed = 4
                exit
            }
            if (named > 0 && !(o[1] in wanted)) continue
            delete wanted[o[1]]
            split(bounds[o[1]], b, "\t")
            rows[++count] = row(o[1], b, o)
        }
        for (name in wanted) {
            print "readme: " name ": no such repro in " results "/matrix.tsv: zk-sweep --list names them" >"/dev/stderr"
            failed = 4
            exit
        }
        while ((getline line < (results "/laws.tsv")) > 0) {
            split(line, f, "\t")
            if (f[1] != "repro") { laws++; values += split(f[3], each, ",") }
        }
    }
    /^    repro +observed +touched +guaranteed/ {
        print
        for (i = 1; i <= count; i++) print rows[i]
        inside = 1; tables++
        next
    }
    inside && /^    / { next }
    { inside = 0 }
    /^    [0-9]+ of [0-9]+ laws hold, / {
        printf "    %d of %d laws hold, to the byte, at all of the %d values at which they were measured.\n", laws, laws, values
        next
    }
    { print }
    END { exit failed ? failed : tables == 1 ? 0 : 5 }' "$readme" >"$work/readme" || case $? in
4) exit 3 ;;
5) die "$readme: has not one table of bounds" ;;
*) die "$readme: cannot be read, or its copy not written" ;;
esac
publish_as "$work/readme" "$readme"
