/*
 * guard.c - zk_phase, ZK_PHASE_SCOPE, zk_catch and zk_escape: one stack of marks per thread.
 *
 * A mark describes a frame by its canonical frame address, which the unwinder gives for every frame
 * that is on the stack. It lies elsewhere, so that it survives the frame: a mark whose frame the
 * unwinder no longer finds was left behind by a longjmp. Walking the stack is slow, but is done
 * only while there are marks and a phase begins, or an escape is made.
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

/* A walk up the stack, to find the frame of a function, or a frame that is known. */
struct frame_search {
    uintptr_t inside; /* the innermost frame of the function that starts here, or ... */
    const struct frame_mark *known; /* ... this one */
    uintptr_t function;             /* of the frame below the one being looked at */
    uintptr_t address;              /* of the frame found, and ... */
    uintptr_t returns;              /* ... where it returns to; 0 if there is none */
    uintptr_t outermost;            /* frame that the walk came to */
    unsigned frames;
};

enum { frames_max = 10000 }; /* further up, nobody looks */

static bool is_wanted(const struct frame_search *search, uintptr_t function, uintptr_t address,
                      uintptr_t returns)
{
    const struct frame_mark *known = search->known;

    if (known == NULL)
        return search->address == 0 && function == search->inside;
    return address == known->address && returns == known->returns &&
           (known->function == 0 || known->function == function);
}

/* The unwinder reports with each frame the canonical address of the frame below it, and where that
 * one returns to. */
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

/* A mark for the innermost frame of the function that contains pc; its address is 0 if that is not
 * known. */
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

/* A thread may have several stacks, if it switches between them (swapcontext, fibers): what is on another one
 * than the present is not seen, and not judged. Nor is it where the walk up ends early, in code without unwind
 * tables. */
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
 * frame may have several scopes; but when the very guard is there already, it is that of an earlier
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

/* Forgets every mark above the first count; their guards' phases end, innermost first. */
static void unwind_to(struct thread *self, size_t count)
{
    while (self->mark_count > count)
        drop_mark(self, false);
}

/* Begins a phase, and keeps the mark of its frame. guard->mark is the number of marks up to and
 * with this one, or 0 when the phase could not begin. */
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

    frame.function =
        0; /* the user's function may be laid out in parts, each with a start of its own */
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
    volatile size_t outer; /* marks: volatile, since it is read again after the longjmp */
    struct frame_mark *mark;
    jmp_buf target;
    int code;

    if (zk_defers())
        return zk_other->catch (body, arg);
    self = zk_thread_self();
    frame = mark_frame(here());
    frame.guard = &frame; /* at the same place in each call */
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
