#!/usr/bin/env bash
# zk-trial: runs an unchanged program with every installed allocator, and tells what each would
# gain. See zk-trial(1).
#
# In each round every allocator runs once, in a new order, and is compared with glibc in the same
# round: whatever slows the machine for a while slows both.
set -euo pipefail
name='zk-trial'
self=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
parts=$self/trial
[[ -d $parts ]] || parts=$self/../share/zkalloc/trial
spin_count=${GOMP_SPINCOUNT-unset}
build=$self/.. # bench_common.sh looks for the library there
# shellcheck source=scripts/bench_common.sh
. "$parts/bench_common.sh"
# The program gets its own GOMP_SPINCOUNT, not bench_common.sh's.
if [[ $spin_count == unset ]]; then unset GOMP_SPINCOUNT; else export GOMP_SPINCOUNT=$spin_count; fi
allocators=(glibc glibc_again glibc_tuned mimalloc jemalloc tcmalloc pinned pinned_0 blind)

usage() {
    cat <<'END'
usage: zk-trial --begin-at FUNCTION [options] -- PROGRAM ARGS...
Runs PROGRAM with every allocator that there is, and tells what each would buy it: whether a phase arena is safe under it
that begins a phase where FUNCTION is entered, whether that pays, compared with what, and what to set.

  --begin-at F            a name, a part of one, or FILE:LINE; F@MODULE in that library; may be given again
  --end-at F              the phase ends, and the time is taken, where F is entered
  --rounds N              rounds to make (default: 5); three are needed to tell anything
  --min-time S            go on until each allocator has run for S seconds
  --only LIST             of glibc_tuned,mimalloc,jemalloc,tcmalloc,pinned,pinned_0,blind
  --command-per-round C   a shell command that is run before each run, to put back what the program changes
  --count-instructions    one more run of each, under callgrind: slow, and exact
  --tsv, --json           a table on stdout, for machines
  --figure FILE           a figure, FILE.svg or FILE.png
  --version               print the version

Exit status: 0 the trial was made, 1 no allocator can be tried from outside, 2 usage, or the program fails,
130 it was interrupted. See man zk-trial.
END
}

begin_at=() end_at=() rounds=5 min_time=0 only='' reset='' format=people figure='' count_instructions=no
value() { [[ $2 -ge 2 ]] || die "$1: its value is missing: see --help"; }
while [[ $# -gt 0 ]]; do
    case $1 in
    --begin-at) value "$1" $# && begin_at+=("$2") && shift ;;
    --end-at) value "$1" $# && end_at+=("$2") && shift ;;
    --rounds) value "$1" $# && rounds=$2 && shift ;;
    --min-time) value "$1" $# && min_time=$2 && shift ;;
    --only) value "$1" $# && only=$2 && shift ;;
    --command-per-round) value "$1" $# && reset=$2 && shift ;;
    --figure) value "$1" $# && figure=$2 && shift ;;
    --count-instructions) count_instructions=yes ;;
    --tsv) format=tsv ;;
    --json) format=json ;;
    --help) usage && exit 0 ;;
    --version) echo "$name @PROJECT_VERSION@" && exit 0 ;;
    --) shift && break ;;
    -*) die "$1: no such option: see --help" ;;
    *) break ;;
    esac
    shift
