/*
 * count.h - a count that one thread writes and others may read. It needs no atomic read-modify-write and,
 * by itself, no ordering; where a reader relies on an order, the comment there says why it holds.
 */
#ifndef ZK_COUNT_H
#define ZK_COUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void zk_count_own(_Atomic uint64_t *count, uint64_t more)
{
#if defined __x86_64__ && !defined __SANITIZE_THREAD__
    /* One instruction instead of three; it has no lock prefix, so it costs no more. */
    __asm__("addq %1, %0" : "+m"(*(uint64_t *)count) : "er"(more));
#else
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + more,
                          memory_order_relaxed);
#endif
}

static inline void zk_count_own_32(_Atomic uint32_t *count, uint32_t more)
{
#if defined __x86_64__ && !defined __SANITIZE_THREAD__
    __asm__("addl %1, %0" : "+m"(*(uint32_t *)count) : "ir"(more));
#else
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + more,
                          memory_order_relaxed);
#endif
}

/* Is value below a limit that another thread may lower? One instruction, where compilers would emit two; volatile, so that a
 * loop reads it each time. */
static inline bool zk_is_below(size_t value, const _Atomic size_t *limit)
{
#if defined __x86_64__ && !defined __SANITIZE_THREAD__
    bool below;

    __asm__ volatile("cmpq %1, %2" : "=@ccb"(below) : "m"(*(const size_t *)limit), "r"(value));
    return below;
#else
    return value < atomic_load_explicit(limit, memory_order_relaxed);
#endif
}

/* The same of an address. */
static inline bool zk_is_before(const char *p, const _Atomic(char *) *limit)
{
#if defined __x86_64__ && !defined __SANITIZE_THREAD__
    bool before;

    __asm__ volatile("cmpq %1, %2" : "=@ccb"(before) : "m"(*(char *const *)limit), "r"(p));
    return before;
#else
    return p < atomic_load_explicit(limit, memory_order_relaxed);
#endif
}

#endif
