/*
 * record.h - records for zk-trial when functions were entered. With ZK_ENTRY_TIMES=PATH each process has a file
 * PATH.PID, written as it goes, so that it is there however the process ends. It consists of 64-bit words in native
 * byte order: the number of entries; 1 + the number of calls of malloc and its family, or 0 if unknown; and for each
 * entry, 2 * its time (CLOCK_MONOTONIC, nanoseconds), + 1 if it ends a phase.
 */
#ifndef ZK_RECORD_H
#define ZK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the environment. Called before the first entry. */
void zk_record_start(void);

/* Records an entry. Async-signal-safe; any thread. */
void zk_record(bool ends);

void zk_record_allocations(uint64_t allocations);

#endif
