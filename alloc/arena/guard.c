/*
 * guard.c - zk_phase, ZK_PHASE_SCOPE, zk_catch and zk_escape: one stack of marks per thread.
 *
 * A mark identifies a frame by its canonical frame address (CFA), which the unwinder gives for
 * every frame on the stack. Marks are kept off the stack, so that they outlive their frames: a mark
 * whose frame the unwinder no longer finds was left behind by a longjmp. Walking the stack is slow,
 * but happens only when a phase begins while there are marks, or at an escape.
 */
#include "guard.h"
#include "defer.h"
#include "os.h"
#include "phase.h"
#include "system.h"
#include "thread.h"
#include "zkalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <unwind.h>

/* A walk up the stack that looks for the innermost frame of a function, or for a known frame. */
struct frame_search {
    uintptr_t inside; /* start of the function whose innermost frame is wanted, or ... */
    const struct frame_mark *known; /* ... the frame wanted */
    uintptr_t function;             /* function of the frame below the current one */
    uintptr_t address;              /* of the frame found; 0 if none */
    uintptr_t returns;              /* its return address */
    uintptr_t outermost;            /* the last frame that the walk reached */
    unsigned frames;
};

enum { frames_max = 10000 }; /* the walk stops there */

static bool is_wanted(const struct frame_search *search, uintptr_t function, uintptr_t address,
                      uintptr_t returns)
{
    const struct frame_mark *known = search->known;

    if (known == NULL)
        return search->address == 0 && function == search->inside;
    return address == known->address && returns == known->returns &&
           (known->function == 0 || known->function == function);
}

/* For each frame the unwinder reports the canonical address of the frame below it, and that frame's
 * return address. */
static _Unwind_Reason_Code look_at(struct _Unwind_Context *context, void *arg)
{
    struct frame_search *search = arg;
    uintptr_t function = search->function;
    uintptr_t address = _Unwind_GetCFA(context);
    uintptr_t returns = _Unwind_GetIP(context);

    search->function = _Unwind_GetRegionStart(context);
    search->outermost = address;
    if (is_wanted(search, function, address, returns)) {
        search->address = address;
        search->returns = returns;
        if (search->known != NULL)
            return _URC_END_OF_STACK;
    }
    if (++search->frames < frames_max)
        return _URC_NO_REASON;
    search->outermost = 0;
    return _URC_END_OF_STACK;
}

/* A mark for the innermost frame of the function that contains pc; its address is 0 if it was not
 * found. */
static struct frame_mark mark_frame(void *pc)
{
    struct frame_search search = {.inside = (uintptr_t)_Unwind_FindEnclosingFunction(pc)};

    if (search.inside != 0)
        _Unwind_Backtrace(look_at, &search);
    return (struct frame_mark){.address = search.address,
                               .returns = search.returns,
                               .function = search.inside,
                               .stack = search.outermost};
}

/* Has the frame certainly been left? A thread may switch between several stacks (swapcontext, fibers): a frame
 * on a stack other than the current one cannot be seen, and is not called gone. The same holds if the walk
 * ends early, in code without unwind tables. */
static bool is_gone(const struct frame_mark *mark)
{
    struct frame_search search = {.known = mark};

    if (mark->address == 0 || mark->stack == 0)
        return false;
    _Unwind_Backtrace(look_at, &search);
    return search.address == 0 && search.outermost == mark->stack;
}

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

static void drop_mark(struct thread *self, bool orphan)
{
    const struct frame_mark mark = self->marks[--self->mark_count];

    if (mark.target == NULL)
        zk_phase_end_guarded(mark.phase, orphan);
}

void zk_guard_prune(void)
{
    struct thread *self = zk_thread_self();

    while (self->mark_count > 0 && is_gone(&self->marks[self->mark_count - 1]))
        drop_mark(self, true);
}

/* Does the mark belong to a frame that lay where a new guard's frame is now? Stacks grow down. A
 * frame may have several scopes, but if a mark has the very same guard, it is left from an earlier
 * call. */
