/*
 * fatal.h - a process under audit dies of a signal: what it has found so far is reported first.
 */
#ifndef ZK_FATAL_H
#define ZK_FATAL_H

#include <signal.h>
#include <stdbool.h>

/* Reports on the signals that mean a crash, as far as the program leaves them alone. */
void zk_fatal_watch(void);

/* The signal that asks a process under audit for a report of what it has found so far; see zk-audit --report. */
#define ZK_REPORT_SIGNAL (SIGRTMAX - 3)

bool zk_fatal_is_default(const struct sigaction *action);

/* For who stands between the program and sigaction: is action what zk_fatal_watch has put in place of the default; is
 * the signal one of those, by now; put it there. */
bool zk_fatal_is_ours(const struct sigaction *action);
bool zk_fatal_is_watched(int signal);
void zk_fatal_watch_one(int signal);

/* The calling thread can be told of its faults: it has a stack for the handler, if it had none, and
 * does not block them. */
void zk_fatal_watch_thread(void);

/* signal, caught by us, is to do what action says, the one that was there before: calls the
 * program's handler, or reports and dies. */
void zk_fatal_pass_on(int signal, siginfo_t *info, void *context, struct sigaction *action);

#endif
