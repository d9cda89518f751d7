#!/usr/bin/env bash
# harness_test.sh BIN: the harness seen from its command line. BIN holds the test bodies.
set -uo pipefail
export ZK_ALLOC_TOOLS=ignore # AddressSanitizer, in builds with it, must not stop what these bodies do on purpose
bin=$1
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../../scripts/test_helpers.sh"

# Every outcome has its exit status.
want 0 '^body_clean: clean in 10 cycles' "$bin/body_clean"
want 10 '^body_latent: latent in 10 cycles' "$bin/body_latent"
want 3 "wrong before the first boundary \(a sum\)" "$bin/body_early"
want 3 "wrong before the first boundary" "$bin/body_early" --profile system
want 12 '^body_wrong: corrupt in 5 of 10 cycles' "$bin/body_wrong"
want 13 '^body_crash: crash' "$bin/body_crash"
want 13 'SIGABRT' "$bin/body_abort"
want 14 'no progress for 100 ms' "$bin/body_hang" --timeout 100
want 15 'begin 2: a phase is active' "$bin/body_refused" --profile seed
want 0 'clean' "$bin/body_refused"
want 77 'no way' "$bin/body_skip"
want 77 'no way' "$bin/body_skip" --no-fork
want 3 'ended early' "$bin/body_exit"

# The report on a crash says where it was, and after how many cycles.
want 13 'SIGSEGV at a(n address made of filler| non-canonical address).*in cycle 3' "$bin/body_crash"

# Damaged runs: bytes that happen to equal the filler neither split nor shorten one.
want 12 'cycle 1: 1 bytes at offset 0' "$bin/body_runs" --verbose
want 12 'cycle 1: 17 bytes at offset 100' "$bin/body_runs" --verbose
want 12 'cycle 1: 1 bytes at offset 125' "$bin/body_runs" --verbose
want 12 '^body_runs.none.0.corrupt.4.4.0.76.4.1000.3 runs, 19 bytes per boundary$' "$bin/body_runs" --tsv --cycles 4
want 10 'latent' "$bin/body_runs" --filler off

# A team: every thread's slab is filled; options of a repro's own.
want 12 'corrupt.10.10.0.20' "$bin/body_team" --tsv
want 0 'option 7' "$bin/body_team" --profile system
want 0 'option 3' "$bin/body_team" --profile system --depth 3
want 2 'depth 10: want a number from 1 to 9' "$bin/body_team" --depth 10
want 0 "option 7, flag" "$bin/body_team" --profile system --flag
want 0 "option 3, flag" "$bin/body_team" --profile system --flag --depth 3
want 0 "rerun: .* --flag \(debug" "$bin/body_team" --profile system --flag
want 0 "^  --flag          or not\$" "$bin/body_team" --help
want 2 "flag" "$bin/body_team" --flag=1

# --expect.
want 0 corrupt "$bin/body_wrong" --expect corrupt
want 0 corrupt "$bin/body_wrong" --expect crash,corrupt
want 1 'expected clean, got corrupt' "$bin/body_wrong" --expect clean
want 0 crash "$bin/body_crash" --expect declared
want 77 skip "$bin/body_skip" --expect clean
want 2 'want clean, latent' "$bin/body_wrong" --expect fine

# ... and the damage that is declared.
want 0 corrupt "$bin/body_damage" --expect declared
want 1 "cycle 10: declared 17 bytes at offset 100, the last ab; found 18 at offset 100, the last 03\$" \
    "$bin/body_damage" --wrong longer --expect declared
want 1 "declared 17 bytes at offset 100, .*; found 16 at offset 101" "$bin/body_damage" --wrong shorter --expect declared
want 1 "found 17 at offset 101" "$bin/body_damage" --wrong elsewhere --expect declared
want 1 "the last ab; found 17 at offset 100, the last af\$" "$bin/body_damage" --wrong bit --expect declared
want 1 "declared 2 runs of damaged bytes; found 3\$" "$bin/body_damage" --wrong more --expect declared
want 1 "declared 2 runs of damaged bytes; found 1\$" "$bin/body_damage" --wrong fewer --expect declared
want 0 corrupt "$bin/body_damage" --wrong longer --expect corrupt
want 12 corrupt "$bin/body_damage" --wrong longer

# Usage.
want 0 '^usage:' "$bin/body_clean" --help
want 2 'profile nine: want none' "$bin/body_clean" --profile nine
want 2 'min-bytes -1: want' "$bin/body_clean" --min-bytes -1
want 2 'min-bytes 4q: want' "$bin/body_clean" --min-bytes 4q
want 2 'cycles 0: want' "$bin/body_clean" --cycles 0
want 2 'filler maybe: want on or off' "$bin/body_clean" --filler maybe
want 2 'argument more' "$bin/body_clean" more
want 2 '^body_clean: option --nonsense: no such option' "$bin/body_clean" --nonsense
want 2 '^body_clean: option -q: no such option' "$bin/body_clean" -q
want 2 '^body_clean: option --cycles: want a value' "$bin/body_clean" --cycles
want 2 '^body_clean: option --tsv=1: takes no value' "$bin/body_clean" --tsv=1
want 0 'MIN_BYTES 4096' "$bin/body_clean" --profile route
want 0 'MIN_BYTES 2048' "$bin/body_clean" --profile route --min-bytes 2K

# A record has the columns of sweep.tsv; a run says how to repeat it.
checks=$((checks + 1))
[[ $("$bin/body_clean" --tsv | awk -F'\t' '{ print NF }') == 11 ]] || fail "--tsv: not 11 columns"
want 12 'rerun: .*body_runs --profile route --min-bytes 16 --cycles 3' \
    "$bin/body_runs" --profile route --min-bytes 16 --cycles 3

# Output that cannot be written is an error, whatever the outcome.
if [[ -c /dev/full ]]; then
    for what in "" --tsv --explain --describe --version --help "--expect clean" "--expect crash"; do
        want 3 'stdout: .*: what was printed is not whole' bash -c "exec '$bin/body_clean' $what >/dev/full"
    done
fi

# No colours and escape sequences where they are not wanted.
checks=$((checks + 1))
"$bin/body_clean" | grep -q $'\033' && fail "colour in a pipe"

conclude harness_test
