#!/usr/bin/env bash
# campaign_test.sh SOURCE BUILD: a campaign on this machine gives the same bytes in any number of
# parts; only parts that are missing, truncated or changed are named and run again; nothing is
# merged unless all parts are there, or from another campaign.
set -uo pipefail
source=$1 build=$2
# shellcheck source=../test_helpers.sh
. "$source/scripts/test_helpers.sh"
# shellcheck source=../../sweep/tests/fakes.sh
. "$source/sweep/tests/fakes.sh"
cd "$work" || exit 3
campaign() { "$source/scripts/campaign.sh" "$@"; }
refused() { # refused STATUS PATTERN ARGUMENT...: with one line
    local status=$1 pattern=$2
    shift 2
    run "$status" campaign "$@"
    says "^campaign: $pattern"
    check "campaign $*: more than one line: $said" [ "$(wc -l <"$work/stderr")" -eq 1 ]
}

# Wrong command lines leave nothing behind.
refused 2 'no kind: want ' --merge
refused 2 "swep: no such kind: want " --out d swep
refused 2 '--parts 0: want a number' oracle --parts 0 --out d
refused 2 '--parts 8: more than there is to do, 7 seeds' oracle --parts 8 --total 7 --out d
refused 2 '--total 100: want a multiple of 120' soundness --total 100 --out d
refused 2 '--run fast: no such way' oracle --run fast --out d
refused 2 '--out: no value' oracle --out
refused 2 '--shard: not in a campaign' sweep --out d -- --shard 1/2
refused 2 'nothing/here: no such program' chaos --out d -- nothing/here
refused 2 '--part 3: there are 2' oracle --parts 2 --part 3 --out d
refused 3 "no data: $work/d/plan.tsv: no plan" --out d --run local
refused 3 'no data: .*no such program: run make build' oracle --build "$work" --out d
check "a refused campaign has left its folder" [ ! -e d ]

# The plan is a table; each of its commands makes its part, and needs nothing else.
run 0 campaign oracle --build "$build" --parts 3 --total 7 --seed 5 --out "a folder"
check "the plan is not of three parts" [ "$(awk -F'\t' 'NR > 1 { print $1, $2, $3, $4, $5, $6 }' 'a folder/plan.tsv' | tr '\n' ,)" = \
    'oracle 3 7 5 1 part-0001,oracle 3 7 5 2 part-0002,oracle 3 7 5 3 part-0003,' ]
refused 3 'no data: part-0001, part-0002, part-0003: not there, or not whole' --out "a folder" --merge
check "a command of the plan" bash -c "cd / && $(sed -n 3p 'a folder/plan.tsv' | cut -f 7)"
check "its command has not made part 2 alone" [ "$(cd 'a folder' && echo part-*)" = part-0002 ]
inode=$(stat -c %i 'a folder/part-0002')
run 0 campaign --out "a folder" --run local --merge
check "a part that was there was run again" [ "$(stat -c %i 'a folder/part-0002')" = "$inode" ]
run 0 campaign oracle --build "$build" --parts 1 --total 7 --seed 5 --out single --run local --merge
check "three parts are not a single run" diff -r 'a folder/merged' single/merged
check "not a row for each seed" [ "$(cut -f 1 single/merged/oracle.tsv | paste -sd,)" = seed,5,6,7,8,9,10,11 ]

# A result that is truncated, changed, or belongs to another part or campaign does not count: that
# part, and no other, is run again.
spoiled() { # spoiled HOW COMMAND...: after it, part 2 counts as missing; it is restored as it was
    local how=$1
    shift
    cp 'a folder/part-0002' was
    (cd 'a folder' && "$@")
    refused 3 'no data: part-0002: not there, or not whole' --out "a folder" --merge
    inode=$(stat -c %i 'a folder/part-0001')
    run 0 campaign --out "a folder" --run local
    check "$how: part 2 is not what it was" cmp was 'a folder/part-0002'
    check "$how: part 1 was run again" [ "$(stat -c %i 'a folder/part-0001')" = "$inode" ]
}
spoiled lost rm part-0002
spoiled cut truncate -s -1 part-0002
spoiled "cut by lines" sed -i "\$d" part-0002
spoiled changed sed -i 's/holds/wrong/' part-0002
spoiled "another part's" cp part-0001 part-0002
spoiled "another campaign's" cp ../single/part-0001 part-0002
refused 2 ".*another campaign's: its parts is 3, not 4" oracle --build "$build" --parts 4 --out "a folder"
refused 2 ".*another campaign's: its seed is 5, not 6" --seed 6 --out "a folder" --merge

