/*
 * record.h - when functions were entered, for zk-trial: to the file PATH.PID of each process, if ZK_ENTRY_TIMES=PATH. It is
 * written as it happens, so that it is there however the process ends. 64-bit words of this machine: how many entries,
 * how many calls of malloc and its kin (plus 1; 0: not known), and of each entry its time (CLOCK_MONOTONIC, in
 * nanoseconds), twice, plus 1 where it ends a phase.
 */
#ifndef ZK_RECORD_H
#define ZK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the environment; before the first entry. */
void zk_record_start(void);

/* In a signal handler, any thread. */
void zk_record(bool ends);

void zk_record_allocations(uint64_t allocations);

#endif
