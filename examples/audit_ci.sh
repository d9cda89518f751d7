#!/usr/bin/env bash
# audit_ci.sh AUDIT PROGRAM ARGUMENTS...: a step of continuous integration. Fails if the program
# keeps something across a phase that nobody has reviewed. AUDIT is zk-audit; the files are in the
# current folder:
#   audit.supp    what has been looked at, with reasons (zk-audit --write-suppressions makes the first one), if there is one
#   audit.sarif   written: results that the code host shows at their lines
#   audit.folded  written: stacks by retained bytes, for a flame graph or speedscope
#   audit.json    written: everything
set -uo pipefail
audit=${1:?want AUDIT PROGRAM ARGUMENTS...}
shift
accepted=()
[[ ! -f audit.supp ]] || accepted=(--suppressions audit.supp)
"$audit" "${accepted[@]}" --sarif audit.sarif --folded audit.folded --json -- "$@" >audit.json
status=$?
case $status in
0) echo "audit: safe, apart from what audit.supp lists" ;;
1) echo "audit: unsafe: see audit.sarif, or run: zk-audit -- $*" ;;
3) echo "audit: no verdict: the program failed, or not all of it reported" ;;
4) echo "audit: unsafe, and the program failed" ;;
*) echo "audit: zk-audit could not run" ;;
esac
exit "$status"
