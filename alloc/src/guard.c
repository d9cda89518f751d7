/*
 * guard.c - zk_phase, ZK_PHASE_SCOPE, zk_catch and zk_escape: one stack of marks per thread.
 *
 * A mark describes a frame, but lies elsewhere, so that it survives the frame. A frame is gone when
 * it lies below the one that asks (stacks grow down on x86-64 and aarch64) or when its cookie has
 * been overwritten. A frame that was removed by longjmp, and whose bytes nothing has touched since,
 * still counts as living.
 */
#include "guard.h"
#include "os.h"
#include "phase.h"
#include "system.h"
#include "thread.h"
#include "zkalloc.h"

#include <errno.h>

static _Thread_local uint64_t next_cookie = 0x9e3779b97f4a7c15u; /* unlikely in a stack by chance */

/* NULL with ENOMEM. */
static struct frame_mark *push_mark(struct thread *self)
{
    if (self->mark_count == self->mark_room) {
        size_t room = self->mark_room == 0 ? 8 : 2 * self->mark_room;
        struct frame_mark *marks = zk_system_realloc(self->marks, room * sizeof *marks);

        if (marks == NULL)
            return NULL;
        self->marks = marks;
        self->mark_room = room;
    }
    return &self->marks[self->mark_count++];
}

static bool is_gone(const struct frame_mark *mark, const void *living_frame)
{
    return (const void *)mark->cookie_home < living_frame || *mark->cookie_home != mark->cookie;
}

__attribute__((no_sanitize("address"))) void zk_guard_prune(const void *living_frame)
{
    struct thread *self = zk_thread_self();

    while (self->mark_count > 0 && is_gone(&self->marks[self->mark_count - 1], living_frame))
        if (self->marks[--self->mark_count].active)
            zk_phase_end_orphan();
}

/* Forgets every mark above the first count; their guards' phases end, innermost first. */
static void unwind_to(struct thread *self, size_t count)
{
    while (self->mark_count > count)
        if (self->marks[--self->mark_count].active)
            zk_end_phase();
}

/* The index of the mark whose cookie is at home, or the count of marks. */
static size_t find_mark(const struct thread *self, const uint64_t *home)
{
    for (size_t i = self->mark_count; i-- > 0;)
        if (self->marks[i].cookie_home == home)
            return i;
    return self->mark_count;
}

static int enter(struct zk_guard *guard)
{
    struct thread *self = zk_thread_self();
    struct frame_mark *mark;

    guard->active = false;
    guard->cookie = next_cookie += 2;
    if (zk_begin_phase() != 0)
        return -1;
    mark = push_mark(self);
    if (mark == NULL) {
        zk_end_phase();
        errno = ENOMEM;
        return -1;
    }
    *mark =
        (struct frame_mark){.cookie_home = &guard->cookie, .cookie = guard->cookie, .active = true};
    guard->active = true;
    return 0;
}

static void leave(struct zk_guard *guard)
{
    struct thread *self = zk_thread_self();

    if (guard->active)
        unwind_to(self, find_mark(self, &guard->cookie));
    guard->active = false;
    guard->cookie = 0;
}

void zk_phase_scope_enter(struct zk_guard *guard)
{
    enter(guard);
}

void zk_phase_scope_leave(struct zk_guard *guard)
{
    leave(guard);
}

int zk_phase(void (*body)(void *arg), void *arg)
{
    struct zk_guard guard;

    if (enter(&guard) != 0)
        return -1;
    body(arg);
    leave(&guard);
    return 0;
}

int zk_catch(void (*body)(void *arg), void *arg)
{
    struct thread *self = zk_thread_self();
    volatile uint64_t cookie = next_cookie += 2; /* volatile: it is read again after the longjmp */
    struct frame_mark *mark;
    jmp_buf target;
    int code;

    zk_guard_prune(__builtin_frame_address(0));
    mark = push_mark(self);
    if (mark == NULL) {
        zk_os_say("zk_catch: no memory for a mark: aborting");
        abort();
    }
    *mark = (struct frame_mark){
        .cookie_home = (const uint64_t *)&cookie, .cookie = cookie, .target = &target};
    code = setjmp(target);
    if (code == 0)
        body(arg);
    unwind_to(self, find_mark(self, (const uint64_t *)&cookie));
    cookie = 0;
    return code;
}

void zk_escape(int code)
{
    struct thread *self = zk_thread_self();
    size_t at;

    zk_guard_prune(__builtin_frame_address(0));
    for (at = self->mark_count; at > 0 && self->marks[at - 1].target == NULL; at--)
        continue;
    if (at == 0) {
        zk_os_say("zk_escape(%d) outside of any zk_catch: aborting", code);
        abort();
    }
    unwind_to(self, at);
    longjmp(*self->marks[at - 1].target, code == 0 ? 1 : code);
}
