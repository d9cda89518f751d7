#!/usr/bin/env bash
# chaos_programs.sh BUILD [--short] [--only PROGRAM] [--every N] [--seed S]: programs that nobody here wrote,
# under libzkalloc-preload.so with every block in the arena and a phase boundary about every N allocations.
# Pinned, each must do what it does without: stdout, exit status, files. Blind is the control: the same
# boundaries must show. Exits 1 where pinned differs, or where blind never does.
#
# A function case_PROGRAM is one program: it runs in an empty folder, always the same one, in which what it
# leaves is compared. What it calls through "${under[@]}" is under the allocator, with all of its children.
# Times, addresses, temporary names and process ids are kept out by choice of arguments.
set -uo pipefail
export LC_ALL=C TZ=UTC

die() {
    echo "chaos_programs: $1" >&2
    exit 2
}

build=${1:-}
[[ -n $build ]] || die "no build folder: call chaos_programs.sh BUILD [--short]"
shift
short='' only='' every='' seeds=''
while [[ $# -gt 0 ]]; do
    case $1 in
    --short) short=1 ;;
    --only | --every | --seed)
        [[ $# -ge 2 ]] || die "$1: no value: give one"
        case $1 in
        --only) only=$2 ;;
        --every) every=$2 ;;
        --seed) seeds=$2 ;;
        esac
        shift
        ;;
    *) die "$1: no such option: see the top of $0" ;;
    esac
    shift
done
library=$(realpath -e "$build/alloc/libzkalloc-preload.so" 2>/dev/null) ||
    die "$build/alloc/libzkalloc-preload.so: not there: build it first"
project=$(realpath "$(dirname "$0")/..")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
inputs=$work/inputs
export TMPDIR=$work/tmp HOME=$work/home
mkdir "$inputs" "$TMPDIR" "$HOME"
ulimit -c 0

# ---- Inputs: the same in every run ----

# A copy, since somebody may be editing the original.
mkdir "$inputs/project"
tar -C "$project" -cf - --exclude=./.git --exclude='./build*' --exclude=./results . | tar -C "$inputs/project" -xf -

lines=20000
[[ -n $short ]] || lines=200000
awk -v lines="$lines" 'BEGIN {
    for (i = 0; i < lines; i++) {
        x = (x * 1103515245 + 12345) % 2147483648
        printf "%08x line %d of the input, %d %s\n", x, i, x % 1000, substr("abcdefghijklmnopqrstuvwxyz", x % 26 + 1)
    }
}' >"$inputs/lines"

cat >"$inputs/threads.py" <<'PYTHON'
# Eight threads that make, pass on and drop objects of all sizes; the answer does not depend on who is first.
import queue, re, sys, threading

rounds = int(sys.argv[1])
passed = queue.Queue(64)
sums = [0] * 8

def work(number):
    kept = []
    for i in range(rounds):
        kept.append({"k%d" % j: [number, i, j] * (j % 17) for j in range(i % 23)})
        text = ("x%d " % i) * (i % 300)
        sums[number] += len(re.findall(r"x(\d+)", text)) + sum(len(k) for k in kept[-3:])
        if len(kept) > 50:
            del kept[::2]
        passed.put(bytearray(i % 5000))
        sums[number] += 0 * len(passed.get())

threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(sums, sum(map(hash, sums)))
PYTHON

cat >"$inputs/test_modules.py" <<'PYTHON'
# Runs test modules of the standard library and tells what does not depend on the clock.
import contextlib, importlib, io, sys, unittest, warnings

warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    suite = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(name))
    with contextlib.redirect_stdout(io.StringIO()):
        result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    bad = sorted(str(test) for test, _ in result.failures + result.errors)
    print(name, result.testsRun, len(result.skipped), *bad, sep="\n  ")
PYTHON

