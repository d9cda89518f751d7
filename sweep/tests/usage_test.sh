#!/usr/bin/env bash
# usage_test.sh BUILD SOURCE: zk-sweep reports bad arguments before any run, in one line that says
# what to do.
set -uo pipefail
sweep=$1/sweep/zk-sweep
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
# shellcheck source=sweep/tests/fakes.sh
. "$(dirname "$0")/fakes.sh"
fake alpha
fake beta
refuse() { # refuse PATTERN OPTION...
    run 2 "$sweep" --repro-dir "$fakes" "${@:2}"
    says "^zk-sweep: $1"
    one_line
    check "$*: prints $out" test -z "$out"
    check "$*: runs something" test ! -e "$work/calls"
}
refuse '--profile: empty: want none, flush' --profile ,
refuse '--profile: empty: want none, flush' --profile ''
refuse '--profile most: want none' --profile most
refuse '--min-bytes: empty' --min-bytes ,
refuse '--min-bytes -1: want bytes' --min-bytes -1
refuse '--shard 3/50: there are 2 repros, .*want N up to 2' --shard 3/50
for shard in 4294967297/4294967298 1/4294967297 4294967297/2 -1/2 1/-2 0/1 2/1 1/ /1 1 '' 1/2/3 ' 1/2' '1/ 2' +1/2 1/2x \
    99999999999999999999/99999999999999999999; do
    refuse "--shard .*: want I/N, such as 1/4" --shard "$shard"
done
refuse '--jobs 4294967297: want a number' --jobs 4294967297
refuse '--for ,: want names and values' --for ,
refuse '--for : want names and values' --for ''
refuse '--nothing: no such option.*--help' --nothing
refuse '--l: no such option, or short for several' --l
refuse '-x: no such option' -x
refuse '-x: no such option' -xy
refuse '--jobs: want a value behind it' --jobs
refuse '--list=3: it takes no value' --list=3
refuse 'more: an argument too many' more
refuse '--merge: want --out DIR' --merge somewhere
refuse '--merge: it makes all shards one' --merge somewhere --shard 1/2 --out "$work/x"
refuse '--laws --shard --out: a part' --laws --shard 1/2 --out "$work/x"
refuse '.*no repro that matches' --only ''
run 0 "$sweep" --version
checks=$((checks + 1))
[[ $out =~ ^zk-sweep\ [0-9]+\.[0-9]+ ]] || fail "--version: $out"

# A folder of repros may have any name.
for name in 'a b' "it's" 'a:b'; do
    mkdir "$work/$name"
    cp "$fakes/alpha" "$work/$name/"
    run 0 "$sweep" --repro-dir "$work/$name" --profile system
    checks=$((checks + 1))
    grep -q '^alpha' <<<"$out" || fail "repros in '$name' are not found"
done

conclude usage_test