# No part from another build, nor one made while there is no space.
mkdir -p other/alloc
(cat "$build/alloc/test_oracle" && echo) >other/alloc/test_oracle
chmod +x other/alloc/test_oracle
words=$(sed -n 2p 'a folder/plan.tsv' | cut -f 7)
want 2 'not the build that the campaign was planned with' bash -c "${words/"$build"/$work/other}"
want 2 'No space left on device' bash -c "${words/--out */--out - --part 1} >/dev/full"

# A part that keeps failing is named, with its engine's message; the others are done.
cat >other/alloc/test_oracle <<'END'
#!/bin/sh
for seed; do :; done
[ "$seed" != 3 ] || { echo "seed 3: out of memory"; exit 2; }
END
run 3 campaign oracle --build "$work/other" --parts 4 --total 4 --out failing --run local --tries 2
says '^campaign: part 3: it failed: seed 3: out of memory$' '^campaign: no data: part-0003: .*failed 2 times'
check "the others are not there" [ "$(cd failing && echo part-*)" = "part-0001 part-0002 part-0004" ]

# Interrupted, it ends the parts that it has started; while it runs, nobody else runs its parts.
printf '#!/bin/sh\necho $$ >>%q\nexec sleep 60\n' "$work/pids" >other/alloc/test_oracle
"$source/scripts/campaign.sh" oracle --build "$work/other" --parts 2 --total 2 --out ended --run local --jobs 2 &
driver=$!
for _ in {1..300}; do [[ $(wc -l 2>/dev/null <pids) -eq 2 ]] && break || sleep 0.1; done
want 2 '.*its parts are being run already' campaign --out ended --run local
kill -TERM $driver
wait $driver
check "interrupted, it does not say so" [ $? -eq 130 ]
for pid in $(<pids); do
    for _ in {1..100}; do [[ -e /proc/$pid ]] || break; sleep 0.1; done
    check "interrupted, it has left a process" [ ! -e "/proc/$pid" ]
done
check "interrupted, it has left a part" [ -z "$(find ended -name "*part-*")" ]
check "interrupted, it has left a folder" [ -z "$(ls -A "$TMPDIR")" ]

# What a campaign looks for is found, with exit status 1 of the merge: here, in the blind control.
run 1 campaign oracle --build "$build" --parts 2 --total 2 --out blind --run local --merge -- --recycle blind
check "blind holds" [ "$(cut -f 2 blind/merged/oracle.tsv | paste -sd,)" = outcome,wrong,wrong ]

# The other kinds: the same bytes as from their engine alone.
for fake in alpha beta gamma; do fake $fake; done
"$build/sweep/zk-sweep" --repro-dir fakes --out swept >/dev/null
for parts in 1 3; do run 0 campaign sweep --build "$build" --parts $parts --out sweep$parts --run local --merge -- --repro-dir fakes; done
check "a sweep in one part" diff -r swept sweep1/merged
check "a sweep in three" diff -r swept sweep3/merged
refused 2 '--parts 4: more than there is to do, 3 repros' sweep --build "$build" --parts 4 --out d -- --repro-dir fakes

# A fake program that behaves as the allocator would cause: the same under pinned, not under blind.
chaos() { campaign chaos --build "$build" --total 4 --every 20 --run local --merge "$@" -- bash -c \
    "for ((i = 0; i < 3000; i++)); do a[i % 97]+=x\$i; ((i % 5)) || unset \"a[\$((i * 7 % 97))]\"; done; echo \"\${a[*]}\""; }
run 0 chaos --parts 1 --out chaos1
run 0 chaos --parts 3 --out chaos3
check "chaos in three parts is not a single run" diff -r chaos1/merged chaos3/merged
run 1 chaos --recycle blind --out chaotic
check "no row of blind differs" grep -qvE '(same|outcome)$' chaotic/merged/chaos.tsv
run 3 campaign chaos --build "$build" --total 1 --tries 1 --out twice --run local -- sh -c 'echo $$'
says 'not the same twice without the allocator'
conclude campaign_test