cat >"$inputs/script.pl" <<'PERL'
use strict; use warnings;
my (%words, %lengths, @lines);
while (my $line = <STDIN>) {
    chomp $line;
    push @lines, scalar reverse $line if $. % 3 == 0;
    $words{$_}++ for split /\W+/, $line;
    $lengths{length $line}{substr $line, 0, 2} .= substr($line, 5, 9);
    $line =~ s/(\d+)/sprintf "<%x>", $1/ge;
    splice @lines, 0, 500 if @lines > 1000;
}
print "$_ $words{$_}\n" for sort { $words{$b} <=> $words{$a} || $a cmp $b } keys %words;
for my $l (sort keys %lengths) { print "$l:", map({ "$_=" . length $lengths{$l}{$_} } sort keys %{$lengths{$l}}), "\n"; }
print "$_\n" for sort @lines;
PERL

cat >"$inputs/script.sql" <<SQL
pragma journal_mode = wal; pragma cache_size = 50;
create table t(id integer primary key, k text, v blob, n real);
with recursive c(i) as (select 1 union all select i + 1 from c where i < $((lines / 4)))
insert into t select i, printf('key-%06d', (i * 7919) % 100003), zeroblob(i % 400), i / 7.0 from c;
create index t_k on t(k); create index t_n on t(n desc, k);
begin; update t set v = zeroblob(3) || hex(k) where id % 3 = 0; delete from t where id % 7 = 0; commit;
begin; update t set k = k || k || k; rollback;
create virtual table if not exists f using fts5(body);
insert into f select k || ' ' || printf('%d', id) from t where id % 5 = 0;
select count(*) from f where f match 'key';
select substr(k, 1, 6), count(*), sum(length(v)), round(total(n), 3) from t group by 1 order by 1;
select a.k, b.n from t a join t b on a.id = b.id + 1 where a.n > b.n order by a.k limit 500;
select group_concat(k, ',') from (select k from t order by n limit 2000);
select json_group_array(json_object('k', k, 'n', n)) from (select * from t order by id limit 1000);
pragma wal_checkpoint(truncate); vacuum; analyze; pragma integrity_check;
SQL

cat >"$inputs/script.gp" <<'GNUPLOT'
set samples 2000; set isosamples 60; set hidden3d
set terminal svg; set output 'curve.svg'
plot sin(x)/x title 'one', besj0(x) with points, 'points' using 1:2 smooth csplines
set output 'surface.svg'; splot sin(x)*cos(y) with pm3d
set terminal dumb; set output 'text'; plot x**3 - 2*x
GNUPLOT

