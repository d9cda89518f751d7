#!/usr/bin/env bash
# campaign.sh: divides a campaign that is too long for one machine into independent parts, runs them
# anywhere, and merges them. See docs/campaign.md, and --help for the options.
set -uo pipefail
name=campaign
here=$(realpath "$(dirname "$0")")
# shellcheck source=script_common.sh
. "$here/script_common.sh"
# shellcheck source=campaign_parts.sh
. "$here/campaign_parts.sh"

help() {
    cat <<'END'
usage: campaign.sh KIND [--parts N] [--total N] [--seed S] [--out DIR] [--run WAY] [--merge] [-- ARGUMENT...]
       campaign.sh --out DIR [--run local|parallel|slurm] [--merge]
Cuts a campaign into independent parts, runs those of which there is no whole result yet, and merges their results: the
same bytes, whatever the number of parts and whatever ran them. Without --run and --merge only the plan is written.

KIND
  sweep          zk-sweep; ARGUMENTs are its options, such as --only or --repro-dir
  oracle         sequences of random operations against the model, each with a seed; ARGUMENTs are test_oracle's
  soundness      damaged proofs of the provers
  chaos          a program, ARGUMENT..., under the allocator with phases at random: what it does is compared with a run
                 without

  --parts N      parts (16, or as many as there can be)
  --total N      sequences (20000), proofs (120000) or chaotic runs (100) in all parts together
  --seed S       the first seed (1)
  --out DIR      where the plan, the results and DIR/merged are (campaign-KIND)
  --build DIR    the build to run (build, beside this script's folder)
  --every N      chaos: a phase boundary about every N allocations (777)
  --min BYTES    chaos: ZK_ALLOC_MIN_BYTES (0)
  --recycle HOW  chaos: pinned, or blind, which is the control and differs (pinned)

  --run local    on this machine
  --run parallel with GNU parallel, here or on the hosts of --sshlogin
  --run slurm    as an array job of Slurm; DIR must be the same folder on all nodes
  --jobs N       local and parallel: parts at once, on each host (its processors; 1 for sweep, which uses all of them)
  --sshlogin H   parallel: hosts, as parallel's option of this name has them; may be given again
  --tries N      how often a part is run that gives no whole result (3)
  --part I       only this part, here, now; with --out - its result is written to stdout
  --merge        writes DIR/merged

Exit status: 0 all is as it should be; 1 what the campaign looks for was found: see what is printed; 2 usage, or
something that cannot be read, written or run; 3 parts are missing: they are named.
END
}

kind='' parts='' total='' seed='' out='' build='' every='' least='' recycle='' way='' jobs='' tries=3 part='' merge='' expected=''
logins=() engine=()
while [[ $# -gt 0 ]]; do
    case $1 in
    --help) help && exit ;;
    --merge) merge=1 ;;
    --) shift && engine=("$@") && break ;;
    --parts | --total | --seed | --out | --build | --every | --min | --recycle | --run | --jobs | --sshlogin | --tries | --part | --programs)
        [[ -n ${2:-} ]] || die "$1: no value: give one, see --help"
        case $1 in
        --parts) parts=$2 ;; --total) total=$2 ;; --seed) seed=$2 ;; --out) out=$2 ;; --build) build=$2 ;;
        --every) every=$2 ;; --min) least=$2 ;; --recycle) recycle=$2 ;; --run) way=$2 ;; --jobs) jobs=$2 ;;
        --sshlogin) logins+=("$2") ;; --tries) tries=$2 ;; --part) part=$2 ;; --programs) expected=$2 ;;
        esac
        shift
        ;;
    -*) die "$1: no such option: see --help" ;;
    sweep | oracle | soundness | chaos)
        [[ -z $kind ]] || die "$1: one kind too many: want one of sweep, oracle, soundness, chaos"
        kind=$1
        ;;
    *) die "$1: no such kind: want sweep, oracle, soundness or chaos" ;;
    esac
    shift
