#!/usr/bin/env bash
# lint_text.sh [--root FOLDER]: what lint.sh asks of the sources as texts. Stories, findings and messages of repros are
# prose, which a person breaks into lines (literals.awk); and a file of tests has at most 600 lines. Each place that
# does not keep to it is told in one line, and the exit status is 1.
set -euo pipefail
name=lint_text
# shellcheck source=script_common.sh
. "$(dirname "$0")/script_common.sh"
here=$(realpath "$(dirname "$0")")
root=$here/..
while [[ $# -gt 0 ]]; do
    case $1 in
    --root) root=${2-}; [[ -d $root ]] || die "--root $root: want a folder"; shift 2 ;;
    *) die "$1: no such option: want [--root FOLDER]" ;;
    esac
done
cd "$root"
shopt -s nullglob
prose=(repro/*.c repro/real/*.c repro/harness/*.c)
mapfile -t tests < <(find . \( -name .git -o -type d -name 'build*' -o -name target \) -prune -o -type f -name '*.[cs]*' -printf '%P\n' |
    grep -E '(^|/)tests/.*\.(c|sh)$|(^|/)test_[^/]*\.c$|_test\.sh$' | sort)
[[ ${#prose[@]} -gt 0 && ${#tests[@]} -gt 0 ]] || die "$root: ${#prose[@]} repros and ${#tests[@]} tests: want the project's folder"

status=0
awk -v columns=140 -f "$here/literals.awk" "${prose[@]}" >&2 || status=1
awk -v most=600 'FNR == most + 1 { print FILENAME ": more than " most " lines: cut it into a file per behaviour, named after it"; long = 1 }
    END { exit long }' "${tests[@]}" >&2 || status=1
echo "lint_text: ${#prose[@]} files of prose, ${#tests[@]} tests"
exit "$status"
