#!/usr/bin/env bash
# completion_test.sh BUILD SOURCE: what bash completes for zk-audit, zk-sweep and zk-trial.
set -uo pipefail
build=$(cd "$1" && pwd) source=$(cd "$2" && pwd)
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"

# completed FILE WORD...: what is offered for the last word, sorted, in one line, by a bash that has
# read only that file.
completed() {
    bash --noprofile --norc -c '
        . "$1" || exit 3
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        command=$(complete -p "${1##*/}" | sed "s/.* -F \([^ ]*\) .*/\1/") || exit 3
        "$command" "$1" "${@: -1}" "${@: -2:1}"
        printf "%s\n" "${COMPREPLY[@]}" | LC_ALL=C sort | tr "\n" " "' bash "$@"
}
offers() { # offers WANTED WORD...
    local want=$1 got file
    shift
    file=$source/completions/${1##*/}
    checks=$((checks + 1))
    got=$(completed "$file" "$@")
    [[ ${got% } == "$want" ]] || fail "$*: '$got', want '$want'"
}
cd "$work" || exit 3
mkdir -p files/folder
touch files/one.json 'files/two words.json' files/program
chmod +x files/program

# Offers every option in --help, and no other.
for program in "$build"/sweep/zk-{audit,sweep,trial}; do
    [[ -e $program ]] || { echo "completion_test: $program is not built"; continue; } # without libdw there is no zk-trial
    options=$({ "$program" --help | sed -n 's/^  \(--.*\)/\1/p' | sed 's/   *.*//' | tr ', ' '\n\n' | grep '^--'; echo --help; } |
        LC_ALL=C sort -u | tr '\n' ' ')
    check "$program: too few options" test "$(wc -w <<<"$options")" -gt 8
    offers "${options% }" "$program" -
    offers "${options% }" "$program" ''
    check "$program: there is no completion of its name" test -e "$source/completions/${program##*/}"
done

audit=$build/sweep/zk-audit sweep=$build/sweep/zk-sweep trial=$build/sweep/zk-trial
offers '--sarif --skip --stacks --suppressions' "$audit" --s
offers '--write-suppressions' "$audit" --wri
offers '--no-confirm' "$audit" --census --no
offers 'files/folder files/one.json files/program files/two words.json' "$audit" --sarif files/
offers 'files/one.json' "$audit" --json --baseline files/o
offers '' "$audit" --min-bytes 4
offers 'files/program' "$audit" --top 3 -- files/prog
offers 'files/one.json' "$audit" --top 3 -- files/program files/o
offers 'files/one.json' "$audit" files/program files/o
PATH=$work/files:$PATH offers 'program' "$audit" -- progra
offers 'files/two words.json' "$audit" --resolve files/one.json files/two
offers 'flush' "$sweep" --profile f
offers 'none,pinned' "$sweep" --profile none,p
offers '' "$sweep" --profile none,n
offers 'files/folder' "$sweep" --out files/
offers 'files/folder' "$sweep" --out x --merge files/folder files/
offers '' "$sweep" word
if [[ -e $trial ]]; then
    offers 'pinned pinned_0' "$trial" --only pin
    offers 'glibc_tuned,blind' "$trial" --only glibc_tuned,b
    offers '' "$trial" --begin-at fun
fi
conclude completion_test
