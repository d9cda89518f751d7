/*
 * dispatch.h - under the trap, every system call of the program passes by here before it is made (Linux' syscall
 * user dispatch): what the kernel is about to read or write is opened and counted, wherever the call comes from, the
 * inside of the C library included; and no thread blocks the signals that the trap lives on.
 */
#ifndef ZK_DISPATCH_H
#define ZK_DISPATCH_H

#include <signal.h>
#include <stdbool.h>

/* From here on, for the calling thread and all that it starts. Nothing where the kernel has no such thing (before
 * Linux 5.11, and other machines than x86-64), or when it is on already. handler is installed for faults, whatever
 * the program does about SIGSEGV. */
void zk_dispatch_start(void (*on_fault)(int, siginfo_t *, void *));

/* Does every system call of this process pass by, as far as is known? */
bool zk_dispatch_sees_all(void);

/* Is it on at all? */
bool zk_dispatch_is_on(void);

/* What the program has asked to be done about a signal that is kept from it: SIGSEGV, SIGSYS or SIGTRAP. */
struct sigaction *zk_dispatch_program_action(int signal);

#endif
