/*
 * reservation_refused - if address space is refused, the program runs on without an arena.
 *
 * A control: strict overcommit and RLIMIT_AS refuse large reservations. The seed's allocator aborts
 * there; this one makes do with smaller slabs, then fewer, then none, and says so in one line.
 */
#include "repro.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { blocks = 8, block_bytes = 64 << 10 };

/* Bytes of address space in use, or 0. */
static size_t address_space_bytes(void)
{
    char text[64] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);

    if (file >= 0)
        close(file);
    return length <= 0 ? 0 : strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Leaves room for the program, but not for one slab. */
static void refuse_reservations(struct repro_run *run)
{
    size_t used = address_space_bytes();
    struct rlimit limit = {.rlim_cur = used + (48 << 20), .rlim_max = RLIM_INFINITY};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    repro_skip(run, "the sanitizer's own shadow memory is over any limit");
#endif
    if (used == 0 || setrlimit(RLIMIT_AS, &limit) != 0)
        repro_skip(run, "cannot limit the address space here");
}

static void body(struct repro_run *run)
{
    unsigned char *kept[blocks];
    struct zk_stats stats;

    refuse_reservations(run);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        for (int i = 0; i < blocks; i++) {
            kept[i] = zk_malloc(block_bytes);
            if (kept[i] == NULL)
                abort();
            memset(kept[i], i, block_bytes);
        }
        for (int i = 0; i < blocks; i++) {
            repro_check_bytes(run, "a block differs", kept[i], (unsigned char)i, block_bytes);
            zk_free(kept[i]);
        }
        repro_end(run);
    }
    zk_stats(&stats);
    if (stats.slabs != 0)
        repro_skip(run, "the limit left room for %llu slabs", (unsigned long long)stats.slabs);
}

static const struct repro_finding findings[] = {
    {"F28", "platform", "Strict overcommit refuses the reservation and the allocator aborts",
     "medium", "fixed: smaller slabs, then fewer, then none, with one line on stderr"},
    {0},
};

const struct repro repro = {
    .id = "R13",
    .slug = "reservation_refused",
    .class = "control",
    .title = "a refused reservation leaves the program running, without an arena",
    .seed = "F28",
    .severity = "info",
    .explain =
        "An arena of this kind reserves tens of gigabytes of address space and touches a small part of\n"
        "them. Containers with a limit (ulimit -v) and kernels with strict overcommit refuse that. The\n"
        "seed's allocator aborts in the first begin.\n"
        "\n"
        "Here the address space is limited to little more than the program already uses. The first begin\n"
        "tries smaller slabs, then fewer, then none, says in one line which it was, and succeeds. Every\n"
        "allocation comes from the C library and is counted as overflow.\n"
        "\n"
        "It is a control: any outcome but clean is a bug in the allocator.\n",
    .body = body,
    .expect = {[REPRO_NONE] = REPRO_CLEAN,
               [REPRO_FLUSH] = REPRO_CLEAN,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .findings = findings,
};
