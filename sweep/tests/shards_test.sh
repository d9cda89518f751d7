#!/usr/bin/env bash
# shards_test.sh BUILD SOURCE: each part of a sweep says which one it is; a merge takes all of them,
# each once and complete, or nothing. It names what it refuses.
set -uo pipefail
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
# shellcheck source=sweep/tests/fakes.sh
. "$(dirname "$0")/fakes.sh"
for name in alpha beta gamma delta epsilon; do fake $name; done
part() { "$1/sweep/zk-sweep" --repro-dir "$fakes" "${@:2}" >"$work/log" 2>&1; } # part BUILD OPTION...
sweep=$1/sweep/zk-sweep
check "one sweep" part "$1" --out "$work/one"
for i in 1 2 3; do check "shard $i" part "$1" --shard $i/3 --out "$work/s$i"; done

# All parts, merged in any order, give the tables of one sweep, byte for byte, every time.
check "merge" "$sweep" --out "$work/merged" --merge "$work/s3" "$work/s1" "$work/s2"
check "merged shards are not one sweep" diff -r "$work/one" "$work/merged"
check "merge again" "$sweep" --out "$work/merged" --merge "$work"/s?
check "merged twice, it is not one sweep" diff -r "$work/one" "$work/merged"
check "shard.tsv does not say who it is" grep -qP '^shard\t2/3$' "$work/s2/shard.tsv"
check "a sweep that is no shard says it is one" test ! -e "$work/one/shard.tsv"
check "a shard again" part "$1" --shard 2/3 --out "$work/s2"
check "1/1" part "$1" --shard 1/1 --out "$work/single"
check "merge of one" "$sweep" --out "$work/of_one" --merge "$work/single"
check "the merge of one is not one sweep" diff -r "$work/one" "$work/of_one"

# refuse PATTERN FOLDER...: the merge says so in one line, exits 2, and leaves no table and not even a folder.
refuse() {
    local pattern=$1
    shift
    run 2 "$sweep" --out "$work/refused" --merge "$@"
    says "$pattern"
    one_line
    check "$pattern: something is left of --out" test ! -e "$work/refused"
}
# changed NAME COMMAND...: a copy of the second shard as $work/NAME, with a command run in it
changed() {
    rm -rf "${work:?}/$1"
    cp -r "$work/s2" "$work/$1"
    (cd "$work/$1" && "${@:2}")
}
# signed SED: the same with shard.tsv changed and its checksum adjusted
signed() {
    changed other sed -i "$1" shard.tsv
    sed -i '$d' "$work/other/shard.tsv"
    printf 'checksum\t%s\n' "$(sha256sum <"$work/other/shard.tsv" | cut -d' ' -f1)" >>"$work/other/shard.tsv"
}

refuse 'missing: 2: run' "$work/s1" "$work/s3"
refuse 'missing: 2, 3: run' "$work/s1"
refuse "$work/s1b: is shard 1/3, and so is $work/s1:" "$work/s1" "$work/s2" "$work/s3" "$(cp -r "$work/s1" "$work/s1b" && echo "$work/s1b")"
refuse "$work/one/shard.tsv: No such file" "$work/one"
refuse "$work/nothing/shard.tsv: No such file.*sweep.tsv" "$work/nothing"

for table in sweep thresholds matrix laws; do
    changed other truncate -s -5 $table.tsv
    refuse "other/$table.tsv: .*run shard 2/3 again" "$work/s1" "$work/other" "$work/s3"
    changed other truncate -s 0 $table.tsv
    refuse "other/$table.tsv: empty: run shard 2/3 again" "$work/s1" "$work/other" "$work/s3"
    changed other rm $table.tsv
    refuse "other/$table.tsv: No such file.*run shard 2/3 again" "$work/s1" "$work/other" "$work/s3"
    changed other sed -i '1s/$/\tmore/' $table.tsv
    refuse "other/$table.tsv: another version's header" "$work/s1" "$work/other" "$work/s3"
done
changed other sed -i '3s/\t[^\t]*$//' sweep.tsv
refuse 'other/sweep.tsv: line 3 has 10 fields, want 11' "$work/s1" "$work/other" "$work/s3"
changed other sed -i '1!d' sweep.tsv # only the header is left
refuse 'other/sweep.tsv: not what shard 2/3 wrote' "$work/s1" "$work/other" "$work/s3"
changed other sed -i '3d' sweep.tsv
refuse 'other/sweep.tsv: not what shard 2/3 wrote' "$work/s1" "$work/other" "$work/s3"
changed other sed -i '2s/corrupt/clean/;2s/clean/corrupt/' matrix.tsv
refuse 'other/matrix.tsv: not what shard 2/3 wrote' "$work/s1" "$work/other" "$work/s3"

changed other sed -i 's/^shard\t.*/shard\t3\/3/' shard.tsv
refuse 'other/shard.tsv: damaged' "$work/s1" "$work/other" "$work/s2"
changed other truncate -s -9 shard.tsv
refuse 'other/shard.tsv: damaged' "$work/s1" "$work/other" "$work/s3"
changed other truncate -s 0 shard.tsv
refuse 'other: of another version' "$work/s1" "$work/other" "$work/s3"
signed 's/^version\t.*/version\t0.0.9/'
refuse 'other: of another version, 0.0.9' "$work/s1" "$work/other" "$work/s3"
signed 's/^thresholds\t.*/thresholds\t0,4096/'
refuse 'other: its thresholds are not those of' "$work/s1" "$work/other" "$work/s3"
signed 's/^machine\t.*/machine\tPDP-11/'
refuse 'other: its machine are not those of' "$work/s1" "$work/other" "$work/s3"
signed 's/^shard\t.*/shard\t2\/4/'
refuse 'other: is shard 2/4, and .*s1 is 1/3' "$work/s1" "$work/other" "$work/s3"
signed 's/^shard\t.*/shard\t4\/3/'
refuse 'other/shard.tsv: does not say which shard' "$work/s1" "$work/other" "$work/s3"

# Parts of other repros, other settings and other programs, from real runs.
check "other settings" part "$1" --min-bytes 0,5 --shard 2/3 --out "$work/settings"
refuse 'settings: its thresholds are not those of' "$work/s1" "$work/settings" "$work/s3"
check "other repros" part "$1" --only '[adeg]*' --shard 2/3 --out "$work/repros"
refuse 'repros: its repros are not those of' "$work/s1" "$work/repros" "$work/s3"
sed -i 's/claim\\tNA/claim\\t512/' "$fakes/alpha"
check "other descriptions" part "$1" --shard 2/3 --out "$work/described"
refuse 'described: its descriptions are not those of' "$work/s1" "$work/described" "$work/s3"

# A merge into one of the parts: refused, and the part is unchanged.
run 2 "$sweep" --out "$work/s1" --merge "$work"/s[123]
says 's1: is --out as well'
check "the shard has lost its shard.tsv" test -e "$work/s1/shard.tsv"

# An outcome that is not as declared in a part makes the merge fail too.
fake beta '[[ $profile == none ]] && outcome=crash'
for i in 1 2; do part "$1" --only '[ab]*' --shard $i/2 --out "$work/bad$i"; done
run 1 "$sweep" --out "$work/bad" --merge "$work/bad1" "$work/bad2"
says 'bad2: 1 outcomes or laws are not as declared'
check "its tables are not written" test -e "$work/bad/matrix.tsv"

conclude shards_test