done
[[ $rounds =~ ^[1-9][0-9]{0,4}$ ]] || die "--rounds $rounds: want a number from 1 on"
[[ $min_time =~ ^[0-9]{1,6}$ ]] || die "--min-time $min_time: want whole seconds"
[[ -z $figure || $figure == *.svg || $figure == *.png ]] || die "--figure $figure: want a name that ends in .svg or .png"
[[ ${#begin_at[@]} -gt 0 ]] || die "want --begin-at FUNCTION: where a round of the program's work begins"
[[ $# -gt 0 ]] || die "no program: want zk-trial --begin-at FUNCTION [options] -- PROGRAM ARGS..."
command=("$@")
if [[ -n $only ]]; then
    IFS=, read -ra wanted <<<"$only"
    for allocator in "${wanted[@]}"; do
        [[ " ${allocators[*]} " == *" $allocator "* ]] || die "--only: no allocator $allocator: want some of ${allocators[*]}"
    done
    allocators=(glibc glibc_again)
    for allocator in "${wanted[@]}"; do [[ $allocator == glibc* && $allocator != glibc_tuned ]] || allocators+=("$allocator"); done
fi
tools=(hyperfine jq od cmp)
[[ $count_instructions == no ]] || tools+=(valgrind)
[[ -z $figure ]] || tools+=(gnuplot)
for tool in "${tools[@]}"; do command -v "$tool" >/dev/null || die "$tool is not installed: install it, as by apt-get install $tool"; done
zk=''
for library in "$self"/../alloc/libzkalloc-preload.so "$self"/../lib/libzkalloc-preload.so \
    "$self"/../lib/*/libzkalloc-preload.so "$self"/../lib64/libzkalloc-preload.so; do
    [[ -n $zk || ! -r $library ]] || zk=$(readlink -f "$library")
done
[[ -n $zk ]] || die "libzkalloc-preload.so is not beside this program: build or install it"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
interrupted=no
trap 'interrupted=yes' INT TERM
find_loadable "$zk"
zk=$loadable
find_loadable "$parts/libzk-probe.so"
probe=$loadable

# ---- One run ----

# places OPTION FUNCTION...: their places, one per line, in the form that the libraries take.
places() { "$self/zk-locate" --as zk-trial "${command[0]}" "$@"; }

# trial_environment ALLOCATOR: sets the array `environment`; fails if the allocator is not
# installed.
trial_environment() {
    local preload=$probe setting
    environment=()
    case $1 in
    pinned) preload=$zk ;;
    pinned_0) preload=$zk && environment=(ZK_ALLOC_MIN_BYTES=0) ;;
    blind)
        [[ $guaranteed != NA ]] || return 1
        preload=$zk && environment=(ZK_ALLOC_RECYCLE=blind "ZK_ALLOC_MIN_BYTES=$guaranteed")
        ;;
    *)
        environment_of "$1" || return 1
        for setting in "${!environment[@]}"; do
            [[ ${environment[setting]} != LD_PRELOAD=* ]] || { preload=${environment[setting]#*=}:$preload && unset "environment[setting]"; }
        done
        ;;
    esac
    environment=("${environment[@]}" "LD_PRELOAD=$preload" "ZK_ALLOC_BEGIN_AT=$begin_places")
    [[ -z $end_places ]] || environment+=("ZK_ALLOC_END_AT=$end_places")
}

# lasting PLACES FUNCTION...: the functions for ZK_ALLOC_BEGIN_AT: by name, which is still right when the program has been
# built again; by its place what only zk-locate finds, or has a comma, which there is between two functions.
lasting() {
    local places function list=''
    mapfile -t places <<<"$1"
    shift
    for function in "$@"; do
        [[ $function != *,* && ! $function =~ :[0-9]+(@.*)?$ ]] || function=${places[0]}
        list+=${list:+,}$function
        places=("${places[@]:1}")
    done
    [[ $list =~ ^[A-Za-z0-9_:,.@/+-]*$ ]] || list="'$list'"
    printf %s "$list"
}

quoted() { # quoted ARGUMENT...: quoted for sh
    local argument
    for argument in "$@"; do printf " '%s'" "${argument//\'/\'\\\'\'}"; done
}

# times PREFIX ALLOCATOR: entries, first_ms, warm_ms and allocations, over all processes that entered
# the function. The warm times under glibc are kept, to be looked at for work of several kinds.
times() {
    local file warm_to=''
    [[ $2 != glibc && $2 != glibc_again ]] || warm_to=$work/warm
    for file in "$1".*; do
        [[ -e $file ]] || continue
        echo process
        od -A n -v -t u8 -w8 "$file" | awk 'NR == 1 { last = $1 + 2 } NR <= 2 || NR <= last { print $1 }'
    done | awk -v table=times -v warm_to="$warm_to" -f "$parts/quantile.awk" -f "$parts/verdict.awk" -f "$parts/trial.awk"
}

# run ALLOCATOR ROUND: one run, whose line goes to $work/runs. Fails if it was interrupted.
run() {
    local out=$work/$1.$2 shown
    trial_environment "$1"
    rm -f "$out".times.*
    [[ -z $reset ]] || bash -c "$reset" >"$out.reset" 2>&1 </dev/null || {
        [[ $interrupted == no ]] || return 1
        die "--command-per-round fails: $reset: $(tail -3 "$out.reset")"
    }
    {
        echo '#!/bin/sh'
        echo "exec$(quoted "$parts/zk-usage" "$out.usage" "$out.out" "$out.err" "${environment[@]}" "ZK_ENTRY_TIMES=$out.times" "${command[@]}")"
    } >"$work/run"
    chmod +x "$work/run"
    if ! hyperfine -N --runs 1 --style none --export-json "$out.json" "$work/run" >"$out.hyperfine" 2>&1 </dev/null; then
        [[ $interrupted == no ]] || return 1
        progress 1 1 ''
        echo "$name: the program fails with $1: ${command[*]}" >&2
        for shown in "$out.out" "$out.err"; do [[ ! -s $shown ]] || tail -10 "$shown" | sed 's/^/  | /' >&2; done
        die "no trial of a program that fails: see what it says"
    fi
    {
        printf '%s\t%s\t' "$1" "$2"
        jq -r '.results[0] | [.times[0], .user + .system] | @tsv' "$out.json" | tr '\n' '\t'
        awk -F'\t' '{ value[$1] = $2 } END { printf "%s\t%s\t%s\t", value["page_faults"], value["peak_bytes"], value["instructions"] }' "$out.usage"
        times "$out.times" "$1" || die "the times of entries cannot be read"
    } >>"$work/runs"
    rm -f "$out".times.*
}

# Compares the program's output with that under glibc in the same round.
compare_output() {
    local allocator=$1 round=$2
    cmp -s "$work/glibc.$round.out" "$work/$allocator.$round.out" || echo "$allocator" >>"$work/different"
}

# ---- Before the rounds: can the program be tried, and is it safe? ----

begin_places=$(places "${begin_at[@]}") || exit 2
end_places=''
[[ ${#end_at[@]} -eq 0 ]] || end_places=$(places "${end_at[@]}") || exit 2
guaranteed=NA

# The allocator that the program is linked with, recognised by the names of its functions; without
# those, as in a stripped program, by its messages, which is reported as a guess.
own_allocator() {
    local file named mark
    file=$(command -v "${command[0]}") || return 0
    named=$(allocator_functions "$file")
    for mark in 'jemalloc=<jemalloc>: ' 'mimalloc=mimalloc: error: ' 'tcmalloc=tcmalloc: large alloc'; do
        [[ -z $named ]] || break
        ! LC_ALL=C grep -qaF -- "${mark#*=}" "$file" || named="probably ${mark%%=*}, by a text in it, for its symbols are stripped"
    done
    printf %s "$named"
}
allocator_functions() {
    local file=$1
    command -v nm >/dev/null || return 0
    { nm --defined-only "$file"; nm -D --defined-only "$file"; } 2>/dev/null | awk '
        $2 ~ /[TtWi]/ && $3 ~ /^(mi_malloc|_mi_malloc_generic)$/ { found["mimalloc"] }
        $2 ~ /[TtWi]/ && $3 ~ /^(_rjem_|je_|jemalloc_)?(malloc_conf|mallocx|je_malloc|_rjem_malloc|_rjem_mallocx|arena_malloc_hard)$/ { found["jemalloc"] }
        $2 ~ /[TtWi]/ && $3 ~ /^(tc_malloc|TCMalloc.*)$/ { found["tcmalloc"] }
        $2 ~ /[TtWi]/ && $3 ~ /^(rpmalloc|sn_malloc|hoard_malloc)$/ { found[$3] }
        $2 ~ /[TtWi]/ && $3 == "malloc" { found["a malloc of its own"] }
        END { for (name in found) { printf "%s%s", separator, name; separator = ", " } }'
}

# A run that is not counted, with the arena: its counters tell whether malloc is called at all.
pilot() {
    local entries allocations own
    run pinned_0 pilot || return 1
    read -r entries allocations < <(awk -F'\t' '$2 == "pilot" { print $8, $11 }' "$work/runs")
    if [[ ${entries:-0} == 0 ]]; then
        progress 1 1 ''
        die "${begin_at[*]} was never entered: give what PROGRAM needs to come to it, or another function"
    fi
    # Less than one allocation a round; with a known allocator inside, the C library's own few
    # allocations do not count either.
    own=$(own_allocator)
    if [[ $allocations != NA ]] && ((allocations < entries || (allocations < 1000 && ${#own} > 0))); then
        progress 1 1 ''
        {
            if [[ -n $own ]]; then
                echo "$name: malloc is hardly ever called ($allocations times): the program has its own allocator inside: $own."
            else
                echo "$name: malloc is hardly ever called ($allocations times): the program has an allocator of its own, or allocates nothing."
            fi
            echo "No allocator can be tried from outside. Build it without: in Rust, leave out the #[global_allocator] (or give it"
            echo "std::alloc::System), in C and C++ do not link the allocator's archive, or link its shared library instead."
        } >&2
        exit 1
    fi
    sed -i '/\tpilot\t/d' "$work/runs"
}

audit() {
    local functions=() function status=0
    for function in "${begin_at[@]}"; do functions+=(--begin-at "$function"); done
    for function in "${end_at[@]}"; do functions+=(--end-at "$function"); done
    [[ -z $reset ]] || bash -c "$reset" >/dev/null 2>&1 </dev/null || true
    "$self/zk-audit" --tsv "${functions[@]}" -- "${command[@]}" >"$work/audit.tsv" 2>"$work/audit.err" </dev/null || status=$?
    [[ $interrupted == no ]] || return 1
    bound() { awk -F'\t' -v name="$1" '$1 == "bound" && $9 == name { print $2; found = 1; exit } END { if (!found) print "NA" }' "$work/audit.tsv"; }
    verdict=$(bound verdict) audited_at=$(bound min_bytes) guaranteed=$(bound guaranteed) touched=$(bound touched)
    ((status < 2)) || verdict=no_verdict
}

verdict=no_verdict audited_at=NA touched=NA finished=0 total=1
: >"$work/runs"
: >"$work/warm"
: >"$work/different"
progress 0 1 "once, to see whether it can be tried"
if [[ $interrupted == no ]] && pilot; then
    progress 0 1 "audit"
    audit || true
fi

# ---- The rounds ----

present=()
for allocator in "${allocators[@]}"; do
    if trial_environment "$allocator"; then
        present+=("$allocator")
    elif [[ $allocator == blind ]]; then
        echo "$name: blind is not tried: the audit found no MIN_BYTES that is guaranteed to be safe" >&2
    else
        echo "$name: no $allocator here: not tried" >&2
    fi
done
total=$((rounds * ${#present[@]})) started=$SECONDS round=0
more_rounds() { ((round < rounds || SECONDS - started < min_time * ${#present[@]})); }
while [[ $interrupted == no ]] && more_rounds; do
    round=$((round + 1))
    for allocator in $(shuffled "$round" "${present[@]}"); do
        progress $((finished < total ? finished : total - 1)) "$total" "round $round: $allocator"
        if [[ $interrupted == yes ]] || ! run "$allocator" "$round"; then break; fi
        finished=$((finished + 1))
    done
    [[ $interrupted == no ]] || break
    for allocator in "${present[@]}"; do compare_output "$allocator" "$round"; done
done

# Callgrind counts what the program and its allocator execute; one run of each.
if [[ $count_instructions == yes && $interrupted == no ]]; then
    for allocator in "${present[@]}"; do
        [[ $allocator != glibc_again ]] || continue
        progress 0 1 "instructions: $allocator"
        trial_environment "$allocator"
        if env "${environment[@]}" valgrind --tool=callgrind --callgrind-out-file=/dev/null "${command[@]}" >/dev/null \
            2>"$work/callgrind" </dev/null; then
            awk -v allocator="$allocator" '/Collected *:/ { print allocator "\t" $NF }' "$work/callgrind" >>"$work/instructions"
        fi
        [[ $interrupted == no ]] || break
    done
fi
progress 1 1 ''
[[ $interrupted == no ]] || echo "$name: interrupted: what is known so far:" >&2
[[ -s $work/runs ]] || { echo "$name: no run was finished" >&2; [[ $interrupted == no ]] && exit 2 || exit 130; }

# ---- Results ----

setting=ZK_ALLOC_BEGIN_AT=$(lasting "$begin_places" "${begin_at[@]}")
[[ ${#end_at[@]} -eq 0 ]] || setting+=" ZK_ALLOC_END_AT=$(lasting "$end_places" "${end_at[@]}")"
kinds=$(awk -f "$parts/quantile.awk" -f "$parts/kinds.awk" "$work/warm")
# As wide as the terminal; and where there is none, as wide as it wants to be.
columns=200
if [[ -t 1 ]]; then
    { size=$(stty size <&3 2>/dev/null) && ((${size#* } > 0)) && columns=${size#* }; } 3<&1
fi
((columns >= 31)) || columns=31

table() {
    awk -v table="$1" -v names="${present[*]}" -v bold="$bold" -v plain="$plain" -v columns="$columns" -v found="$verdict" -v at="$audited_at" \
        -v guaranteed="$guaranteed" -v touched="$touched" -v functions="${begin_at[*]}" -v library="$zk" -v tunables="$tunables" \
        -v counted="$work/instructions" -v places="$setting" -v kinds="$kinds" \
        -v mimalloc="$(library_of mimalloc)" -v jemalloc="$(library_of jemalloc)" -v tcmalloc="$(library_of tcmalloc_minimal)" \
        -f "$parts/quantile.awk" -f "$parts/verdict.awk" -f "$parts/trial.awk" "$work/runs"
}
# wrapped WIDTH: its input, in lines that are no longer, but for a word that is: a setting can be copied whole.
wrapped() {
    awk -v width="$1" 'length($0) <= width || /\033/ { print; next }
        {
            indent = $0
            sub(/[^ ].*/, "", indent)
            line = indent $1
            if (indent != "") indent = indent "  "
            for (i = 2; i <= NF; i++) {
                if (length(line " " $i) <= width) { line = line " " $i; continue }
                print line
                line = indent $i
            }
            print line
        }'
}
tsv() {
    printf 'allocator\tmetric\tunit\tmedian\tratio_to_glibc\tlow\thigh\trounds\tjudgement\n'
    table tsv | LC_ALL=C sort
}
case $format in
tsv) tsv ;;
json)
    tsv | jq -R -s --arg verdict "$verdict" --arg guaranteed "$guaranteed" --arg touched "$touched" --arg answer "$(table answer)" '
        def number: if . == "NA" then null else tonumber end;
        {verdict: $verdict, guaranteed: ($guaranteed | number), touched: ($touched | number), answer: $answer,
         results: [split("\n")[1:][] | select(length > 0) | split("\t")
             | {allocator: .[0], metric: .[1], unit: .[2], median: (.[3] | number), ratio_to_glibc: (.[4] | number),
                low: (.[5] | number), high: (.[6] | number), rounds: (.[7] | number), judgement: .[8]}]}'
    ;;
