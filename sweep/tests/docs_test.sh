#!/usr/bin/env bash
# docs_test.sh BUILD SOURCE: what README.md and docs/ show is true. A command after "    $ " is run,
# and the lines below it are compared with what it prints on a terminal; a line "..." stands for any
# lines, and <!-- varies: REGEX --> before it marks what depends on the machine. For all other
# commands, their programs, targets and options must exist. Links and anchors must lead somewhere.
set -uo pipefail
build=$(cd "$1" && pwd) source=$(cd "$2" && pwd)
export LC_ALL=C
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
# Needs preparation before it is run, in a folder of its own; named as skipped where that is
# impossible.
rust_prover="zk-audit --top 3 -- ./prover" not_run=""
prepare_rust() { # as docs/audit.md says
    mkdir -p "$work/rust/src" && cp "$source/audit/tests/planted/rust_library.rs" "$work/rust/src/main.rs" &&
        (cd "$work/rust" && rustc --crate-name prover -g -O src/main.rs -o prover) >/dev/null 2>&1
}
pages() { (cd "$1" && ls README.md docs/*.md); }

# ---- Links.

outside_code() { awk '/^ *```/ { code = !code; next } !code && !/^    /' "$1"; }
slugs() { # of the headings, as code hosts make them
    outside_code "$1" | awk '/^#+ / { sub(/^#+ +/, ""); $0 = tolower($0); gsub(/[^a-z0-9 _-]/, ""); gsub(/ /, "-")
        print $0 (seen[$0]++ ? "-" seen[$0] - 1 : "") }'
}
links() { # links ROOT: a line for each link that leads nowhere
    local root=$1 page link file anchor
    for page in $(pages "$root") bindings/rust/README.md; do
        while read -r link; do
            [[ $link =~ ^(https?|mailto): ]] && continue
            file=${link%%#*} anchor=''
            [[ $link == *#* ]] && anchor=${link#*#}
            if [[ -z $file ]]; then file=$root/$page; else file=$(dirname "$root/$page")/$file; fi
            if [[ ! -e $file ]]; then
                echo "$page: $link: there is no such file"
            elif [[ -n $anchor ]] && ! slugs "$file" | grep -qxF -- "$anchor"; then
                echo "$page: $link: there is no such heading"
            fi
        done < <(outside_code "$root/$page" | tr '\n' ' ' | grep -oE '\]\([^)]*\)' | sed 's/^](//; s/)$//')
    done
}

# ---- Commands that are checked but not run.

help_of() { # help_of PROGRAM: the name of a file with its --help
    local file=$work/help.${1//\//_}
    [[ -e $file ]] || "$1" --help >"$file" 2>&1
    echo "$file"
}
look_at_option() { # look_at_option PROGRAM PATH OPTION
    local option=${3%%=*}
    [[ $option != --help ]] || return
    case $1 in
    zk-* | build/* | ctest) ;;
    cmake)
        [[ $option != -D* ]] || { grep -qr --include=CMakeLists.txt -w -- "${option#-D}" "$source" || echo "$option: no such option of CMake's"; return; }
        ;;
    scripts/* | stress/*.sh)
        grep -qE -- "$option([^a-z-]|\$)" "$2" || echo "$1 $option: no such option"
        return
        ;;
    *) [[ $2 == "$build"/* ]] || return ;;
    esac
    grep -qE -- "(^|[^a-z-])$option([^a-z-]|\$)" "$(help_of "$2")" || echo "$1 $option: not in its --help"
}
look_at() { # look_at COMMAND: a line for each part of it that does not exist
    local text=$1 word path program part
    while [[ $text =~ ^[A-Z_]+=(\"[^\"]*\"|[^ ]*)\ ?(.*) ]]; do # variables set before the command
        text=${BASH_REMATCH[2]}
        part=${BASH_REMATCH[1]//\"/}
        for word in $part; do
            [[ $word != build/* || -e $build/${word#build/} ]] || echo "$word: is not built"
        done
    done
    set -f
    # shellcheck disable=SC2086 # words
    set -- $text
    set +f
    program=${1:-}
    [[ -n $program ]] || return
    shift
    case $program in
    [A-Z]* | ./*) return ;; # a program of the reader
    make)
        for word; do
            case $word in
            *=*) grep -qF "\$(${word%%=*})" "$source/Makefile" || echo "make $word: no such variable" ;;
            *) grep -q "^$word:" "$source/Makefile" || echo "make $word: no such target" ;;
            esac
        done
        return
        ;;
    man)
        [[ $1 != */* || -e $source/$1 ]] || echo "man $1: no such page"
        return
        ;;
    *[A-Z]*) return ;; # build/repro/NAME
    build/*) path=$build/${program#build/} ;;
    scripts/* | stress/* | examples/* | bindings/*) path=$source/$program ;;
    *)
        path=$(ls "$build"/{sweep,report,repro}/"$program" 2>/dev/null | head -1)
        [[ -n $path ]] || path=$(command -v "$program")
        [[ -n $path ]] || ! grep -qw -- "$program" "$source/scripts/bootstrap.sh" || return # bootstrap.sh installs it
        ;;
    esac
    [[ -x $path ]] || { echo "$program: no such program"; return; }
    for word; do
        shift
        [[ $word != -- ]] || break
        [[ ! $word =~ ^--?[a-zA-Z] ]] || look_at_option "$program" "$path" "$word"
    done
    [[ $program != *zk-audit && $program != *zk-trial ]] || [[ $# -eq 0 ]] || look_at "$*"
}
# The page's commands: indented lines that begin with a program, and text in backquotes that begins
# with a program or a path.
commands() { # commands PAGE
    local line word
    awk '/^    [^ ]/' "$1" | sed -E 's/^ +(\$ )?//; s/  +(#|\/\/) .*//; s/ # .*//' | while IFS= read -r line; do
        word=$(sed -E 's/^([A-Z_]+=("[^"]*"|[^ ]*) +)*//; s/ .*//' <<<"$line")
        case $word in
        build/* | scripts/* | stress/* | make | cmake | ctest | cc | zk-* | man | git | gdb) echo "$line" ;;
        esac
        [[ $line != *=build/* ]] || [[ $word != PROGRAM ]] || echo "$line"
    done
    outside_code "$1" | tr '\n' ' ' | grep -oE '`[^`]+`' | tr -d '`' | while IFS= read -r line; do
        case $line in
        make\ [a-z]* | scripts/*.sh* | stress/*.sh* | cmake\ * | ctest\ * | zk-[a-z]*\ -* | build/*\ *) echo "$line" ;;
        man\ man/*) echo "$line" ;;
        [a-z]*_[a-z]*\ --*) echo "$line" ;; # a repro and an option
        esac
    done
}
paths() { # paths PAGE: the file names in it
    outside_code "$1" | tr '\n' ' ' | grep -oE '`[^` ]+`' | tr -d '`' | sed -E 's/:[0-9]+$//' |
        grep -E '^(alloc|audit|bench|bindings|build|cmake|docs|examples|man|repro|report|results|scripts|stress|sweep|trial)/' |
        grep -vE '[A-Z]{3}|[<>$]'
}
looked_at() { # looked_at ROOT: a line for each program, option, target or file that does not exist
    local root=$1 page line part what name
    for page in $(pages "$root"); do
        while IFS= read -r line; do
            while IFS= read -r part; do look_at "$part" | while IFS= read -r what; do echo "$page: $line: $what"; done; done \
                < <(sed -E 's/ +2>&1//g; s/ *(&&|\|\||\|) */\n/g' <<<"$line")
        done < <(commands "$root/$page")
        while IFS= read -r line; do
            part=$source/$line
            [[ $line != build/* ]] || part=$build/${line#build/}
            # Tables and figures of make bench that are not in the repository.
            compgen -G "$part" >/dev/null || { [[ $line == results/* ]] && name=${line##*/} &&
                grep -qF -- "${name%.*}.tsv" "$source"/scripts/{bench,figures}*; } || echo "$page: $line: there is no such file"
        done < <(paths "$root/$page")
    done
}

