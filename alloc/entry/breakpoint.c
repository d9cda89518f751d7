/*
 * breakpoint.c - a table that only grows. An entry is written before its breakpoint, and never changed except to be
 * forgotten, so the handler can read it without a lock.
 */
#include "breakpoint.h"
#include "displace.h"
#include "os.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { BREAKPOINTS = 64 };

struct breakpoint {
    _Atomic uintptr_t address; /* 0: forgotten */
    struct zk_displaced displaced;
    zk_reached *reached;
    void *arg;
};

static struct {
    struct breakpoint at[BREAKPOINTS];
    _Atomic size_t count;
} table;

static struct breakpoint *find(uintptr_t address)
{
    size_t count = atomic_load(&table.count);

    for (size_t i = 0; i < count; i++)
        if (atomic_load(&table.at[i].address) == address)
            return &table.at[i];
    return NULL;
}

bool zk_breakpoint_is_set(uintptr_t address)
{
    return find(address) != NULL &&
           memcmp((const void *)address, zk_breakpoint_bytes, zk_breakpoint_length) == 0;
}

void zk_breakpoints_forget(uintptr_t low, uintptr_t high)
{
    for (size_t i = 0; i < atomic_load(&table.count); i++) {
        uintptr_t address = atomic_load(&table.at[i].address);

        if (address >= low && address < high)
            atomic_store(&table.at[i].address, 0);
    }
}

/* ---- A page for the copy, near the original ---- */

static void *page_at(uintptr_t address)
{
    size_t bytes = zk_os_page_bytes();
    void *page = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (page == MAP_FAILED)
        return NULL;
    if ((uintptr_t)page == address)
        return page;
    munmap(page, bytes); /* a kernel that does not know the flag treats the address as a hint */
    return NULL;
}

/* Below the object, or well above it: right after a program comes its heap, which grows. */
static void *page_near(const struct zk_place *place)
{
    const uintptr_t lowest = (uintptr_t)1 << 16;
    size_t step = zk_copy_distance / 1024;
    uintptr_t start = place->low & ~(uintptr_t)(step - 1);
    uintptr_t end = (place->high + step) & ~(uintptr_t)(step - 1);

    step &= ~(zk_os_page_bytes() - 1);
    for (uintptr_t below = step; below < zk_copy_distance && start >= below + lowest;
         below += step) {
        void *page = page_at(start - below);

        if (page != NULL)
            return place->address - (start - below) < zk_copy_distance ? page : NULL;
    }
    for (uintptr_t above = zk_copy_distance - step; above > step; above -= step) {
        void *page = end + above - place->address < zk_copy_distance ? page_at(end + above) : NULL;

        if (page != NULL)
            return page;
    }
    return NULL;
}

/* ---- Setting ---- */

/* Other threads may be executing here, so the breakpoint is one atomic store: of one byte, or of one aligned word. */
static void write_breakpoint(uintptr_t address)
{
    if (zk_breakpoint_length == 1) {
        atomic_store((_Atomic unsigned char *)address, zk_breakpoint_bytes[0]);
    } else {
        uint32_t word;

        memcpy(&word, zk_breakpoint_bytes, sizeof word);
        atomic_store((_Atomic uint32_t *)address, word);
    }
    __builtin___clear_cache((char *)address, (char *)address + zk_breakpoint_length);
}

static const char *write_text(const struct zk_place *place)
{
    size_t page = zk_os_page_bytes();
    void *start = (void *)(place->address & ~(uintptr_t)(page - 1));

    if (mprotect(start, page, place->protection | PROT_WRITE) != 0)
        return "its text is sealed, or must not be written";
    write_breakpoint(place->address);
    if ((place->protection & PROT_WRITE) == 0 && mprotect(start, page, place->protection) != 0)
        return "its text cannot be made read-only again";
    return NULL;
}

static const char *prepare(struct breakpoint *new, const struct zk_place *place)
{
    size_t bytes = zk_os_page_bytes();
    unsigned char code[ZK_INSTRUCTION_MAX];
    unsigned char *room = page_near(place);
    const char *wrong;

    if (room == NULL)
        return "there is no room near it for a copy of its first instruction";
    memcpy(code, (const void *)place->address, sizeof code);
    wrong = zk_displace(code, place->address, room, (uintptr_t)room, &new->displaced);
    __builtin___clear_cache((char *)room, (char *)room + ZK_COPY_BYTES);
    if (wrong == NULL && new->displaced.by_hand == ZK_COPIED &&
        mprotect(room, bytes, PROT_READ | PROT_EXEC) != 0)
        wrong = "the system refuses executable memory";
    if (wrong != NULL || new->displaced.by_hand != ZK_COPIED)
        munmap(room, bytes);
    return wrong;
}

const char *zk_breakpoint_set(const struct zk_place *place, zk_reached *reached, void *arg)
{
    size_t count = atomic_load(&table.count);
    struct breakpoint *new = &table.at[count];
    const char *wrong;

    if (find(place->address) != NULL)
        return NULL;
    if (count == BREAKPOINTS)
        return "there are too many already";
    wrong = prepare(new, place);
    if (wrong != NULL)
        return wrong;
    new->reached = reached;
    new->arg = arg;
    atomic_store(&new->address, place->address);
    atomic_store(&table.count, count + 1);
    wrong = write_text(place);
    if (wrong != NULL)
        atomic_store(&new->address, 0);
    return wrong;
}

/* ---- In the handler ---- */

bool zk_breakpoint_hit(const siginfo_t *info, void *context)
{
    const struct breakpoint *hit;

    if (info->si_code <= 0) /* sent by kill or the like */
        return false;
    hit = find(zk_displaced_at(context));
    if (hit == NULL)
        return false;
    hit->reached(hit->arg);
    /* If an alternate signal stack was set in the meantime, the thread must keep it; returning from the handler would
     * restore the old one. */
    sigaltstack(NULL, &((ucontext_t *)context)->uc_stack);
    zk_displaced_go(&hit->displaced, context);
    return true;
}
