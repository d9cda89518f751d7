#!/usr/bin/env bash
# audit_score.sh BUILD [--short] [FOLDER]: counts how many of the lines marked in the programs of
# FOLDER (planted.h says how; the default is audit/tests/planted) zk-audit names, with every
# available compiler, level of optimisation and place of debug information. One row per build; exits
# with 1 if a build misses lines. --short makes one build per compiler.
#
# If the compiler has given the instruction of a stale access no line (line 0), naming its function
# is enough: that happens to loads that it moves, and then no tool can know the line.
set -uo pipefail
name=audit_score
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
want_arguments 1 3 'BUILD [--short] [FOLDER]' "$@"
want_program "$1/sweep/zk-audit"
build=$(realpath "$1")
shift
short=false
if [[ ${1:-} == --short ]]; then
    short=true
    shift
fi
source=$(realpath "$(dirname "$0")/..")
programs=$(realpath "${1:-$source/audit/tests/planted}")
audit=$build/sweep/zk-audit
work=$(mktemp -d)
system_copies=()
clean_up() {
    rm -rf "$work"
    [[ ${#system_copies[@]} -eq 0 ]] || rm -f "${system_copies[@]}"
}
trap clean_up EXIT
cd "$work" || exit 3
mkdir out # some programs write files there
incomplete=0 builds=0 skipped=0
unset ZK_ALLOC_AUDIT_DEPTH LLVM_SYMBOLIZER_PATH

skip() { # skip WHAT WHY
    skipped=$((skipped + 1))
    printf '%-58s skipped: %s\n' "$1" "$2"
}

# score NAME KIND SOURCES PROGRAM ARGUMENTS...: KIND is lines, or names where there is no debug information
score() {
    local name=$1 kind=$2 sources=$3 row
    shift 3
    builds=$((builds + 1))
    "$audit" --min-bytes 0 --tsv -- "$@" >"$work/found" 2>"$work/said" </dev/null
    # shellcheck disable=SC2086 # a list of files
    row=$(awk -F'\t' -v kind="$kind" '
        function base(path) { sub(/.*\//, "", path); return path }
        FILENAME ~ /\/found$/ {
            made[base($10) ":" $11] = 1; made_in[$9] = 1
            used[base($15) ":" $16] = 1; lost[base($15) ":" ($16 == "NA")] = 1
            if ($9 ~ /^_[ZR]|17h[0-9a-f]{16}|::h[0-9a-f]{16}$/ || $14 ~ /^_[ZR]|::h[0-9a-f]{16}$/)
                wrong = wrong " name:" $9 ":" $14
            next
        }
        match($0, /PLANT:[a-z_0-9]+/) {
            plants++
            name = substr($0, RSTART, RLENGTH)
            n = split(substr($0, RSTART + RLENGTH + 1), word, " ")
            if (kind == "lines" ? (base(FILENAME) ":" FNR in made) : (n < 2 || word[2] == "-" || ends(word[2])))
                named++
            else
                wrong = wrong " " name
        }
        match($0, /STALE:[a-z_0-9]+/) && kind == "lines" {
            stale++
            if (base(FILENAME) ":" FNR in used)
                touched++
            else {
                at_large++
                large = large " " substr($0, RSTART, RLENGTH)
                file = base(FILENAME)
            }
        }
        # symbols may be qualified: ends(f) is true if one of them is f, or ends in ::f
        function ends(f,    s) {
            for (s in made_in)
                if (s == f || (length(s) > length(f) + 2 && substr(s, length(s) - length(f) - 1) == "::" f))
                    return 1
            return 0
        }
        END {
            by_function = at_large > 0 && (file ":" 1 in lost)
            printf "%s\tplants %d of %d", wrong == "" && (at_large == 0 || by_function) ? "ok" : "INCOMPLETE", named, plants
            if (kind == "lines") printf ", stale %d of %d", touched, stale
            if (by_function) printf ", %d by function:%s", at_large, large
            else wrong = wrong large
            print wrong
        }' "$work/found" $sources)
    printf '%-58s %s\n' "$name" "${row#*$'\t'}"
    if [[ ${row%%$'\t'*} != ok ]]; then
        incomplete=$((incomplete + 1))
        sed 's/^/    | /' "$work/said" | tail -3
    fi
}

have() { command -v "$1" >/dev/null; }

# ---- C and C++

sources_of() { # sources_of FILE: the file, and the headers in its folder that it includes
    echo "$1"
    sed -n 's/^#include "\(.*\)"/\1/p' "$1" | while read -r header; do
        [[ ! -f $programs/$header ]] || echo "$programs/$header"
    done
}
glib=$(pkg-config --cflags --libs glib-2.0 2>/dev/null)

compile() { # compile COMPILER OUTPUT FILE FLAGS...
    local compiler=$1 output=$2 file=$3
    shift 3
    # shellcheck disable=SC2086 # flags
    "$compiler" -D_GNU_SOURCE -w -I"$programs" "$@" "$file" -o "$output" $glib -pthread -ldl
}
build_and_score() { # build_and_score NAME COMPILER FILE FLAGS...
    local name=$1 compiler=$2 file=$3
    shift 3
    if compile "$compiler" "$work/program" "$file" "$@" 2>"$work/errors"; then
        score "$name" lines "$(sources_of "$file")" "$work/program"
    else
        skip "$name" "does not compile: $(head -1 "$work/errors")"
    fi
}

compilers_for() { # compilers_for FILE
    if [[ $1 == *.cpp ]]; then echo g++ clang++; else echo gcc clang; fi
}
for file in "$programs"/*.c "$programs"/*.cpp; do
    [[ -f $file ]] && grep -q 'PLANT:' "$file" || continue
    base=$(basename "$file")
    for compiler in $(compilers_for "$file"); do
        have "$compiler" || { skip "$base $compiler" "$compiler is not installed"; continue; }
        link=()
        [[ $compiler == g* ]] || { have ld.lld && link=(-fuse-ld=lld); }
        if $short; then
            build_and_score "$base $compiler -O2" "$compiler" "$file" -g -O2
            continue
        fi
        for level in -O0 -O2 "-O3 -flto"; do
            # shellcheck disable=SC2086 # flags
            build_and_score "$base $compiler $level" "$compiler" "$file" -g $level "${link[@]}"
        done
        for version in 3 4 5; do
            build_and_score "$base $compiler -O2 -gdwarf-$version" "$compiler" "$file" -O2 -gdwarf-$version
        done
        build_and_score "$base $compiler -O2 -gz" "$compiler" "$file" -O2 -g -gz
        build_and_score "$base $compiler -O2 -gsplit-dwarf" "$compiler" "$file" -O2 -g -gsplit-dwarf
    done
done

# ---- Places of debug information, for a program by gcc and one by clang++

places() { # places COMPILER FILE
    local compiler=$1 file=$2 base id
    base="$(basename "$file") $compiler -O2,"
    compile "$compiler" whole "$file" -g -O2 || return
    objcopy --only-keep-debug whole whole.debug
    stripped() { objcopy --strip-all ${2:+--add-gnu-debuglink=whole.debug} whole "$1"; }

    stripped beside link
    score "$base beside it" lines "$(sources_of "$file")" "$work/beside"
    mkdir -p hidden/.debug
    stripped hidden/program link
    mv whole.debug hidden/.debug/
    score "$base in .debug/" lines "$(sources_of "$file")" "$work/hidden/program"
    mv hidden/.debug/whole.debug .
    id=$(readelf -n whole | awk '/Build ID/ { print $3 }')
    if mkdir -p "/usr/lib/debug/.build-id/${id:0:2}" "/usr/lib/debug$work" 2>/dev/null; then
        stripped by_id
        cp whole.debug "/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug"
        system_copies+=("/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug")
        mv whole.debug away
        score "$base by build id" lines "$(sources_of "$file")" "$work/by_id"
        rm "/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug"
        rmdir --ignore-fail-on-non-empty "/usr/lib/debug/.build-id/${id:0:2}"
        cp away whole.debug
        stripped elsewhere link
        mv whole.debug "/usr/lib/debug$work/"
        system_copies+=("/usr/lib/debug$work/whole.debug")
        score "$base under /usr/lib/debug" lines "$(sources_of "$file")" "$work/elsewhere"
        rm -r "/usr/lib/debug$work"
        rmdir -p --ignore-fail-on-non-empty "/usr/lib/debug$(dirname "$work")" 2>/dev/null
    else
        skip "$base by build id, under /usr/lib/debug" "not the right to write there"
    fi
    for how in zlib zstd; do
        if objcopy --compress-debug-sections=$how whole compressed 2>/dev/null; then
            score "$base compressed by $how" lines "$(sources_of "$file")" "$work/compressed"
        else
            skip "$base compressed by $how" "objcopy cannot"
        fi
    done
    if have dwz && dwz whole -o shared 2>/dev/null; then
        score "$base dwz" lines "$(sources_of "$file")" "$work/shared"
    fi
    if have llvm-dwp && compile "$compiler" split "$file" -g -O2 -gsplit-dwarf &&
        llvm-dwp -e split -o split.dwp 2>/dev/null; then
        rm -f ./*.dwo
        score "$base in a .dwp" lines "$(sources_of "$file")" "$work/split"
    fi
    compile "$compiler" bare "$file" -O0
    score "$base none: names only" names "$(sources_of "$file")" "$work/bare"
}
if ! $short && [[ -f $programs/c_library.c ]]; then
    places gcc "$programs/c_library.c"
    ! have clang++ || places clang++ "$programs/cxx_library.cpp"
fi

# ---- Rust: one file, by each installed rustc

rustcs=()
for rustc in "$(command -v rustc)" /usr/bin/rustc; do
    [[ -x $rustc && " ${rustcs[*]} " != *" $rustc "* ]] && "$rustc" --version >/dev/null 2>&1 && rustcs+=("$rustc")
done
[[ ${#rustcs[@]} -gt 0 ]] || skip "Rust" "rustc is not installed"
rust() { # rust RUSTC FILE FLAGS...
    local rustc=$1 file=$2 name
    shift 2
    name="$(basename "$file") $("$rustc" --version | cut -d' ' -f2) $*"
    rm -rf rust
    mkdir rust
    if (cd rust && "$rustc" "$@" -A warnings "$file" -o program) 2>"$work/errors"; then
        score "$name" lines "$file" "$work/rust/program"
    else
        skip "$name" "$(grep -m1 error "$work/errors")"
    fi
}
for rustc in "${rustcs[@]}"; do
    for file in "$programs"/*.rs; do
        [[ -f $file ]] || continue
        rust "$rustc" "$file" -g -O
        $short && continue
        rust "$rustc" "$file" -g
        rust "$rustc" "$file" -g -O --cfg shim
        rust "$rustc" "$file" -g -O -Clto=fat -Ccodegen-units=1
        rust "$rustc" "$file" -O -Cdebuginfo=1
        rust "$rustc" "$file" -O -Cdebuginfo=line-tables-only
        rust "$rustc" "$file" -g -O -Csymbol-mangling-version=v0
        rust "$rustc" "$file" -g -O -Cpanic=abort
        rust "$rustc" "$file" -g -O -Csplit-debuginfo=packed
        rust "$rustc" "$file" -g -O -Csplit-debuginfo=unpacked
    done
done

# ---- Rust with crates, from Debian's packages

crates() { # crates CARGO RUSTC FOLDER
    local cargo=$1 rustc=$2 folder=$3 profile
    rm -rf crates
    cp -r "$folder" crates
    chmod -R u+w crates
    mkdir -p crates/.cargo
    printf '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "/usr/share/cargo/registry"\n' \
        >crates/.cargo/config.toml
    for profile in dev $(sed -n 's/^\[profile\.\(.*\)\]/\1/p' "$folder/Cargo.toml"); do
        local name output=$profile
        [[ $profile != dev ]] || output=debug
        name="$(basename "$folder") $("$rustc" --version | cut -d' ' -f2) profile $profile"
        if (cd crates && RUSTC=$rustc "$cargo" build --offline --quiet --profile "$profile") >"$work/errors" 2>&1; then
            score "$name" lines "$work/crates/src/main.rs" \
                "$(find "crates/target/$output" -maxdepth 1 -type f -executable ! -name '*.so' | head -1)" --trace
        else
            skip "$name" "$(grep -m1 error "$work/errors")"
        fi
    done
}
if ! $short; then
    for folder in "$programs"/*/; do
        [[ -f $folder/Cargo.toml ]] || continue
        for rustc in "${rustcs[@]}"; do
            cargo=$(dirname "$rustc")/cargo
            if [[ ! -d /usr/share/cargo/registry ]]; then
                skip "$(basename "$folder")" "librust-*-dev are not installed (scripts/bootstrap.sh --stress)"
            elif have "$cargo"; then
                crates "$cargo" "$rustc" "${folder%/}"
            fi
        done
    done
fi

echo "audit_score: $builds builds, $incomplete incomplete, $skipped skipped"
[[ $incomplete -eq 0 ]]
