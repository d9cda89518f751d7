/*
 * thread_infos.h - model of a language runtime's table of threads: it has the guard page of each
 * thread's stack, so that a fault can be reported as a stack overflow.
 *
 * Faithful to std of Rust 1.95 (library/std/src/sys/pal/unix/stack_overflow/thread_info.rs): one
 * B-tree per process (btree_map.h), behind a lock; the key is the address of the thread's errno.
 * Each thread that std starts adds itself before it runs its closure, and removes itself when that
 * has returned; the first thread is added before main. So the 12th living thread makes nodes of 544
 * and 640 bytes. No library is needed: every Rust program has it.
 *
 * Not modelled: the second, signal-safe lock, and the names.
 */
#ifndef THREAD_INFOS_H
#define THREAD_INFOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds the calling thread. guard_from to guard_to: the range just past its stack. Ends the process
 * when no node can be allocated, as the real one does. */
void thread_info_set(uintptr_t guard_from, uintptr_t guard_to);

/* Is that address in the calling thread's guard? The handler of SIGSEGV asks this. */
bool thread_info_is_guard(uintptr_t address);

/* Removes the calling thread. */
void thread_info_delete(void);

/* The number of threads in the table. */
size_t thread_info_count(void);

/* Frees all nodes: for tests, and for a program that is about to end. */
void thread_info_forget(void);

#endif
