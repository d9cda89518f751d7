#!/usr/bin/env bash
# lint_text_test.sh SOURCE: each break of a literal that lint_text.sh is there for fails by file and line, as does a file
# of tests that is too long, by name; what a person may write passes; and the project's own sources pass.
set -uo pipefail
scripts=$1/scripts
# shellcheck source=../test_helpers.sh
. "$scripts/test_helpers.sh"

tree=$work/tree
mkdir -p "$tree"/repro/{real,harness,tests}
lines() { yes '/* */' | head -n "$1"; }
prose() { printf '%s\n' 'const char *text =' "$@" >"$tree/repro/text.c"; }
passes() { # passes LINE...: of one repro
    prose "$@"
    run 0 "$scripts/lint_text.sh" --root "$tree"
    check "$what: $said" [ -z "$said" ]
}
fails() { # fails LINE_NUMBER WHAT LINE...
    local number=$1 wrong=$2
    shift 2
    prose "$@"
    run 1 "$scripts/lint_text.sh" --root "$tree"
    says "^repro/text.c:$number: $wrong"
    one_line
}
long='    "A table that is made in one phase and read in the next holds what that phase has written over it by then'
lines 600 >"$tree/repro/tests/test_text.c"

passes '    "A story of\n"' '    "\n"' '    "lines.\n";'
passes '    "A sentence (or two). " ' '    "Another.";'
passes '    "A sentence. "' '    "Another.";'
passes "$long, \"" '    "and nobody notices it before the last proof is rejected.";'
passes "$long: \"" '    "nobody notices it before the last proof is rejected.";'
passes "$long \"" '    "and nobody notices it before the last proof is rejected.";'
passes "$long, \"" '    "which is of the largest kind that there is: "' '    KIND' '    "that is looked for.";'
passes '    {"--processors 1",' '     "--processors 2"};'

fails 2 'a literal ends inside a sentence, .* \(15 columns\): join' '    "of the "' '    "\n"' '    "first\n";'
fails 2 'a literal ends inside a sentence, ' '    "of the "' '    "first\n"' '    "\n";'
fails 3 'a literal ends inside a sentence, ' '    "A line.\n"' '    "A second, "' '    "and its end.\n";'
fails 2 'a literal ends inside a sentence, ' '    "buckets of 1, 2, 4 ... "' '    "entries";'
fails 2 'a literal ends in the middle of a phrase: ' "$long \"" '    "nobody notices it before the last proof is rejected.";'
fails 2 'a literal ends in the middle of a phrase: ' "$long\"" '    " and nobody notices it before the last proof is rejected.";'
for folder in real harness; do
    passes '    "A sentence.";'
    printf '%s\n' 'const char *text = "of the "' '                   "first";' >"$tree/repro/$folder/text.c"
    run 1 "$scripts/lint_text.sh" --root "$tree"
    says "^repro/$folder/text.c:1: a literal ends inside a sentence, "
    rm "$tree/repro/$folder/text.c"
done

passes '    "A sentence.";'
for file in repro/tests/test_text.c repro/tests/helpers.sh repro/test_text.c repro/text_test.sh; do
    lines 600 >"$tree/$file"
    run 0 "$scripts/lint_text.sh" --root "$tree"
    lines 601 >"$tree/$file"
    run 1 "$scripts/lint_text.sh" --root "$tree"
    says "^$file: more than 600 lines: "
    one_line
    lines 600 >"$tree/$file"
done
lines 601 >>"$tree/repro/harness/long.c"
run 0 "$scripts/lint_text.sh" --root "$tree"

rm -r "$tree/repro"
run 2 "$scripts/lint_text.sh" --root "$tree"
says ': 0 repros and 0 tests: want the project.s folder'
run 2 "$scripts/lint_text.sh" --root "$work/none"
says '^lint_text: --root .*/none: want a folder'

run 0 "$scripts/lint_text.sh"
conclude lint_text_test