people)
    table people | wrapped "$columns"
    echo
    table answer | wrapped $((columns < 100 ? columns : 100))
    ;;
esac

different=$(sort "$work/different" | uniq -c | awk '{ print $2 }' | tr '\n' ' ')
if [[ " $different" == *" glibc_again "* ]]; then
    echo "$name: what the program writes differs from run to run, with glibc as well: it was not compared" >&2
elif [[ -n $different ]]; then
    echo "$name: what the program writes is another than with glibc, with: $different" >&2
fi
if [[ -n $kinds ]]; then
    echo "$name: the times between entries differ by a factor of $kinds within one run, alike in every run: ${begin_at[*]} is entered for" \
        "work of several kinds. The answer goes by the wall time; for warm times, name a function that is entered once per unit of work" >&2
fi

if [[ -n $figure ]]; then
    table figure >"$work/figure.tsv"
    terminal="svg size 900,420 dynamic noenhanced font 'sans,13' background '#ffffff'"
    [[ $figure != *.png ]] || terminal="pngcairo size 900,420 noenhanced font 'sans,11' background '#ffffff'"
    gnuplot - <<END || die "--figure $figure: gnuplot fails"
set terminal $terminal
set output '$work/figure'
set datafile separator "\t"
set datafile missing "NA"
set title "$(table figure_title)"
set style fill solid noborder
set boxwidth 0.7
set border 3
set tics nomirror out
set grid ytics
set yrange [0:1.2<*]
unset key
set arrow from graph 0, first 1 to graph 1, first 1 nohead linecolor '#aa3333' front
plot '$work/figure.tsv' using 0:2:xtic(1) with boxes linecolor '#2e8b46', '' using 0:2:3:4 with yerrorbars pointtype 0 linecolor '#333333'
END
    { cp "$work/figure" "$figure.new" && mv "$figure.new" "$figure"; } || die "--figure $figure: cannot be written"
    echo "$name: $figure" >&2
fi
[[ $interrupted == no ]] || exit 130
