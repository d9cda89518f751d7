/*
 * phase_bodies.h - shared by the tests of phases: calls that must fail, and bodies that begin and
 * leave a phase.
 */
#ifndef ZK_PHASE_BODIES_H
#define ZK_PHASE_BODIES_H

#include "fresh.h"

#define COUNT   "ZK_ALLOC_NESTING=count"
#define RECYCLE "ZK_ALLOC_NESTING=recycle"
#define ANY     "ZK_ALLOC_OWNER=any"

static inline bool is_active(void)
{
    return zk_owns(zk_malloc(64));
}

static inline void fails_with(int result, int error)
{
    CHECK(result == -1);
    CHECK(errno == error);
}

static inline void begin_fails_with(int error)
{
    errno = 0;
    fails_with(zk_begin_phase(), error);
}

static inline void end_fails_with(int error)
{
    errno = 0;
    fails_with(zk_end_phase(), error);
}

static inline void *foreign_end_is_eperm(void *arg)
{
    (void)arg;
    end_fails_with(EPERM);
    return NULL;
}

static inline void *begin_and_end(void *arg)
{
    (void)arg;
    begin_phase();
    CHECK(is_active());
    end_phase();
    return NULL;
}

static inline void *begin_and_leave(void *arg)
{
    (void)arg;
    begin_phase();
    arena_block(100);
    return NULL;
}

struct visit {
    pthread_barrier_t step;
};

static inline void note_arg(void *arg)
{
    *(int *)arg += 1;
    CHECK(is_active());
}

static inline int leave_scope_by_return(int value)
{
    ZK_PHASE_SCOPE();
    if (is_active())
        return value;
    return -1;
}

static inline void escape_with(void *code)
{
    zk_escape(*(int *)code);
}

static inline void escape_in_phase(void *code)
{
    zk_phase(escape_with, code);
    CHECK(!"reached");
}

static inline void escape_in_scope(void *code)
{
    ZK_PHASE_SCOPE();
    CHECK(is_active());
    escape_with(code);
}

static jmp_buf outside;

static inline void jump_out(void *arg)
{
    (void)arg;
    longjmp(outside, 1);
}

static inline void leave_phase_by_longjmp(void)
{
    if (setjmp(outside) == 0) {
        zk_phase(jump_out, NULL);
        CHECK(!"reached");
    }
}

#define ARENA BLIND, ALL_SIZES, SLAB_16M

#endif
