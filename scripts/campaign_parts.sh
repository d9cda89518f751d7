#!/usr/bin/env bash
# campaign_parts.sh: how one part of a campaign is run, for each kind, and what its result is.
# Sourced by campaign.sh.
#
# A result is one file of text. Its first line names the campaign and the part; then come the lines
# of the part's tables, each after the name of its table; the last line is a checksum of all before
# it. It contains no times and no names of machines: a part gives the same bytes wherever and
# whenever it is run.
# shellcheck disable=SC2154 # kind, build, total, seed, parts, least, every, engine, programs: campaign.sh's

# Only the plan may change how an engine behaves, so the environment is cleared of such settings.
defined_environment() {
    local variable
    for variable in $(compgen -e); do
        case $variable in ZK_ALLOC_* | MALLOC_* | GLIBC_TUNABLES | OMP_* | G_* | LD_* | LC_* | LANG*) unset "$variable" ;; esac
    done
    export LC_ALL=C TZ=UTC
}

# engine_of KIND: the program that does the work.
engine_of() {
    case $1 in
    sweep) echo "$build/sweep/zk-sweep" ;;
    oracle) echo "$build/alloc/test_oracle" ;;
    soundness) echo "$build/bench/soundness" ;;
    chaos) echo "$build/alloc/libzkalloc-preload.so" ;;
    esac
}

# programs_checksum: of the programs that are run, so that all parts come from the same build.
programs_checksum() {
    local files=("$(engine_of "$kind")") folder=$build/repro i
    case $kind in
    sweep)
        for ((i = 0; i < ${#engine[@]}; i++)); do
            case ${engine[i]} in --repro-dir) folder=${engine[i + 1]:-} ;; --repro-dir=*) folder=${engine[i]#*=} ;; esac
        done
        mapfile -t -O 1 files < <(find "$folder/" -maxdepth 1 -type f -perm -u+x | LC_ALL=C sort)
        ;;
    chaos) files+=("${engine[0]}") ;;
    esac
    for i in "${files[@]}"; do [[ -r $i ]] || no_data "$i: no such program: run make build"; done
    cat "${files[@]}" | sha256sum | cut -c 1-64
}

# first_of PART: the first seed of a part; that of PARTS + 1 is the end.
first_of() { echo $((seed + (${1} - 1) * total / parts)); }

# Each of the following makes the tables of part $1 in the folder $2.

part_sweep() {
    "$(engine_of sweep)" "${engine[@]}" --shard "$1/$parts" --out "$2" >/dev/null
    [[ $? -le 1 ]] # 1: an outcome is not declared, which gives a row too
}

part_soundness() {
    "$(engine_of soundness)" --seed "$seed" --proofs "$total" --part "$1/$parts" --out "$2/soundness.tsv" >/dev/null
    [[ $? -le 1 ]]
}

# A run that its alarm ended may only have got too little processor time: it is run again before it
# counts.
alarm=142
part_oracle() {
    local at end status said
    end=$(first_of $(($1 + 1)))
    for ((at = $(first_of "$1"); at < end; at++)); do
        for _ in 1 2; do
            said=$("$(engine_of oracle)" --ops 2000 "${engine[@]}" --seed $at 2>&1)
            status=$?
            [[ $status -ne 0 && $said == *"status $alarm"* ]] || break
        done
        case $status in
        0) printf '%s\tholds\t-\n' $at ;;
        1) printf '%s\twrong\t%s\n' $at "$(tail -n 1 <<<"$said" | tr '\t' ' ')" ;;
        *) echo "$said" >&2 && return 1 ;;
        esac
    done >"$2/oracle.tsv"
}

