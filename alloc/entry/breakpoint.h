/*
 * breakpoint.h - a breakpoint instruction in this process's own text, and the handler that it runs into. Once set it
 * stays: no thread that comes past is missed, and none runs half an instruction.
 */
#ifndef ZK_BREAKPOINT_H
#define ZK_BREAKPOINT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Called in a signal handler, with signals blocked, before the instruction is carried out. */
typedef void zk_reached(void *arg);

/* A place to set one at, and what is known of it from the file. */
struct zk_place {
    uintptr_t address;
    int protection;      /* PROT_ bits of the text */
    uintptr_t low, high; /* bounds of the object that it lies in */
};

/* Sets one. Returns NULL, or why it cannot be. One thread at a time. */
const char *zk_breakpoint_set(const struct zk_place *place, zk_reached *reached, void *arg);

/* Is there one at address, set by us? */
bool zk_breakpoint_is_set(uintptr_t address);

/* What was between low and high has been unloaded: what lies there now is somebody else's. */
void zk_breakpoints_forget(uintptr_t low, uintptr_t high);

/* The handler of SIGTRAP; false: the trap is none of ours, and the thread is left as it was. */
bool zk_breakpoint_hit(const siginfo_t *info, void *context);

#endif
