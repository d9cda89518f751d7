#!/usr/bin/env bash
# chaos_programs.sh BUILD [options]: other people's programs under libzkalloc-preload.so, with a
# phase boundary about every N allocations. Under pinned, each must behave as without the allocator:
# stdout, exit status, files. Blind is the control: there, the boundaries must show. Exits 1 if a
# program differs under pinned, or never differs under blind; 2 if a program fails, or differs
# between two runs, without the allocator.
#
#   --list             the programs' names, and whether they are installed
#   --only NAME[,NAME] only these; may be repeated
#   --min BYTES        only with this ZK_ALLOC_MIN_BYTES
#   --every N          only with a boundary about every N allocations
#   --seed S           only with this seed
#   --keep FOLDER      leaves what a program did in FOLDER/PROGRAM.without and, where it differs, FOLDER/PROGRAM.with;
#                      with the stacks, if it hung and there is gdb
#   --short            a few of them, with small inputs
#
# chaos/*.sh are the programs. can_PROGRAM tells whether it is installed. case_PROGRAM runs it in an
# empty folder, always the same one; what it leaves there is compared. What it calls through
# "${under[@]}" is under the allocator, with all of its children. $scratch, another empty folder, is
# for what is not compared. Arguments are chosen so that no times, addresses, temporary names and
# process ids appear. prepare_PROGRAM, if there is one, is called once before; tidy_PROGRAM after
# each run, when no process is left.
set -uo pipefail
export LC_ALL=C TZ=UTC

die() {
    echo "chaos_programs: $1" >&2
    exit 2
}

build=${1:-}
[[ -n $build && $build != --* ]] || die "no build folder: call chaos_programs.sh BUILD [options], see the top of $0"
shift
short='' list='' only=() min='' every='' seed='' keep=''
while [[ $# -gt 0 ]]; do
    case $1 in
    --short) short=1 ;;
    --list) list=1 ;;
    --only | --min | --every | --seed | --keep)
        [[ $# -ge 2 ]] || die "$1: no value: give one"
        case $1 in
        --only) IFS=', ' read -ra names <<<"$2" && only+=("${names[@]}") ;;
        --min) min=$2 ;;
        --every) every=$2 ;;
        --seed) seed=$2 ;;
        --keep) keep=$2 ;;
        esac
        shift
        ;;
    *) die "$1: no such option: see the top of $0" ;;
    esac
    shift
done

has() {
    local name
    for name in "$@"; do command -v "$name" >/dev/null || return; done
}
PATH+=:/usr/sbin:/sbin # some servers are only there

# ---- What is run ----

# Settings are MIN_BYTES:N. A program's file sets its own where the usual ones are too few or too
# slow.
declare -A settings=()
usual='0:50 0:777 0:5000 4096:200' usual_seeds='1 2'
# shellcheck disable=SC2034 # used in the programs' files
finer='0:10 0:100 0:1000 0:20000 4096:200'
lines=200000 # of input, for programs that read lines
longest_s=300 least_s=60 control_limit_s=20 # time limits; with the allocator, the limit depends on the time without