# did FOLDER LIMIT_S WORD...: runs the program, with WORDs before it, in an empty folder, always the
# same one, and moves its files, its stdout and its exit status to FOLDER.
did() {
    local folder=$1 limit_s=$2
    shift 2
    mkdir -p "$scratch/here/files"
    (cd "$scratch/here/files" && exec timeout -k 5 "$limit_s" "$@" "${engine[@]}" </dev/null >../stdout)
    echo $? >"$scratch/here/status"
    rm -rf "$folder"
    mv "$scratch/here" "$folder"
}
part_chaos() {
    local scratch=$2.scratch at end limit_s=600 began=$SECONDS verdict library loaded
    mkdir "$scratch"
    library=$scratch/libzkalloc-preload.so # a path that LD_PRELOAD can contain
    cp "$(engine_of chaos)" "$library"
    export TMPDIR=$scratch/tmp
    mkdir "$TMPDIR"
    # A program that is linked statically, or that drops LD_PRELOAD, would never differ, whatever
    # the library does.
    loaded=$(env LD_TRACE_LOADED_OBJECTS=1 "LD_PRELOAD=$library" timeout 60 "${engine[@]}" </dev/null 2>/dev/null)
    [[ $loaded == *"$library"* ]] || { echo "${engine[0]}: the library does not get into it: want a program linked to libc.so" >&2 && return 1; }
    did "$scratch/without" $limit_s env
    limit_s=$((60 + 20 * (SECONDS - began)))
    [[ $(<"$scratch/without/status") == 0 ]] ||
        { echo "${engine[0]}: exit status $(<"$scratch/without/status") without the allocator" >&2 && return 1; }
    did "$scratch/again" $limit_s env
    diff -r "$scratch/without" "$scratch/again" >&2 ||
        { echo "${engine[0]}: not the same twice without the allocator" >&2 && return 1; }
    end=$(first_of $(($1 + 1)))
    for ((at = $(first_of "$1"); at < end; at++)); do
        did "$scratch/with" $limit_s env "LD_PRELOAD=$library" "ZK_ALLOC_RECYCLE=${recycle}" "ZK_ALLOC_MIN_BYTES=$least" \
            "ZK_ALLOC_CHAOS=$every:$at" ZK_ALLOC_SLAB_GB=2
        verdict=same
        if [[ $(<"$scratch/with/status") != 0 ]]; then
            verdict="status $(<"$scratch/with/status")"
            [[ $verdict != 'status 124' && $verdict != 'status 137' ]] || verdict='hang or killed'
        elif ! diff -r "$scratch/without" "$scratch/with" >/dev/null; then
            verdict=differs
        fi
        printf '%s\t%s\n' $at "$verdict"
    done >"$2/chaos.tsv"
}

# heading PART: the first line of the part's result.
heading() { printf 'campaign\t%s\tpart\t%s/%s\n' "$identity" "$1" "$parts"; }

# whole FILE PART: is it the complete result of this part of this campaign?
whole() {
    [[ -f $1 && -z $(tail -c 1 "$1") && $(head -n 1 "$1") == "$(heading "$2")" ]] &&
        [[ $(tail -n 1 "$1") == "sha256"$'\t'"$(head -n -1 "$1" | sha256sum | cut -c 1-64)" ]]
}

# make_part PART: prints its result; nothing if it fails.
make_part() {
    local tables=$work/tables table
    mkdir "$tables"
    defined_environment
    ("part_$kind" "$1" "$tables") 2>"$work/said" || return
    {
        heading "$1"
        for table in "$tables"/*; do sed "s/^/$(basename "$table")\t/" "$table"; done
    } >"$work/result"
    printf 'sha256\t%s\n' "$(sha256sum <"$work/result" | cut -c 1-64)" >>"$work/result"
    cat "$work/result" 2>"$work/said" || return
}

# table_of RESULT NAME: the lines of a table.
table_of() { sed -n "s/^$2\t//p" "$1"; }

# merge_KIND RESULT...: writes the merged tables into $out/merged, all or none; prints a summary.
# Returns 1 if the campaign has found something.
merge_sweep() {
    local result name folders=()
    for result in "$@"; do
        mkdir "$work/$(basename "$result")"
        folders+=("$work/$(basename "$result")")
        for name in sweep.tsv thresholds.tsv matrix.tsv laws.tsv shard.tsv; do
            table_of "$result" $name >"$work/$(basename "$result")/$name"
        done
    done
    "$(engine_of sweep)" --out "$out/merged" --merge "${folders[@]}"
}
merge_soundness() {
    local result files=()
    for result in "$@"; do
        table_of "$result" soundness.tsv >"$work/$(basename "$result")"
        files+=("$work/$(basename "$result")")
    done
    mkdir -p "$out/merged"
    "$(engine_of soundness)" --merge --out "$out/merged/soundness.tsv" "${files[@]}"
}
merge_rows() { # merge_rows NAME HEADER GOOD WHAT RESULT...
    local table=$1 header=$2 good=$3 what=$4 result wrong
    shift 4
    {
        echo "$header"
        for result in "$@"; do table_of "$result" "$table"; done
    } >"$work/$table"
    [[ $(wc -l <"$work/$table") -eq $((total + 1)) ]] || die "$table: not a row for each seed: run it again in another folder"
    # shellcheck disable=SC2034 # for publish
    results=$out/merged
    publish "$table"
    wrong=$(awk -F'\t' -v good="$good" 'NR > 1 && $2 != good' "$work/$table" | tee "$work/wrong" | wc -l)
    echo "campaign: $total $what from seed $seed on, $wrong not as they should be"
    head -n 5 "$work/wrong"
    [[ $wrong -eq 0 ]]
}
merge_oracle() { merge_rows oracle.tsv $'seed\toutcome\tsaid' holds 'sequences' "$@"; }
merge_chaos() { merge_rows chaos.tsv $'seed\toutcome' same 'runs of a program' "$@"; }
