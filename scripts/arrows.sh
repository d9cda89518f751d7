#!/usr/bin/env bash
# arrows.sh [--root FOLDER] [BUILD]: checks that every include, and with BUILD every symbol of
# libzkalloc.a, goes the way that arrows.tsv allows. Prints a line for each that does not, and exits
# with 1.
set -euo pipefail
name=arrows
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
root=$(realpath "$(dirname "$0")/..") build=
while [[ $# -gt 0 ]]; do
    case $1 in
    --root) root=$2; shift 2 ;;
    -*) die "$1: no such option: want [--root FOLDER] [BUILD]" ;;
    *) build=$(realpath "$1"); shift ;;
    esac
done
table=$(realpath "$(dirname "$0")/arrows.tsv")
cd "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find . \( -name .git -o -name 'build*' -o -name target \) -prune -o -name '*.[ch]' -printf '%P\n' | sort >"$work/files"
xargs -d '\n' grep -nHE '^[ \t]*#[ \t]*include[ \t]*["<]' /dev/null <"$work/files" >"$work/includes" || true
: >"$work/symbols"
if [[ -n $build ]]; then
    objects=$build/alloc/CMakeFiles/zkalloc.dir
    [[ -d $objects/arena ]] || die "$build: no objects of libzkalloc.a: build it first"
    # ROOM U|T SYMBOL, only for objects that have a source: old objects stay when a file moves.
    for room in os arena tools audit start; do
        for source in alloc/"$room"/*.c; do
            object=$objects/${source#alloc/}.o
            [[ ! -e $object ]] || nm "$object" | awk -v room="alloc/$room" '$NF ~ /^zk_/ { print room, ($(NF - 1) == "U" ? "U" : "T"), $NF }'
        done
    done >"$work/symbols"
fi

awk -v OFS='\t' -v say=/dev/stderr '
function room_of(path,    folder) {
    for (folder = path; sub(/\/[^\/]*$/, "", folder) > 0; )
        if (folder in allowed) return folder
    return ""
}
function wrong(line) { print line > say; failures++ }
# May the room include the header, under the name in the include?
function knows(room, path,    count, each, i) {
    if (room_of(path) == room) return 1
    count = split(allowed[room], each, " ")
    for (i = 1; i <= count; i++)
        if (path == each[i] || (each[i] in allowed && room_of(path) == each[i])) return 1
    return 0
}
FILENAME ~ /arrows.tsv$/ {
    if ($0 ~ /^#/ || $0 == "") next
    split($0, field, "\t")
    if (field[1] ~ /!$/) { room = substr(field[1], 1, length(field[1]) - 1); wanted[room] = " " field[2] " " }
    else allowed[field[1]] = field[2]
    next
}
FILENAME ~ /files$/ {
    if (room_of($0) == "") wrong($0 ": in no room: give its folder a row in scripts/arrows.tsv")
    name = $0; sub(/.*\//, "", name)
    if ($0 ~ /\.h$/) { headers[name] = headers[name] " " $0 }
    next
}
FILENAME ~ /includes$/ {
    colon = index($0, ":"); file = substr($0, 1, colon - 1)
    rest = substr($0, colon + 1); line = substr(rest, 1, index(rest, ":") - 1)
    match(rest, /["<][^">]*/); name = substr(rest, RSTART + 1, RLENGTH - 1); by = substr(rest, RSTART, 1)
    while (sub(/^\.\.?\//, "", name)) continue # ../ROOM/x.h is the same as ROOM/x.h
    base = name; sub(/.*\//, "", base)
    count = split(headers[base], each, " ")
    if (count == 0 && by == "<") next
    found = known = 0; where = ""
    for (i = 1; i <= count; i++) {
        if (name != base && substr(each[i], length(each[i]) - length(name)) != "/" name) continue
        found++; where = where (where == "" ? "" : " or ") each[i]
        known += knows(room_of(file), each[i])
    }
    includes++
    if (found == 0) next # of another project
    if (known == 0) wrong(file ":" line ": includes " name ", which is " where ": not for " room_of(file))
    next
}
FILENAME ~ /symbols$/ {
    if (split($0, part, " ") != 3) next
    if (part[2] == "T") defined[part[3]] = part[1]; else undefined[part[1] " " part[3]] = 1
    next
}
# A room may call functions of every room of which it may include a header.
function may_call(room, other,    count, each, i) {
    if (room == other) return 1
    count = split(allowed[room], each, " ")
    for (i = 1; i <= count; i++) if (each[i] == other || room_of(each[i]) == other) return 1
    return 0
}
END {
    for (want in undefined) {
        split(want, part, " ")
        if (!(part[2] in defined)) continue
        symbols++
        if (!may_call(part[1], defined[part[2]]) && !index(wanted[part[1]], " " part[2] " "))
            wrong(part[1] ": wants " part[2] ", which is in " defined[part[2]])
    }
    printf "arrows: %d includes, %d symbols, %d the wrong way\n", includes, symbols, failures
    exit failures > 0
}' "$table" "$work/files" "$work/includes" "$work/symbols"
