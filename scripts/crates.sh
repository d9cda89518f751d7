#!/usr/bin/env bash
# Compares the real crates with their models (repro/crates/rows.tsv): the same workloads, the same
# harness.
set -euo pipefail

usage() {
    cat <<'END'
usage: scripts/crates.sh [options] BUILD OUT
Builds repro/crates with the crates of a folder, runs each program and the model of the same name, and writes
OUT/crates.tsv: retained sizes, bounds and outcomes of both.

  --folder DIR   crates to build with, as cargo vendor makes it (default: /usr/share/cargo/registry, Debian's)
  --models W     debian12 (default) or 2026: the models' --crates
  --only SLUG    one repro
  --laws-most N  values at which each law is checked (default: 0, all)

Exit status: 0 every model is equal to the byte, 1 one is not, 2 usage, 3 a run failed, 77 no cargo.
END
}

die() {
    echo "crates: $2" >&2
    exit "$1"
}

folder=/usr/share/cargo/registry models=debian12 only='' laws_most=0
while [[ ${1:-} == --* ]]; do
    case $1 in
    --help) usage; exit 0 ;;
    --folder) folder=${2:-} ;;
    --models) models=${2:-} ;;
    --only) only=${2:-} ;;
    --laws-most) laws_most=${2:-} ;;
    *) die 2 "$1: no such option: see --help" ;;
    esac
    [[ $# -ge 2 ]] || die 2 "$1: wants a value: see --help"
    shift 2
done
[[ $# -eq 2 ]] || { usage >&2; exit 2; }
[[ $models == debian12 || $models == 2026 ]] || die 2 "--models $models: want debian12 or 2026"
[[ $laws_most =~ ^[0-9]+$ ]] || die 2 "--laws-most $laws_most: want a number"
[[ -d $1/repro ]] || die 2 "$1: no build there: run make build"
mkdir -p "$2"
build=$(realpath "$1") out=$(realpath "$2")
source=$(realpath "$(dirname "$0")/..")

# Debian's cargo, unless CARGO says otherwise: another compiler has another std.
cargo=${CARGO:-/usr/bin/cargo}
command -v "$cargo" >/dev/null || { echo "crates: skipped: no $cargo: scripts/bootstrap.sh --crates installs it" >&2; exit 77; }
[[ -d $folder ]] || { echo "crates: skipped: no folder of crates $folder: scripts/bootstrap.sh --crates installs Debian's" >&2; exit 77; }

work=$build/crates
mkdir -p "$work"
scratch=$(mktemp -d "$work/run.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# ---- Build ----

printf '[source.crates-io]\nreplace-with = "folder"\n[source.folder]\ndirectory = "%s"\n' "$folder" >"$work/config.toml"
rm -f "$source/repro/crates/Cargo.lock" # it depends on the versions in the folder
(
    cd "$source/repro/crates"
    rustc=$(dirname "$(command -v "$cargo")")/rustc
    [[ ! -x $rustc ]] || export RUSTC=${RUSTC:-$rustc}
    export ZKALLOC_BUILD=$build ZKALLOC_LIB_DIR=$build/alloc CARGO_TARGET_DIR=$work/target
    export CARGO_BUILD_JOBS=${CARGO_BUILD_JOBS:-$(nproc)}
    "$cargo" build --release --offline --config "$work/config.toml"
) >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; die 3 "the crates do not build ($work/build.log)"; }

std_version=$("${RUSTC:-$(dirname "$(command -v "$cargo")")/rustc}" --version | awk '{ print $2 }')

# "name version" of each crate, as Cargo has chosen them.
versions() {
    local name
    for name in $1; do
        if [[ $name == std ]]; then
            printf 'std %s, ' "$std_version"
        else
            awk -v name="$name" '$1 == "name" && $3 == "\"" name "\"" { found = 1; next }
                found && $1 == "version" { gsub(/"/, "", $3); printf "%s %s, ", name, $3; exit }' \
                "$source/repro/crates/Cargo.lock"
        fi
    done | sed 's/, $//'
}

# ---- Measure. `side` is the program and its arguments. ----

# Prints the outcome, and the largest block that is retained in the arena (NA: none).
run() {
    ZK_ALLOC_AUDIT_OUT=${audit_out:-/dev/null} "${side[@]}" "$@" --tsv >"$scratch/record" 2>"$scratch/errors" ||
        { [[ $? -ne 2 && $? -ne 3 ]] || die 3 "${side[*]} $*: $(cat "$scratch/errors")"; }
    IFS=$'\t' read -r _ _ _ outcome _ _ _ _ _ largest _ <"$scratch/record" ||
        die 3 "${side[*]} $*: wrote no record"
}

# Is an outcome harm?
harms() { [[ $1 =~ ^(stale|corrupt|crash|hang)$ ]] && echo harm || echo none; }

# Takes the sizes that a census finds retained, in the arena or not, and the bound that follows.
take_census() {
    local audit_out=$scratch/census.%p
    run --profile route --min-bytes 0 --audit census
    [[ $outcome == clean || $outcome == latent ]] || die 3 "${side[*]}: a census ends as $outcome"
    sizes=$(cat "$scratch"/census.[0-9]*[0-9] 2>/dev/null |
        awk -F'\t' '$4 ~ /^[0-9]+$/ { print $4 }' | sort -nu | paste -sd, -)
    rm -f "$scratch"/census.*
    guaranteed=0
    [[ $largest == NA ]] || guaranteed=$((largest + 1))
    sizes=${sizes:-NA}
}

# Takes the largest block that the trap sees touched, plus 1.
take_touched() {
    local audit_out=$scratch/trap.%p
    run --profile route --min-bytes 0 --audit trap
    touched=$(cat "$scratch"/trap.[0-9]*[0-9] 2>/dev/null |
        awk -F'\t' '$1 == "touched" && $5 + 0 > most { most = $5 + 0 } END { print (most > 0 ? most + 1 : 0) }')
    rm -f "$scratch"/trap.*
}

# Finds the smallest MIN_BYTES without harm, by bisection.
take_observed() {
    local low=-1 high=$guaranteed middle=$((guaranteed - 1)) # usually harm begins there
    while ((high - low > 1)); do
        run --profile route --min-bytes "$middle"
        if [[ $(harms "$outcome") == harm ]]; then low=$middle; else high=$middle; fi
        middle=$(((low + high) / 2))
    done
    observed=$high
}

take_outcomes() {
    local profile
    outcomes=()
    for profile in none flush route seed pinned system; do
        run --profile "$profile"
        outcomes+=("$outcome")
    done
}

# The sizes in the first list that are in neither the second nor the third; all lists are separated
# by commas.
only_in() {
    awk -v a="$1" -v b="$2,$3" 'BEGIN {
        n = split(b, other, ","); for (i = 1; i <= n; i++) known[other[i]] = 1
        n = split(a, mine, ","); for (i = 1; i <= n; i++) if (!(mine[i] in known)) { printf "%s%s", sep, mine[i]; sep = "," } }'
}

# A key of the description: the model's, which has what both have in common; or the crate's, if
# there is no model.
described() {
    local program=$build/repro/$1
    [[ -x $program ]] || program=$work/target/release/$1
    "$program" --describe | awk -F'\t' -v key="$2" '$1 == key'
}

# Sets the programs of both sides for a repro and its arguments.
sides() {
    local slug=$1 shared
    read -ra shared <<<"${2/#-/-}"
    [[ $2 != - ]] || shared=()
    if [[ " ${shared[*]} " != *' --threads '* ]]; then
        shared+=(--threads "$(described "$slug" threads | cut -f2)")
    fi
    shared+=(--cycles "$(described "$slug" cycles | cut -f2)")
    model=("$build/repro/$slug" "${shared[@]}")
    [[ -z $(described "$slug" option | awk -F'\t' '$2 == "crates"') ]] || model+=(--crates "$models")
    crate=("$work/target/release/$slug" "${shared[@]}")
    local i
    for i in "${!crate[@]}"; do # there, a flag takes a number
        [[ ${crate[i]} != --destroy ]] || crate[i]='--destroy=1'
    done
}

# Counts the law's values that give the same bound on both sides. Sets checked, and what differs.
check_laws() {
    local slug=$1 at values
    checked=0 unlike=''
    mapfile -t values < <("$build/repro/$slug" --describe | awk -F'\t' -v models="$models" '
        $1 == "law" { holds = $3 == "-" || $3 == "--crates " models; if ($3 == "-") plain = 1 }
        $1 == "law_at" && holds && $2 !~ /--crates|--caller|--field/ && !seen[$2]++ { print $2 }')
    for at in "${values[@]}"; do
        ((laws_most == 0 || checked < laws_most)) || return 0
        sides "$slug" "$at"
        side=("${crate[@]}")
        take_census
        local of_crate=$guaranteed
        side=("${model[@]}")
        take_census
        checked=$((checked + 1))
        [[ $of_crate == "$guaranteed" ]] || unlike+=", law at $at: bound $of_crate, model $guaranteed"
    done
}

# ---- The table ----

columns=(repro arguments class crate retained_crate retained_model observed_crate observed_model touched_crate
    touched_model guaranteed_crate guaranteed_model)
for side in crate model; do
    for profile in none flush route seed pinned system; do
        columns+=("${profile}_$side")
    done
done
columns+=(law_values verdict)
(IFS=$'\t'; echo "${columns[*]}") >"$scratch/crates.tsv"

equal=0 differing=0 lacking=0 before=''
while IFS=$'\t' read -r slug arguments names differs why; do
    [[ $slug != repro ]] || continue
    [[ -z $only || $slug == "$only" ]] || continue
    [[ -x $work/target/release/$slug ]] || die 3 "$slug: no such program in repro/crates"
    sides "$slug" "$arguments"
    side=("${crate[@]}")
    take_census; sizes_crate=$sizes guaranteed_crate=$guaranteed
    take_touched; touched_crate=$touched
    take_observed; observed_crate=$observed
    take_outcomes; outcomes_crate=("${outcomes[@]}")
    if [[ ! -x $build/repro/$slug ]]; then
        lacking=$((lacking + 1))
        row=("$slug" "${arguments/%-/NA}" "$(described "$slug" class | cut -f2)" "$(versions "$names")" "$sizes_crate" NA
            "$observed_crate" NA "$touched_crate" NA "$guaranteed_crate" NA "${outcomes_crate[@]}" NA NA NA NA NA NA NA
            "no model")
        (IFS=$'\t'; echo "${row[*]}") >>"$scratch/crates.tsv"
        continue
    fi
    side=("${model[@]}")
    take_census
    take_touched
    take_observed
    take_outcomes

    verdict='' failed=0
    known=${differs/#-/}
    extra=$(only_in "$sizes_crate" "$sizes" "$known")
    missing=$(only_in "$sizes" "$sizes_crate" "$known")
    [[ -z $extra ]] || { verdict+=", only the crate retains $extra"; failed=1; }
    [[ -z $missing ]] || { verdict+=", only the model retains $missing"; failed=1; }
    # The largest block may be one that is known to differ.
    excused=no
    [[ ! $guaranteed_crate =~ ^[0-9]+$ || ,$known, != *,$((guaranteed_crate - 1)),* ]] || excused=yes
    [[ $guaranteed_crate == "$guaranteed" || $excused = yes ]] || { verdict+=", guaranteed $guaranteed_crate and $guaranteed"; failed=1; }
    [[ $touched_crate == "$touched" ]] || verdict+=", touched $touched_crate and $touched"
    [[ $observed_crate == "$observed" ]] || verdict+=", observed $observed_crate and $observed"
    profiles=(none flush route seed pinned system)
    for i in "${!profiles[@]}"; do
        # The kind of harm depends on the instruction that meets the damage first: a difference in
        # it is no fault of the model.
        [[ $(harms "${outcomes_crate[i]}") == "$(harms "${outcomes[i]}")" ]] ||
            verdict+=", ${profiles[i]} ${outcomes_crate[i]} and ${outcomes[i]}"
        if ((i >= 4)) && [[ ${outcomes_crate[i]} != clean ]]; then failed=1; fi
    done
    guaranteed_model=$guaranteed sizes_model=$sizes laws=NA
    if [[ $slug != "$before" && -n $(described "$slug" law) ]]; then # only in a repro's first row
        check_laws "$slug"
        laws=$checked
        [[ -z $unlike ]] || { verdict+=$unlike; failed=1; }
    fi
    before=$slug
    verdict=${verdict#, }
    verdict=${verdict:-equal}
    [[ $why == - ]] || verdict+="; $why"
    if ((failed)); then
        differing=$((differing + 1))
        echo "crates: $slug ${arguments/#-/-}: $verdict" >&2
    else
        equal=$((equal + 1))
    fi
    row=("$slug" "${arguments/%-/NA}" "$(described "$slug" class | cut -f2)" "$(versions "$names")" "$sizes_crate"
        "$sizes_model" "$observed_crate" "$observed" "$touched_crate" "$touched" "$guaranteed_crate" "$guaranteed_model"
        "${outcomes_crate[@]}" "${outcomes[@]}" "$laws" "$verdict")
    (IFS=$'\t'; echo "${row[*]}") >>"$scratch/crates.tsv"
done <"$source/repro/crates/rows.tsv"
((equal + differing + lacking > 0)) || die 2 "--only $only: no such repro in repro/crates/rows.tsv"

if [[ -z $only ]]; then
    mv "$scratch/crates.tsv" "$out/crates.tsv"
else
    cat "$scratch/crates.tsv"
fi
printf 'crates: %d equal to the byte, %d not, %d without a model (%s)\n' "$equal" "$differing" "$lacking" \
    "$([[ -z $only ]] && echo "$out/crates.tsv" || echo "nothing written")"
((differing == 0))