cat >"$inputs/script.sh" <<'BASH'
declare -A count; n=$1; list=()
for ((i = 0; i < n; i++)); do
    key="k$((i * 7919 % 101))"; count[$key]=$((${count[$key]:-0} + i)); list+=("$key:$i")
    text=${list[*]: -5}; text=${text//k/K}; [[ $text =~ K([0-9]+) ]] && count[${BASH_REMATCH[1]}]=$i
    ((i % 100)) || list=("${list[@]:10}")
    ((i % 500)) || printf '%s\n' "$(echo "$text" | while read -r a b; do echo "$b $a"; done)" <(:) | sed 's/fd.*//'
done
for key in $(printf '%s\n' "${!count[@]}" | sort); do echo "$key ${count[$key]}"; done
cat <<END
${list[@]}
END
BASH

# ---- The programs ----

limit_s=300 control_limit_s=20 # of one command; the control may hang
under=()

has() { command -v "$1" >/dev/null; }
python=''
if has python3; then # behind a shim, if there is one, and with the tests of its library, if any has them
    for candidate in "$(python3 -c 'import sys; print(sys.executable)')" /usr/bin/python3; do
        [[ -x $candidate ]] || continue
        python=${python:-$candidate}
        "$candidate" -c 'import test.test_json' 2>/dev/null && python=$candidate && break
    done
fi
with_python() { [[ -n $python ]] && PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 "${under[@]}" "$python" "$@"; }
has_python_tests() { [[ -n $python ]] && "$python" -c "import test.$1" 2>/dev/null; }

can_python_threads() { [[ -n $python ]]; }
case_python_threads() { with_python "$inputs/threads.py" "$((lines / 100))"; }
can_python_json() { has_python_tests test_json; }
case_python_json() { with_python "$inputs/test_modules.py" test.test_json.test_decode test.test_json.test_scanstring \
    test.test_json.test_encode_basestring_ascii test.test_json.test_pass1 test.test_json.test_unicode \
    test.test_json.test_float test.test_json.test_separators test.test_json.test_indent test.test_json.test_tool; }
can_python_re() { has_python_tests test_re; }
case_python_re() { with_python "$inputs/test_modules.py" test.test_re; }
can_python_threading() { has_python_tests test_threading; }
case_python_threading() { with_python "$inputs/test_modules.py" test.test_threading; }

compile() {
    for source in slab recycle census; do
        "${under[@]}" "$1" -std=gnu11 -O2 -g -fPIE -D_GNU_SOURCE '-DZK_TLS_MODEL="local-exec"' \
            -I"$inputs/project/alloc/include" -c "$inputs/project/alloc/src/$source.c" -o "$source.o" || return
    done
}
can_gcc() { has gcc; }
case_gcc() { compile gcc; }
can_clang() { has clang; }
case_clang() { compile clang; }

can_cmake_ninja() { has cmake && has ninja; }
case_cmake_ninja() {
    "${under[@]}" cmake -S "$inputs/project" -B b -G Ninja >/dev/null && "${under[@]}" ninja -C b -j2 zkalloc >/dev/null
    local status=$?
    mv b/alloc/libzkalloc.a . && rm -rf b
    return $status
}

can_sqlite3() { has sqlite3; }
case_sqlite3() { "${under[@]}" sqlite3 -batch database <"$inputs/script.sql"; }

can_git() { has git && git -C "$project" rev-parse HEAD &>/dev/null; }
case_git() {
    local git=("${under[@]}" git -c pack.threads=2 -c gc.auto=0 -c advice.detachedHead=false -c safe.directory='*')
    "${git[@]}" clone -q --no-local --no-hardlinks "$inputs/repository" clone &&
        "${git[@]}" -C clone gc -q --prune=now && "${git[@]}" -C clone fsck --full --strict --no-progress &&
        "${git[@]}" -C clone rev-list --all --objects && "${git[@]}" -C clone log --stat --format=%H -n 50 &&
        "${git[@]}" -C clone archive -o ../archive.tar HEAD
    local status=$?
    rm -rf clone
    return $status
}

can_perl() { has perl; }
case_perl() { PERL_HASH_SEED=0 "${under[@]}" perl "$inputs/script.pl" <"$inputs/lines"; }

can_xz() { has xz; }
case_xz() {
    "${under[@]}" xz -T2 -3 --block-size=300000 -c "$inputs/lines" >packed.xz && "${under[@]}" xz -T2 -dc packed.xz
}

can_sort() { has sort; }
case_sort() { "${under[@]}" sort --parallel=2 -S 500K -k1.3 "$inputs/lines"; }

can_tar() { has tar; }
case_tar() {
    "${under[@]}" tar --sort=name --mtime=@0 --owner=0 --group=0 -C "$inputs/project" -cf all.tar . &&
        "${under[@]}" tar -tvf all.tar && mkdir out && "${under[@]}" tar -C out -xf all.tar
}

can_gnuplot() { has gnuplot; }
case_gnuplot() {
    awk 'BEGIN { for (i = 0; i < 500; i++) print i / 50 - 5, sin(i / 20) }' >points
    "${under[@]}" gnuplot "$inputs/script.gp"
}

can_hyperfine() { has hyperfine; }
case_hyperfine() {
    "${under[@]}" hyperfine --style none --warmup 1 --runs 5 --ignore-failure --export-json times.json \
        true "sort $inputs/script.pl" 'exit 3' >/dev/null
    local status=$?
    grep -E '"command"|^ *[0-9]+,?$' times.json # names and exit codes; the rest is time
    rm -f times.json
    return $status
}

can_bash() { has bash; }
case_bash() { "${under[@]}" bash "$inputs/script.sh" "$((lines / 100))"; }

programs=(bash perl sort sqlite3 xz tar gcc clang python_threads python_json python_re python_threading git
    cmake_ninja gnuplot hyperfine)
intervals=(10 100 1000 20000) pinned_seeds=(1 2)
if [[ -n $short ]]; then
    programs=(bash perl sort sqlite3 xz python_threads)
    intervals=(10 1000) pinned_seeds=(1)
    limit_s=30 control_limit_s=5
fi
[[ -z $only ]] || programs=("$only")
[[ -z $every ]] || intervals=("$every")
[[ -z $seeds ]] || pinned_seeds=("$seeds")
[[ -z $only || $(type -t "case_$only") == function ]] || die "--only $only: no such program: want one of ${programs[*]}"

# ---- Running and comparing ----

# run PROGRAM RESULT: in $work/here, moved to RESULT when done.
run() {
    rm -rf "$work/here" "$2" "$TMPDIR"
    mkdir "$work/here" "$TMPDIR"
    (cd "$work/here" && "case_$1" >stdout 2>"$work/stderr") 2>/dev/null
    echo "$?" >"$work/here/status"
    mv "$work/here" "$2"
}
# under_allocator RECYCLE N SEED
under_allocator() {
    under=(timeout -k 2 "$limit_s" env "LD_PRELOAD=$library" "ZK_ALLOC_RECYCLE=$1" ZK_ALLOC_MIN_BYTES=0
        "ZK_ALLOC_CHAOS=$2:$3" ZK_ALLOC_SLAB_GB=2)
}
# difference RESULT: in one line, or nothing.
difference() {
    local expected actual
    expected=$(<"$work/without/status") actual=$(<"$1/status")
    if [[ $actual != "$expected" ]]; then
        echo "status $actual, not $expected"
    else
        diff -rq "$work/without" "$1" 2>&1 | sed -n "s|$work/||g; 1p"
    fi
}
# cell PROGRAM RECYCLE N SEED: sets found.
cell() {
    under_allocator "$2" "$3" "$4"
    run "$1" "$work/with"
    found=$(difference "$work/with")
}
# What to run again, and what the program said.
tell() {
    echo "  $1: $4, under pinned, N $2, seed $3; again: $0 $build --only $1 --every $2 --seed $3"
    tail -n 5 "$work/stderr" | sed 's/^/    /'
}

row() { printf '%-17s %6s  %-10s %s\n' "$@"; }
one_row() { # one_row PROGRAM N
    local pinned=identical blind=identical details=''
    for seed in "${pinned_seeds[@]}"; do
        cell "$1" pinned "$2" "$seed"
        cells=$((cells + 1))
        [[ -n $found ]] || continue
        pinned=DIFFERS failures=$((failures + 1))
        details+=$(tell "$1" "$2" "$seed" "$found")$'\n'
    done
    limit_s=$control_limit_s cell "$1" blind "$2" "${pinned_seeds[0]}"
    controls=$((controls + 1))
    [[ -z $found ]] || { blind="differs ($found)" && caught=$((caught + 1)); }
    row "$1" "$2" "$pinned" "$blind"
    printf '%s' "$details"
}

if [[ " ${programs[*]} " == *' git '* ]] && can_git; then
    git -c safe.directory='*' clone -q --bare "$project" "$inputs/repository" || die "git clone of $project failed"
fi
cells=0 failures=0 controls=0 caught=0 found=''
row program N pinned blind
for program in "${programs[@]}"; do
    if ! "can_$program"; then
        row "$program" - skip 'skip (not installed)'
        continue
    fi
    under=(timeout -k 2 "$limit_s" env)
    run "$program" "$work/without"
    if [[ $(<"$work/without/status") != 0 ]]; then
        tail -n 5 "$work/stderr" >&2
        die "$program fails without the allocator: its installation is broken"
    fi
    run "$program" "$work/again"
    found=$(difference "$work/again")
    [[ -z $found ]] || die "$program is not the same twice without the allocator ($found): choose its arguments better"
    for n in "${intervals[@]}"; do one_row "$program" "$n"; done
done

echo "chaos_programs: pinned differs in $failures of $cells runs; blind, the control, in $caught of $controls"
[[ $cells -gt 0 ]] || exit 77
[[ $failures -eq 0 && $caught -gt 0 ]]
