/*
 * fatal.h - when a process under audit dies of a signal, reports first what has been found.
 */
#ifndef ZK_FATAL_H
#define ZK_FATAL_H

#include <signal.h>
#include <stdbool.h>

/* Installs handlers that report for all signals that end the process by default and that the
 * program has not handled itself. */
void zk_fatal_watch(void);

/* The signal that asks a process under audit for a report of what it has found so far; see zk-audit --report. */
#define ZK_REPORT_SIGNAL (SIGRTMAX - 3)

bool zk_fatal_is_default(const struct sigaction *action);

/* For whatever interposes sigaction. Is action the handler that zk_fatal_watch has installed in place of the default?
 * Is signal watched by now? Installs the handler for one signal. */
bool zk_fatal_is_ours(const struct sigaction *action);
bool zk_fatal_is_watched(int signal);
void zk_fatal_watch_one(int signal);

/* Makes sure that the calling thread can handle its faults: gives it an alternate stack, if it has
 * none that is large enough, and unblocks SIGSEGV. */
void zk_fatal_watch_thread(void);

/* Does for a signal that we caught what the previous action says: calls the program's handler, or
 * reports and dies. */
void zk_fatal_pass_on(int signal, siginfo_t *info, void *context, struct sigaction *action);

#endif
