#!/usr/bin/env bash
# entry_refusals.sh READ_TEXT PRELOAD PROGRAM CC - an impossible function is refused in one line, with status 2, before
# the program runs.
set -euo pipefail
preload=$2 program=$3 cc=$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# refuses LINE PROGRAM FUNCTION
refuses() {
    local status=0
    LD_PRELOAD=$preload ZK_ALLOC_BEGIN_AT=$3 "$2" >"$scratch/out" 2>"$scratch/err" || status=$?
    if [[ $status != 2 || $(wc -l <"$scratch/err") != 1 || -s $scratch/out ]] || ! grep -q "$1" "$scratch/err"; then
        echo "BEGIN_AT=$3: status $status, stdout and stderr:"
        cat "$scratch/out" "$scratch/err"
        failed=1
    fi
}

cat >"$scratch/two.c" <<'END'
#include <stdio.h>
#include <sys/mman.h>
__attribute__((noinline, noclone)) int prove_one(int x) { return x + 1; }
__attribute__((noinline, noclone)) int prove_two(int x) { return x + 2; }
int main(int argc, char **argv) { (void)argv; return printf("runs %d\n", prove_one(argc) + prove_two(argc)) < 0; }
END
"$cc" -O1 -o "$scratch/two" "$scratch/two.c"
refuses 'no function there_is_none in this program' "$program" there_is_none
refuses 'prover.c:12 is a line, which .* zk-locate PROGRAM prover.c:12 prints' "$program" prover.c:12
refuses 'no function the_round in libc' "$program" the_round@libc
refuses "prove_.*@two, prove_.*@two: name one" "$scratch/two" prove_
refuses 'want FUNCTION' "$program" @libc
# A variable's address is not executable.
refuses 'nothing that is executed' "$scratch/two" "$scratch/two+0x1"

# The program runs with the right function, and with one that may be missing.
for function in prove_one '?there_is_none' "$scratch/two+0x$(nm "$scratch/two" | awk '$3 == "prove_two" {print $1}')"; do
    output=$(LD_PRELOAD=$preload ZK_ALLOC_BEGIN_AT=$function "$scratch/two" 2>&1) || true
    [[ $output == "runs 5" ]] || { echo "BEGIN_AT=$function: $output"; failed=1; }
done

# Text that must not be written: a system call filter refuses that, as SELinux would.
cat >"$scratch/deny.c" <<'END'
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_READ | PROT_WRITE | PROT_EXEC, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};

    (void)argc;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return 77;
    execv(argv[1], argv + 1);
    return 99;
}
END
"$cc" -o "$scratch/deny" "$scratch/deny.c"
status=0
"$scratch/deny" /usr/bin/env LD_PRELOAD="$preload" ZK_ALLOC_BEGIN_AT=prove_one "$scratch/two" >"$scratch/out" 2>"$scratch/err" ||
    status=$?
if [[ $status != 77 ]] && { [[ $status != 2 || -s $scratch/out ]] || ! grep -q 'sealed' "$scratch/err"; }; then
    echo "text that may not be written: status $status"
    cat "$scratch/out" "$scratch/err"
    failed=1
fi
exit "$failed"