static bool is_replaced(const struct frame_mark *mark, const struct frame_mark *frame)
{
    if (mark->address == 0 || frame->address == 0 || mark->address > frame->address ||
        mark->stack == 0 || mark->stack != frame->stack)
        return false;
    return mark->address < frame->address || mark->returns != frame->returns ||
           mark->guard == frame->guard;
}

static void prune_replaced(struct thread *self, const struct frame_mark *frame)
{
    while (self->mark_count > 0 && is_replaced(&self->marks[self->mark_count - 1], frame))
        drop_mark(self, true);
}

/* Drops all marks but the first `count`, and ends the phases of their guards, innermost first. */
static void unwind_to(struct thread *self, size_t count)
{
    while (self->mark_count > count)
        drop_mark(self, false);
}

/* Begins a phase, and pushes a mark for its frame. guard->mark becomes the number of marks, this
 * one included, or 0 if the phase could not begin. */
static int enter(struct zk_guard *guard, struct frame_mark frame)
{
    struct thread *self = zk_thread_self();
    struct frame_mark *mark;

    frame.guard = guard;
    guard->mark = 0;
    prune_replaced(self, &frame);
    if (zk_begin_phase() != 0)
        return -1;
    mark = push_mark(self);
    if (mark == NULL) {
        zk_end_phase();
        errno = ENOMEM;
        return -1;
    }
    *mark = frame;
    mark->phase = zk_phase_number();
    guard->mark = self->mark_count;
    return 0;
}

static void leave(struct zk_guard *guard)
{
    if (guard->mark != 0)
        unwind_to(zk_thread_self(), guard->mark - 1);
    guard->mark = 0;
}

void zk_scope_enter(struct zk_guard *guard, void *returns)
{
    struct frame_mark frame = mark_frame(returns);

    /* The compiler may have split the user's function in parts, each with its own start. */
    frame.function = 0;
    enter(guard, frame);
}

__attribute__((noinline)) void zk_phase_scope_enter(struct zk_guard *guard)
{
    if (zk_defers())
        zk_other->scope_enter(guard, __builtin_return_address(0));
    else
        zk_scope_enter(guard, __builtin_return_address(0));
}

void zk_phase_scope_leave(struct zk_guard *guard)
{
    if (zk_defers())
        zk_other->scope_leave(guard);
    else
        leave(guard);
}

static __attribute__((noinline)) void *here(void)
{
    return __builtin_return_address(0);
}

int zk_phase(void (*body)(void *arg), void *arg)
{
    struct zk_guard guard;

    if (zk_defers())
        return zk_other->phase(body, arg);
    if (enter(&guard, mark_frame(here())) != 0)
        return -1;
    body(arg);
    leave(&guard);
    return 0;
}

int zk_catch(void (*body)(void *arg), void *arg)
{
    struct thread *self;
    struct frame_mark frame;
    volatile size_t outer; /* marks before ours; volatile, since it is read after the longjmp */
    struct frame_mark *mark;
    jmp_buf target;
    int code;

    if (zk_defers())
        return zk_other->catch (body, arg);
    self = zk_thread_self();
    frame = mark_frame(here());
    frame.guard = &frame; /* tells this frame's mark apart: the same place in each call */
    prune_replaced(self, &frame);
    zk_guard_prune();
    outer = self->mark_count;
    mark = push_mark(self);
    if (mark == NULL) {
        zk_os_say("zk_catch: no memory for a mark: aborting");
        abort();
    }
    *mark = frame;
    mark->target = &target;
    code = setjmp(target);
    if (code == 0)
        body(arg);
    unwind_to(zk_thread_self(), outer);
    return code;
}

void zk_escape(int code)
{
    struct thread *self;
    size_t at;

    if (zk_defers())
        zk_other->escape(code);
    self = zk_thread_self();
    zk_guard_prune();
    for (at = self->mark_count; at > 0 && self->marks[at - 1].target == NULL; at--)
        continue;
    if (at == 0) {
        zk_os_say("zk_escape(%d) outside of any zk_catch: aborting", code);
        abort();
    }
    unwind_to(self, at);
    longjmp(*self->marks[at - 1].target, code == 0 ? 1 : code);
}
