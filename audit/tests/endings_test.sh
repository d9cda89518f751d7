#!/usr/bin/env bash
# endings_test.sh BUILD: the findings are reported however a program ends, whatever it has closed or
# dropped before, and while it runs.
set -uo pipefail
build=$1 truth=$(realpath "$(dirname "$0")/truth")
audit=$build/sweep/zk-audit
. "$(dirname "$0")/../../scripts/test_helpers.sh"
cd "$work" || exit 1
chmod 755 "$work" "$work/tmp"
check "cc endings" cc -g -O1 -I"$truth" "$truth/endings.c" -o endings
seen='^UNSAFE at MIN_BYTES 4096: .*7777 bytes'

for mode in --census --trap; do
    for how in return _exit exec execv fork chdir all close files; do
        run 1 "$audit" $mode -- ./endings $how
        says "$seen"
        silent_on 'No report|dies of'
    done
    for how in hup int term handler; do
        run 4 "$audit" $mode -- ./endings $how
        says "$seen" 'it died of SIG(HUP|INT|TERM)'
        silent_on 'No report|dies of signal'
    done
    if [[ $(id -u) -eq 0 ]]; then
        for how in chroot rights; do
            run 1 "$audit" $mode -- ./endings $how
            says "$seen"
            silent_on 'No report|exit status'
        done
    fi
    # If the end cannot be seen, the report says so.
    run 3 "$audit" $mode -- ./endings kill
    says '^NO VERDICT' '^No report from 1 process '
done
# Only the trap sees an exit by a bare system call, if the kernel allows it.
run 1 "$audit" --trap -- ./endings return
if ! grep -q 'does not see all' <<<"$said"; then
    run 1 "$audit" --trap -- ./endings bare
    says "$seen"
fi

# A relative path of the report does not change when the program changes its folder.
mkdir out
LD_PRELOAD=$build/alloc/libzkalloc-preload.so ZK_ALLOC_AUDIT=census ZK_ALLOC_AUDIT_OUT=out/report run 0 ./endings chdir
check "a relative path moved" test -s out/report

# A report on request, twice, from a program that goes on; and it ends as without.
serve() { # serve MODE: starts it under zk-audit, and waits until it has begun
    "$audit" "$1" -- ./endings serve >"$work/stdout" 2>"$work/stderr" &
    server=$!
    for _ in $(seq 200); do
        child=$(pgrep -P $server) && [[ -n $(compgen -G "$TMPDIR/zk-audit.*/$child.part") ]] && break
        sleep 0.05
    done
}
for mode in --census --trap; do
    serve $mode
    for _ in 1 2; do
        what="--report of $mode"
        said=$("$audit" --report "$child" 2>&1)
        check "$what: exit $?" test $? -eq 1
        says "$seen"
    done
    kill -TERM "$server"
    wait "$server"
    check "$what: the server's own audit: $(<"$work/stderr")" grep -Eq "$seen" "$work/stderr"
done
# A requested report is not the complete one of a program that is killed later.
serve --census
"$audit" --report "$child" >/dev/null 2>&1
kill -KILL "$child"
wait "$server"
check "a report so far is taken for all: $(<"$work/stderr")" grep -Eq '^No report from 1 process' "$work/stderr"
run 2 "$audit" --report $$
says 'it is under no audit'
run 2 "$audit" --report x
run 2 "$audit" --report 1234 -- ./endings
run 2 "$audit" --report 99999999
says 'want a process'

conclude endings_test
