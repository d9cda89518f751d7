/*
 * oracle_fork.c - how processes are forked, and what the model knows in the child.
 */
#include "oracle.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern pid_t _Fork(void) __attribute__((weak)); /* glibc has it from 2.34 on */

pid_t oracle_fork(enum oracle_way way)
{
    if (way == ORACLE_BY_FORK)
        return fork();
    if (way == ORACLE_BY_BARE_FORK && _Fork != NULL)
        return _Fork();
#ifdef SYS_fork
    if (way == ORACLE_BY_SYSCALL)
        return (pid_t)syscall(SYS_fork);
#endif
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

void oracle_enter_child(struct oracle *oracle, enum oracle_way way, unsigned forker)
{
    const unsigned limit_s = 60;
    bool known = oracle->known[forker];
    unsigned held = oracle->holds[forker];

    alarm(limit_s); /* the parent's alarm is not inherited */
    oracle->forks++;
    oracle->forker = forker;
    oracle->owner = forker;
    oracle->vanished += oracle->holders - held;
    /* A thread that the allocator has met settles in its fork handler, before there is any other
     * thread. */
    if (way == ORACLE_BY_FORK && known)
        oracle->vanished = 0;
    memset(oracle->known, 0, sizeof oracle->known);
    memset(oracle->holds, 0, sizeof oracle->holds);
    oracle->known[forker] = known;
    oracle->holds[forker] = held;
    oracle->holders = held;
}

void oracle_await(const struct oracle *oracle, pid_t child, enum oracle_way way)
{
    static const char *const names[ORACLE_WAYS] = {"fork", "_Fork", "syscall", "clone"};
    pid_t waited;
    int status;

    if (child < 0)
        oracle_fail(oracle, ORACLE_WRONG, "%s: %s", names[way], strerror(errno));
    do
        waited = waitpid(child, &status, 0);
    while (waited < 0 && errno == EINTR);
    if (waited != child)
        oracle_fail(oracle, ORACLE_WRONG, "waitpid: %s", strerror(errno));
    if (WIFSIGNALED(status))
        oracle_fail(oracle, ORACLE_WRONG, "a child by %s was ended by signal %d", names[way],
                    WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        oracle_fail(oracle, WEXITSTATUS(status), "so it was in a child by %s", names[way]);
}