done
case $way in '' | local | parallel | slurm) ;; *) die "--run $way: no such way: want local, parallel or slurm" ;; esac
[[ ${#logins[@]} -eq 0 || $way == parallel ]] || die "--sshlogin: only --run parallel takes hosts"
for option in parts total seed every jobs tries part; do
    [[ -z ${!option} ]] || want_number "${!option}" "--$option"
done
[[ -z $least || $least =~ ^[0-9]{1,9}$ ]] || die "--min $least: want a number of bytes"
case $recycle in '' | pinned | blind) ;; *) die "--recycle $recycle: want pinned or blind" ;; esac
[[ -n $kind || -n $out ]] || die "no kind: want sweep, oracle, soundness or chaos, or --out DIR with a plan"

work=$(mktemp -d) || die "no temporary folder can be made"
running='' # the process group that runs the parts
job=''     # or Slurm's job
stop() {
    [[ -z $running ]] || kill -TERM -- "-$running" 2>/dev/null
    [[ -z $job ]] || scancel "$job" 2>/dev/null
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

# ---- The plan ----

columns=$'kind\tparts\ttotal\tseed\tpart\tresult\tcommand'
[[ -n $out ]] || out=campaign-$kind
[[ $out == - ]] || out=$(realpath -m "$out")
plan=$out/plan.tsv

# complete: fills in the kind's defaults; refuses what the engine cannot do.
complete() {
    local option most things
    build=$(realpath -m "${build:-$here/../build}")
    : "${seed:=1}"
    case $kind in
    sweep | soundness | oracle) [[ -z $every$least$recycle ]] || die "--every, --min, --recycle: only chaos takes them" ;;
    esac
    case $kind in
    sweep)
        [[ -z $total ]] || die "--total: a sweep has as many runs as its repros have"
        [[ $seed == 1 ]] || die "--seed: a sweep has none"
        total=0
        for ((option = 0; option < ${#engine[@]}; option++)); do # absolute, since a part may be run in any folder
            case ${engine[option]} in
            --repro-dir) [[ -z ${engine[option + 1]:-} ]] || engine[option + 1]=$(realpath -m "${engine[option + 1]}") ;;
            --repro-dir=*) engine[option]=--repro-dir=$(realpath -m "${engine[option]#*=}") ;;
            esac
        done
        ;;
    oracle) : "${total:=20000}" ;;
    soundness)
        : "${total:=120000}"
        ((total % 120 == 0)) || die "--total $total: want a multiple of 120 proofs"
        [[ ${#engine[@]} -eq 0 ]] || die "${engine[0]}: soundness takes no arguments"
        ;;
    chaos)
        : "${total:=100}" "${every:=777}" "${least:=0}" "${recycle:=pinned}"
        [[ ${#engine[@]} -gt 0 ]] || die "no program: want chaos ... -- PROGRAM [ARGUMENT...]"
        option=${engine[0]}
        [[ $(type -P -- "$option") ]] || die "$option: no such program: want one to run"
        engine[0]=$(realpath -s "$(type -P -- "$option")")
        ;;
    esac
    for option in "${engine[@]}"; do
        [[ $kind == chaos ]] && break
        case $option in
        --seed* | --shard* | --out* | --merge* | --list | --laws | --help | --version | --replay* | --concurrent | --shrink)
            die "$option: not in a campaign, which says it itself or must give the same twice"
            ;;
        esac
    done
    want_engine
    [[ -n $parts ]] || parts=$((most < 16 ? most : 16))
    ((parts <= 1000)) || die "--parts $parts: want at most 1000"
    ((parts <= most)) || die "--parts $parts: more than there is to do, $most $things"
    programs=$(programs_checksum) || exit
    identity=$(printf '%s\n' 1 "$kind" "$parts" "$total" "$seed" "$every" "$least" "$recycle" "$programs" "${engine[@]}" |
        sha256sum | cut -c 1-16)
}
# want_engine: checks that it exists; sets how far it can be divided: $most $things.
want_engine() {
    local runs
    most=$total things=seeds
    [[ $kind != soundness ]] || most=120 things=slices
    [[ $kind == chaos ]] || want_program "$(engine_of "$kind")"
    [[ $kind == sweep ]] || return 0
    runs=$("$(engine_of sweep)" "${engine[@]}" --list 2>"$work/said") || die "$(head -n 1 "$work/said")"
    most=$(cut -f 1 <<<"$runs" | sort -u | wc -l) things=repros
}

result_of() { printf 'part-%04d' "$1"; }
# command_of OUT PART: the command that makes a part, quoted; PART is inserted as given.
command_of() {
    local words=("$here/campaign.sh" "$kind" --build "$build" --parts "$parts" --seed "$seed" --programs "$programs")
    [[ $kind == sweep ]] || words+=(--total "$total")
    [[ $kind != chaos ]] || words+=(--every "$every" --min "$least" --recycle "$recycle")
    printf '%q ' "${words[@]}"
    printf -- '--out %q --part %s' "$1" "$2"
    [[ ${#engine[@]} -eq 0 ]] || printf ' %s' -- "$(printf '%q ' "${engine[@]}")"
}

write_plan() {
    local i
    mkdir -p "$out" 2>/dev/null || die "$out: not a folder, and none can be made"
    {
        echo "$columns"
        for ((i = 1; i <= parts; i++)); do
            printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$kind" "$parts" "$total" "$seed" "$i" "$(result_of "$i")" \
                "$(command_of "$out" "$i")"
        done
    } >"$work/plan.tsv"
    [[ ! -e $plan ]] || cmp -s "$plan" "$work/plan.tsv" ||
        die "$plan: another campaign's, or of another build: want another folder, or take it away"
    [[ -e $plan ]] || publish_as "$work/plan.tsv" "$plan"
}

# read_plan: takes from an existing plan what was not given.
read_plan() {
    local words before=("$kind" "$parts" "$total" "$seed" "$build" "$every" "$least" "$recycle") given=("${engine[@]}") i=0 option
    [[ -f $plan ]] || no_data "$plan: no plan: give the KIND of a campaign first"
    [[ $(head -n 1 "$plan") == "$columns" ]] || die "$plan: not a plan: want one that campaign.sh has written"
    # eval is safe here: this script has written the command, with bash's quoting, and is about to
    # run it in any case.
    eval "words=($(sed -n 2p "$plan" | cut -f 7))"
    engine=() kind=${words[1]}
    for ((i = 2; i < ${#words[@]}; i++)); do
        case ${words[i]} in
        --) engine=("${words[@]:i+1}") && break ;;
        --parts) parts=${words[++i]} ;; --total) total=${words[++i]} ;; --seed) seed=${words[++i]} ;;
        --build) build=${words[++i]} ;; --every) every=${words[++i]} ;; --min) least=${words[++i]} ;;
        --recycle) recycle=${words[++i]} ;;
        esac
    done
    i=0
    [[ -z ${before[4]} ]] || before[4]=$(realpath -m "${before[4]}")
    for option in kind parts total seed build every least recycle; do
        [[ -z ${before[i]} || ${before[i]} == "${!option}" ]] ||
            die "$plan: another campaign's: its $option is ${!option}, not ${before[i]}: want another folder"
        i=$((i + 1))
    done
    [[ ${#given[@]} -eq 0 || $kind == chaos || ${given[*]} == "${engine[*]}" ]] ||
        die "$plan: another campaign's: its arguments are ${engine[*]}: want another folder"
}

if [[ -z $part && -f $plan ]]; then read_plan; fi
[[ -n $kind ]] || no_data "$plan: no plan: give the KIND of a campaign first"
complete
[[ -z $expected || $expected == "$programs" ]] ||
    die "$build: not the build that the campaign was planned with: want the same files on all machines"

# ---- One part ----

failed() { # the engine's own status
    head -n -1 "$work/said" >&2
    die "part $part: it failed: $(tail -n 1 "$work/said")"
}

if [[ -n $part ]]; then
    ((part <= parts)) || die "--part $part: there are $parts"
    if [[ $out == - ]]; then
        make_part "$part" || failed
        exit 0
    fi
    mkdir -p "$out" 2>/dev/null || die "$out: not a folder, and none can be made"
    whole "$out/$(result_of "$part")" "$part" && exit 0
    make_part "$part" >/dev/null || failed
    publish_as "$work/result" "$out/$(result_of "$part")"
    exit 0
fi
[[ $out != - ]] || die "--out -: only for one --part"
write_plan

# ---- Running all missing parts ----

missing() { # the numbers of the parts that have no complete result
    local i
    for ((i = 1; i <= parts; i++)); do whole "$out/$(result_of "$i")" "$i" || echo "$i"; done
}
names() { for i in "$@"; do result_of "$i" && echo; done | paste -sd, | sed 's/,/, /g'; }
# in_a_group COMMAND...: runs it in a process group, which is ended when this script ends.
in_a_group() {
    set -m
    "$@" &
    running=$!
    set +m
    wait "$running"
    running=''
}

run_local() {
    printf "%s\n" "$@" >"$work/left"
    in_a_group xargs -a "$work/left" -P "${jobs:-$each}" -n 1 bash -c \
        "$(command_of "$out" '"$1"') >/dev/null 2>$(printf %q "$out/log")/\"\$1\"" part
}

# A result comes back from a host as a stream, so the host need not share a folder with this
# machine. It is checked before it counts.
run_parallel() {
    local options=(--jobs "${jobs:-$each}" --results "$out/arrived/{}") login i
    for login in "${logins[@]}"; do options+=(--sshlogin "$login"); done
    [[ ${#logins[@]} -eq 0 ]] || options+=(--filter-hosts --retries 2)
    mkdir -p "$out/arrived"
    # Detects a dead host, instead of waiting for it.
    : "${PARALLEL_SSH:=ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3}"
    export PARALLEL_SSH
    in_a_group parallel "${options[@]}" "$(command_of - {})" ::: "$@" \
        >/dev/null 2>"$out/log/parallel" </dev/null
    for i in "$@"; do
        if whole "$out/arrived/$i" "$i"; then
            mv "$out/arrived/$i" "$out/$(result_of "$i")"
        fi
        [[ ! -e $out/arrived/$i.err ]] || mv "$out/arrived/$i.err" "$out/log/$i"
    done
    rm -rf "$out/arrived"
}

# Slurm must not requeue the job when a node dies: then the part is missing, and is run again with
# the other missing ones.
run_slurm() {
    local list
    list=$(printf '%s\n' "$@" | paste -sd,)
    {
        echo '#!/bin/bash'
        echo "exec $(command_of "$out" "\$SLURM_ARRAY_TASK_ID")"
    } >"$work/job"
    set -m
    sbatch --wait --parsable --no-requeue --job-name="zkalloc-$kind" --chdir=/ --array="$list" \
        --output="$out/log/%a" --error="$out/log/%a" "$work/job" >"$work/id" 2>"$out/log/sbatch" &
    running=$!
    set +m
    while kill -0 "$running" 2>/dev/null && [[ ! -s $work/id ]]; do sleep 0.2; done
    job=$(cut -d';' -f1 "$work/id")
    wait "$running"
    running='' job=''
    [[ -s $work/id ]] || die "sbatch: $(tail -n 1 "$out/log/sbatch")"
}

if [[ -n $way ]]; then
    [[ $kind == sweep ]] && each=1 || each=100%
    case $way in
    local) [[ $each == 1 ]] || each=$(nproc) ;;
    parallel) command -v parallel >/dev/null || no_data "parallel: no such program: install GNU parallel" ;;
    slurm) command -v sbatch >/dev/null || no_data "sbatch: no such program: want a machine that Slurm takes jobs from" ;;
    esac
    mkdir -p "$out/log"
    exec {lock}<"$plan"
    flock -n "$lock" || die "$out: its parts are being run already: wait, or end that"
    mapfile -t left < <(missing)
    for ((try = 1; try <= tries && ${#left[@]} > 0; try++)); do
        [[ $try -eq 1 ]] || echo "campaign: again: $(names "${left[@]}")" >&2
        "run_$way" "${left[@]}"
        mapfile -t left < <(missing)
    done
    if [[ ${#left[@]} -gt 0 ]]; then
        [[ ! -s $out/log/${left[0]} ]] || tail -n 1 "$out/log/${left[0]}" >&2
        no_data "$(names "${left[@]}"): not run, or failed $tries times: see $out/log"
    fi
    exec {lock}<&-
    [[ -n $merge ]] || echo "campaign: $parts parts are there: --merge makes them one"
fi

if [[ -n $merge ]]; then
    [[ -n $way ]] || mapfile -t left < <(missing) # else they were determined after the run
    [[ ${#left[@]} -eq 0 ]] || no_data "$(names "${left[@]}"): not there, or not whole: --run them"
    mapfile -t all < <(for ((i = 1; i <= parts; i++)); do echo "$out/$(result_of "$i")"; done)
    "merge_$kind" "${all[@]}"
    exit
fi
[[ -n $way ]] || echo "campaign: $parts parts: $plan"
