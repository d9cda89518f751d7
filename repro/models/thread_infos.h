/*
 * thread_infos.h - model of a language runtime's own table of threads: where each of them has its
 * stack's guard page, so that a fault can be called a stack overflow.
 *
 * Faithful to std of Rust 1.95 (library/std/src/sys/pal/unix/stack_overflow/thread_info.rs): one
 * B-tree for the process (btree_map.h), behind a lock, by the address of the thread's errno. Each
 * thread that std starts enters itself before it runs its closure, and removes itself when that has
 * returned; the first thread is entered before main. So the 12th thread that lives makes nodes of
 * 544 and 640 bytes. No library is needed: every Rust program has it.
 *
 * Not modelled: the second, signal-safe lock, and the names.
 */
#ifndef THREAD_INFOS_H
#define THREAD_INFOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The calling thread enters itself; guard: what is not its stack any more. Ends the process when no
 * node can be allocated, as the real one does. */
void thread_info_set(uintptr_t guard_from, uintptr_t guard_to);

/* Is that address in the calling thread's guard? What the handler of SIGSEGV asks. */
bool thread_info_is_guard(uintptr_t address);

/* The calling thread removes itself. */
void thread_info_delete(void);

/* Threads that are entered. */
size_t thread_info_count(void);

/* Frees all nodes: for tests, and for a program that ends. */
void thread_info_forget(void);

#endif
