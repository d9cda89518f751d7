/*
 * dispatch.h - under the trap, every system call of the program comes through here before it is made (by Linux's
 * syscall user dispatch). What the kernel is about to read or write is opened and counted, wherever the call comes
 * from, including inside the C library. And no thread can block the signals that the trap depends on.
 */
#ifndef ZK_DISPATCH_H
#define ZK_DISPATCH_H

#include <signal.h>
#include <stdbool.h>

/* Turns dispatch on for the calling thread and all that it starts. Does nothing if the kernel does not support it
 * (before Linux 5.11, or not x86-64), or if it is on already. on_fault is installed for faults, and stays whatever
 * the program does about SIGSEGV. */
void zk_dispatch_start(void (*on_fault)(int, siginfo_t *, void *));

/* Does every system call of this process come through here, as far as is known? */
bool zk_dispatch_sees_all(void);

/* Is it on at all? */
bool zk_dispatch_is_on(void);

/* The action that the program has set for a signal that we keep for ourselves: SIGSEGV, SIGSYS or SIGTRAP. */
struct sigaction *zk_dispatch_program_action(int signal);

#endif