# ---- Commands that are run.

on_terminal() { # on_terminal FOLDER COMMAND: what it prints in that folder, on a terminal of 100 columns, without progress lines
    local folder=$1 command=$2
    [[ $build == "$source/build" ]] || command=$(sed -E "s!(^| )build/!\1$build/!g" <<<"$command")
    (cd "$folder" && PATH=$build/sweep:$PATH NO_COLOR=1 timeout 120 script -qec "stty cols 100; { $command; } </dev/null" /dev/null </dev/null) |
        sed -E 's/.*\x1b\[K//; s/\r$//' | sed "s!$build/!build/!g"
}
shown() { # shown ROOT: a line for each command that does not print what is shown
    local root=$1 page file command varies folder got want
    rm -rf "$work/shown" && mkdir "$work/shown"
    for page in $(pages "$root"); do
        awk -v to="$work/shown/${page//\//_}" '
            /^<!-- varies: .* -->$/ { varies = $0; sub(/^<!-- varies: /, "", varies); sub(/ -->$/, "", varies); next }
            /^    \$ / { if (file) close(file); file = to "." ++count; print varies >file; print substr($0, 7) >file; next }
            /^    / { if (file) print substr($0, 5) >file; next }
            { if (file) { close(file); file = "" } if ($0 != "") varies = "" }' "$root/$page"
    done
    for file in "$work"/shown/*; do
        [[ -e $file ]] || continue
        command=$(sed -n 2p "$file") varies=$(sed -n 1p "$file")
        folder=$source
        if [[ $command == "$rust_prover" ]]; then
            [[ -z $not_run ]] || continue
            folder=$work/rust
        fi
        on_terminal "$folder" "$command" >"$work/got"
        [[ -z $varies ]] || sed -i -E "s/$varies/(varies)/g" "$work/got" "$file"
        got=$(sed 's/^/|/' "$work/got")
        want=$(awk 'NR <= 2 { next } /^ *\.\.\.$/ { printf "*"; next } { gsub(/[][\\*?]/, "\\\\&"); print "|" $0 }' "$file")
        # shellcheck disable=SC2053 # a pattern
        [[ $got == $want || $got$'\n' == $want ]] ||
            printf '%s: %s: says other things: %s\n' "$(basename "${file%.*}")" "$command" \
                "$(diff <(tail -n +3 "$file") "$work/got" | grep '^[<>]' | tr '\n' '~')"
    done
}

# none WHAT: each line of stdin is a failure.
none() {
    local line
    checks=$((checks + 1))
    while IFS= read -r line; do fail "$1: $line"; done
}
none "a link" < <(links "$source")
none "a command" < <(looked_at "$source")
if command -v script >/dev/null; then
    prepare_rust || not_run="$rust_prover: rustc is missing, or makes no program"
    none "an example" < <(shown "$source")
    checks=$((checks + 1))
    [[ $(find "$work/shown" -type f | wc -l) -ge 3 ]] || fail "no examples are found"
    [[ -z $not_run ]] || echo "docs_test: not run: $not_run"
else
    echo "docs_test: script (bsdutils) is missing: examples are not run"
fi
# Each switch of the manual page is in the integrator's table.
switches=$(sed -n 's/^\.It Ev \(ZK_ALLOC_[A-Z_]*\).*/\1/p' "$source/man/zkalloc.3" | sort -u)
check "the manual page has switches" test "$(wc -w <<<"$switches")" -ge 20
for switch in $switches; do
    check "docs/integrator.md: its table has no $switch" grep -qE "^\|[^|]*\b$switch\b" "$source/docs/integrator.md"
done
words=$(wc -w <"$source/README.md")
check "README.md has $words words: want at most 1500" test "$words" -le 1500

# ---- The checks find each kind of fault.

tree=$work/tree
mkdir "$tree"
for entry in "$source"/*; do ln -s "$entry" "$tree/"; done
broken() { # broken PAGE CHANGE CHECK PATTERN: with the page changed by sed, the check finds it
    local output
    checks=$((checks + 1))
    rm -rf "$tree/README.md" "$tree/docs"
    cp "$source/README.md" "$tree/"
    cp -r "$source/docs" "$tree/docs"
    sed -i "$2" "$tree/$1"
    ! cmp -s "$source/$1" "$tree/$1" || { fail "'$2' changes nothing in $1"; return; }
    output=$("$3" "$tree")
    grep -qE -- "$4" <<<"$output" || fail "'$2' in $1 is not found: $output"
}
broken README.md 's!(docs/audit.md)!(docs/audits.md)!' links 'docs/audits.md: there is no such file'
broken README.md 's!#add-a-bug-class!#add-bugs!' links '#add-bugs: there is no such heading'
broken docs/matrix.md 's!^## Add a bug class!## A bug class!' links '#add-a-bug-class: there is no such heading'
broken README.md 's!make sweep !make sweeps !' looked_at 'make sweeps: no such target'
broken docs/matrix.md 's!FOR=threads!TO=threads!' looked_at 'make TO=.*: no such variable'
broken docs/audit.md 's!zk-audit --chaos!zk-audit --chaotic!' looked_at '--chaotic: not in its --help'
broken docs/audit.md 's!zk-audit --resolve!zk-audit --resolved!' looked_at '--resolved: not in its --help'
broken docs/matrix.md 's!injector_block --explain!injector_block --story!' looked_at '--story: not in its --help'
broken docs/audit.md 's!build/repro/openmp_team!build/repro/openmp!' looked_at 'build/repro/openmp: no such program'
broken docs/integrator.md 's!LD_PRELOAD=build/alloc/lib!LD_PRELOAD=build/alloc/!' looked_at 'zkalloc-preload.so: is not built'
broken README.md 's!man/zk-audit.1!man/zk-audits.1!' looked_at 'no such page'
broken docs/audit.md 's!scripts/audit_score.sh!scripts/score.sh!' looked_at 'scripts/score.sh.*: no such program'
broken docs/matrix.md 's!`repro/realloc_across_phase.c`!`repro/realloc.c`!' looked_at 'repro/realloc.c: there is no such file'
if command -v script >/dev/null; then
    broken README.md 's!1 run of 17 bytes!1 run of 18 bytes!' shown 'injector_block: says other things'
    broken docs/audit.md 's!retained_table.c:27 !retained_table.c:28 !' shown 'retained_table: says other things'
fi
conclude docs_test
