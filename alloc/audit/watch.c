/*
 * watch.c - the census and the trap as observers of the arena: what each does with the events.
 */
#include "audit.h"
#include "census.h"
#include "config.h"
#include "defer.h"
#include "distribution.h"
#include "fatal.h"
#include "observer.h"
#include "phase.h"
#include "region.h"
#include "site.h"
#include "slab.h"
#include "system.h"
#include "thread.h"
#include "trap.h"
#include "witness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

/* Counts a block that the arena could have served. False if it could not: no phase is active. */
static bool note_birth(const struct zk_wish *wish, uint64_t word, uint32_t thread)
{
    zk_phase_child_check();
    if (!zk_phase_word_active(word))
        return false;
    zk_fatal_watch_thread();
    zk_distribution_count(wish->size, thread);
    return true;
}

/* ---- The census ---- */

static bool is_census(void)
{
    return zk_settings.audit == ZK_AUDIT_CENSUS;
}

static void census_begin(uint64_t word)
{
    zk_audit_begin();
    zk_census_begin((uint32_t)(word / 2));
}

static void census_discarded(uint64_t word)
{
    zk_census_discard((uint32_t)(word / 2));
}

static void census_born(const void *p, const struct zk_wish *wish, uint64_t word)
{
    uint32_t thread = zk_thread_number();
    struct zk_born born;

    if (!note_birth(wish, word, thread))
        return;
    born = (struct zk_born){.size = wish->size,
                            .asked = wish->size,
                            .site = zk_site_of(wish->caller),
                            .thread = thread,
                            .phase = (uint32_t)(word / 2),
                            .align_log2 = (uint8_t)__builtin_ctzll(wish->align),
                            .arena = zk_region_holds(p)};
    zk_census_born(p, &born);
}

static void census_gone(void *p)
{
    struct zk_born was;

    zk_census_gone(p, &was);
}

/* Only under realloc=sticky does the first request's size matter: otherwise each new size decides the
 * route anew. */
static void census_moved(const void *from, const void *to, struct zk_caller caller)
{
    (void)caller;
    if (zk_settings.realloc == ZK_REALLOC_STICKY)
        zk_census_moved(from, to);
}

/* Would the block stay in place if it were in the arena? */
static bool would_stay(const struct zk_born *was, size_t size)
{
    return size <= zk_in_granules(was->size);
}

/* The census records a block that MIN_BYTES has kept out of the arena as if it were in there. One that may migrate
 * would come into the arena now. Outside of phases, a block that has to move would leave it. */
static void *census_resize_system(void *p, size_t old_bytes, struct zk_wish wish,
                                  void *(*resize)(void *p, size_t old_bytes, struct zk_wish wish))
{
    struct zk_born was;
    bool known = zk_census_gone(p, &was);
    void *to = resize(p, old_bytes, wish);

    if (known && (to == NULL || would_stay(&was, wish.size))) {
        if (to != NULL && was.size < wish.size)
            was.size = wish.size;
        if (zk_settings.realloc != ZK_REALLOC_STICKY)
            was.asked = was.size;
        zk_census_born(to == NULL ? p : to, &was);
    } else if (to != NULL && zk_phase_active() &&
               (known || zk_settings.realloc == ZK_REALLOC_MIGRATE)) {
        census_born(to, &wish, atomic_load(&zk_phase_word));
        if (known && zk_settings.realloc == ZK_REALLOC_STICKY)
            zk_census_asked(to, was.asked);
    }
    return to;
}

static const struct zk_observer census_observer = {
    .wanted = is_census,
    .start = zk_audit_start,
    .begin = census_begin,
    .discarded = census_discarded,
    .forked = zk_audit_forked,
    .born = census_born,
    .gone = census_gone,
    .resized = zk_census_resized,
    .moved = census_moved,
    .resize_system = census_resize_system,
    .thread_ends = zk_site_forget,
    .audits = true,
};

/* ---- The trap ---- */

static bool is_trap(void)
{
    return zk_settings.audit == ZK_AUDIT_TRAP;
}

static void trap_begin(uint64_t word)
{
    zk_audit_begin();
    zk_trap_begin((uint32_t)(word / 2));
}

static void trap_discarded(uint64_t word)
{
    zk_trap_discard((uint32_t)(word / 2));
}

/* The trap keeps records of its own for what it serves. */
static void trap_born(const void *p, const struct zk_wish *wish, uint64_t word)
{
    (void)p;
    note_birth(wish, word, zk_thread_number());
}

static void trap_moved(const void *from, const void *to, struct zk_caller caller)
{
    zk_trap_touch(from, caller);
    if (zk_settings.realloc == ZK_REALLOC_STICKY)
        zk_trap_moved(from, to);
}

/* A block that may migrate would have come into the arena. */
static void *trap_resize_system(void *p, size_t old_bytes, struct zk_wish wish,
                                void *(*resize)(void *p, size_t old_bytes, struct zk_wish wish))
{
    void *to = resize(p, old_bytes, wish);

    if (to != NULL && zk_phase_active() && zk_settings.realloc == ZK_REALLOC_MIGRATE)
        trap_born(to, &wish, atomic_load(&zk_phase_word));
    return to;
}

static void *trap_serve(struct zk_wish wish)
{
    return zk_trap_serve(wish.size, wish.align, zk_thread_number(), wish.caller);
}

static const struct zk_stand_in trap_stand_in = {
    .reserve = zk_trap_start,
    .serve = trap_serve,
    .clear = zk_trap_clear,
    .free = zk_trap_free,
    .usable = zk_trap_usable,
};

static const struct zk_observer trap_observer = {
    .wanted = is_trap,
    .start = zk_audit_start,
    .begin = trap_begin,
    .discarded = trap_discarded,
    .forked = zk_audit_forked,
    .born = trap_born,
    .resized = zk_trap_resized,
    .moved = trap_moved,
    .resize_system = trap_resize_system,
    .thread_ends = zk_site_forget,
    .stand_in = &trap_stand_in,
    .audits = true,
};

/* ---- The start of the library ---- */

void zk_audit_load(void)
{
    zk_witness_load();
    zk_observer_add(&census_observer);
    zk_observer_add(&trap_observer);
}

/* Where we do not replace malloc, the settings are read later, so looks into the environment. */
static bool is_to_be_trapped(void)
{
#ifdef ZK_INTERPOSE
    return is_trap() && !zk_system_stands_by();
#else
    const char *asked = getauxval(AT_SECURE) != 0 ? NULL : getenv("ZK_ALLOC_AUDIT");

    return zk_other == NULL && asked != NULL && strcmp(asked, "trap") == 0;
#endif
}

void zk_audit_loaded(void)
{
    if (is_to_be_trapped())
        zk_trap_load();
}