project=$(realpath "$(dirname "$0")/..")
for file in "$project"/stress/chaos/*.sh; do
    # shellcheck disable=SC1090 # one per program
    source "$file"
done
mapfile -t programs < <(compgen -A function case_ | sed 's/^case_//' | sort)
if [[ -n $short ]]; then
    programs=(bash perl php python_threads ruby sort sqlite3 xz)
    settings=() usual='0:10 0:1000 4096:200' usual_seeds=1
    lines=20000 longest_s=60 least_s=20 control_limit_s=5
fi
if [[ -n $list ]]; then
    for program in "${programs[@]}"; do
        "can_$program" && echo "$program" || echo "$program (not installed)"
    done
    exit 0
fi
for program in "${only[@]}"; do
    [[ $(type -t "case_$program") == function ]] || die "--only $program: no such program: want some of ${programs[*]}"
done
[[ ${#only[@]} -eq 0 ]] || programs=("${only[@]}")

built=$(realpath -e "$build/alloc/libzkalloc-preload.so" 2>/dev/null) ||
    die "$build/alloc/libzkalloc-preload.so: not there: build it first"

# ---- Folders and inputs: the same in every run ----

work=$(mktemp -d)
running='' # the program whose case runs
trap 'end_processes; tidy; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod 711 "$work" # some servers drop root's rights, or must be started without them
inputs=$work/inputs scratch=$work/scratch library=$work/libzkalloc-preload.so
export TMPDIR=$work/tmp HOME=$work/home
mkdir "$inputs" "$TMPDIR" "$HOME"
ulimit -c 0

# Uses copies, since somebody may be editing or building the originals.
install -m 755 "$built" "$library"
mkdir "$inputs/project"
tar -C "$project" -cf - --exclude=./.git --exclude='./build*' --exclude=./results . | tar -C "$inputs/project" -xf -
find "$project/stress/chaos" -type f ! -name '*.sh' -exec cp {} "$inputs" \;

awk -v lines="$lines" 'BEGIN {
    for (i = 0; i < lines; i++) {
        x = (x * 1103515245 + 12345) % 2147483648
        printf "%08x line %d of the input, %d %s\n", x, i, x % 1000, substr("abcdefghijklmnopqrstuvwxyz", x % 26 + 1)
    }
}' >"$inputs/lines"

# ---- Processes ----

# The processes of the running case: those that have the work folder in their environment, arguments
# or current folder, and their descendants. So daemons are found that have left the process group or
# hidden their environment.
processes() {
    {
        grep -lsF -- "$work" /proc/[0-9]*/{environ,cmdline}
        find /proc/[0-9]*/cwd -lname "$work/*" 2>/dev/null
    } | cut -d/ -f3 | sort -u >"$work/marked"
    cat /proc/[0-9]*/stat 2>/dev/null | awk 'NR == FNR { mine[$1]; next }
        { pid = $1; sub(/^.*\) . /, ""); parent[pid] = $1 }
        END {
            do {
                more = 0
                for (pid in parent) if (!(pid in mine) && parent[pid] in mine) { mine[pid]; more = 1 }
            } while (more)
            for (pid in mine) if (pid in parent) print pid
        }' "$work/marked" -
}
end_processes() {
    local pids
    for _ in {1..50}; do
        mapfile -t pids < <(processes)
        [[ ${#pids[@]} -gt 0 ]] || return
        kill -KILL "${pids[@]}" 2>/dev/null
        sleep 0.05
    done
}

# stacks: of the processes that have the library loaded, for --keep.
stacks() {
    local pid
    has gdb || return
    for pid in $(grep -lsF "$library" /proc/[0-9]*/maps | cut -d/ -f3 | head -n 8); do
        timeout 30 gdb -nx -batch -p "$pid" -ex 'thread apply all backtrace 20' </dev/null
    done &>"$work/stacks"
}

tidy() {
    [[ $(type -t "tidy_$running") != function ]] || "tidy_$running"
    running=''
} 2>/dev/null

under=(env)
# under_allocator RECYCLE MIN N SEED
under_allocator() {
    under=(env "LD_PRELOAD=$library" "ZK_ALLOC_RECYCLE=$1" "ZK_ALLOC_MIN_BYTES=$2" "ZK_ALLOC_CHAOS=$3:$4"
        ZK_ALLOC_SLAB_GB=2)
}

# For the cases. serve COMMAND...: starts a server in the background; $server is its process id.
serve() {
    "${under[@]}" "$@" &
    server=$!
}
# await COMMAND...: repeats it until it succeeds; fails if the server ends, or the time is up.
await() {
    local end=$((SECONDS + longest_s)) # the case has a limit of its own
    until "$@" &>/dev/null; do
        kill -0 "$server" 2>/dev/null && [[ $SECONDS -lt $end ]] || return
        sleep 0.02
    done
}
# ended: waits for the server, which has been told to stop; its exit status is compared too.
ended() {
    wait "$server"
    echo "server: status $?"
}

# run PROGRAM LIMIT_S RESULT: in $work/here, moved to RESULT when done; a case that takes too long is ended.
run() {
    local body watchdog finished status
    rm -rf "$work/here" "$3" "$scratch" "$TMPDIR" "$HOME" "$work/stacks"
    mkdir "$work/here" "$scratch" "$TMPDIR" "$HOME"
    running=$1
    set -m # or it would ignore SIGINT
    (
        set +m
        cd "$work/here" && "case_$1" >stdout
    ) </dev/null 2>"$work/stderr" &
    body=$!
    sleep "$2" &
    watchdog=$!
    set +m
    wait -n -p finished "$body" "$watchdog"
    status=$?
    if [[ $finished == "$watchdog" ]]; then
        status="not done after $2 s"
        { # only processes whose stacks would be useful
            echo 'when it was ended:'
            processes | xargs -r ps -L -o pid,tid,stat,wchan:20,comm -p | tail -n 12
        } >>"$work/stderr" 2>/dev/null
        [[ -z $keep ]] || stacks
    fi
    end_processes
    wait "$body" "$watchdog"
    tidy
    echo "$status" >"$work/here/status"
    mv "$work/here" "$3"
} 2>/dev/null # hides "Killed" for processes that end_processes ended

# ---- Comparing ----

# difference RESULT: one line that names it, or nothing.
difference() {
    local expected actual
    expected=$(<"$work/without/status") actual=$(<"$1/status")
    if [[ $actual != "$expected" ]]; then
        echo "status $actual, not $expected"
    else
        diff -rq "$work/without" "$1" 2>&1 | sed -n "s|$work/||g; 1p"
    fi
}
# leave PROGRAM RESULT: moves the result to where --keep says.
leave() {
    [[ -n $keep ]] || return
    mkdir -p "$keep"
    rm -rf "${keep:?}/$1.$2"
    cp -r "$work/$2" "$keep/$1.$2"
    cp "$work/stderr" "$keep/$1.$2/stderr"
    [[ ! -e $work/stacks ]] || cp "$work/stacks" "$keep/$1.$2/stacks"
}
# tell PROGRAM MIN N SEED FOUND: the command to run again, the first difference, and the program's
# messages.
tell() {
    echo "  $1: $5, under pinned, MIN $2, N $3, seed $4; again:"
    echo "    $0 $build --only $1 --min $2 --every $3 --seed $4 ${short:+--short }--keep /tmp/$1"
    diff -r -x status "$work/without" "$work/with" | grep -a '^[<>]' | head -n 4 | cut -c 1-150 | sed 's/^/    /'
    tail -n 8 "$work/stderr" | cut -c 1-200 | sed 's/^/    stderr: /'
}

cells=0 failures=0 controls=0 caught=0 unusable=0
row() { printf '%-17s %5s %6s  %-10s %s\n' "$@"; }
# one_row PROGRAM MIN N CONTROL: with each seed; and under blind, if CONTROL is set.
one_row() {
    local pinned=identical blind=- details='' found
    for s in ${seed:-$usual_seeds}; do
        under_allocator pinned "$2" "$3" "$s"
        run "$1" "$limit_s" "$work/with"
        found=$(difference "$work/with")
        cells=$((cells + 1))
        [[ -n $found ]] || continue
        pinned=DIFFERS failures=$((failures + 1))
        details+=$(tell "$1" "$2" "$3" "$s" "$found")$'\n'
        leave "$1" with
    done
    if [[ -n $4 ]]; then
        under_allocator blind "$2" "$3" "${seed:-1}"
        run "$1" "$control_limit_s" "$work/with"
        found=$(difference "$work/with")
        controls=$((controls + 1)) blind=identical
        [[ -z $found ]] || { blind="differs ($found)" && caught=$((caught + 1)); }
    fi
    row "$1" "$2" "$3" "$pinned" "$blind"
    printf '%s' "$details"
}
# usable PROGRAM: does it behave the same twice without the allocator?
usable() {
    local found began=$SECONDS
    under=(env)
    run "$1" "$longest_s" "$work/without"
    limit_s=$((least_s + 20 * (SECONDS - began)))
    leave "$1" without
    if [[ $(<"$work/without/status") != 0 ]]; then
        row "$1" - - FAILS "without the allocator (status $(<"$work/without/status")): is its installation whole?"
        tail -n 8 "$work/stderr" | cut -c 1-200 | sed 's/^/    stderr: /'
        return 1
    fi
    run "$1" "$longest_s" "$work/with"
    found=$(difference "$work/with")
    [[ -n $found ]] || return 0
    row "$1" - - UNSTEADY "not the same twice without the allocator ($found)"
    diff -r -x status "$work/without" "$work/with" | grep -a '^[<>]' | head -n 4 | cut -c 1-150 | sed 's/^/    /'
    leave "$1" with
    return 1
}
# settings_of PROGRAM: its own, or those of --min and --every.
settings_of() {
    local each
    if [[ -n $every ]]; then
        echo "${min:-0}:$every"
        return
    fi
    for each in ${settings[$1]:-$usual}; do
        echo "${min:-${each%:*}}:${each#*:}"
    done | awk '!seen[$0]++'
}

under_allocator pinned 0 100 1
"${under[@]}" cat /proc/self/maps | grep -qF "$library" || die "$built does not get into a program: build it again"
row program MIN N pinned blind
for program in "${programs[@]}"; do
    if ! "can_$program"; then
        row "$program" - - skip 'skip (not installed)'
        continue
    fi
    [[ $(type -t "prepare_$program") != function ]] || "prepare_$program" || die "$program: its inputs cannot be made"
    if ! usable "$program"; then
        unusable=$((unusable + 1))
        continue
    fi
    control=1 # at the first setting; one for each program is enough
    for setting in $(settings_of "$program"); do
        one_row "$program" "${setting%:*}" "${setting#*:}" "$control"
        control=''
    done
done

echo "chaos_programs: pinned differs in $failures of $cells runs; blind, the control, in $caught of $controls;" \
    "$unusable programs of no use here"
[[ $unusable -eq 0 ]] || exit 2
[[ $cells -gt 0 ]] || exit 77
[[ $failures -eq 0 && $caught -gt 0 ]]
