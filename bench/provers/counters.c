/*
 * counters.c - page faults, context switches, cycles, instructions and TLB misses, by
 * perf_event_open with the encodings of libpfm4. What the kernel refuses to count that way comes
 * from getrusage, if it can. Two counts are no events: the kernel's processor time, and the bytes
 * that realloc copied.
 */
#include "counters.h"

#include <linux/perf_event.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef HAVE_PFM
#include <perfmon/pfmlib_perf_event.h>
#endif

static struct {
    int fd[COUNTER_EVENTS];
    bool failed[COUNTER_EVENTS]; /* the processor had no room for it */
} events;

/* From libbench_copies.so, if that is preloaded. */
__attribute__((weak)) uint64_t bench_copied_bytes(void);

#ifdef HAVE_PFM
/* The names that libpfm4 knows, in the order of enum counter. */
static const char *const event_names[COUNTER_EVENTS] = {
    "perf::PAGE-FAULTS",  "perf::CONTEXT-SWITCHES", "perf::CYCLES",
    "perf::INSTRUCTIONS", "perf::DTLB-LOAD-MISSES",
};

static int open_event(struct perf_event_attr *attributes)
{
    return perf_event_open(attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* A descriptor, or -1. */
static int open_counter(const char *name)
{
    struct perf_event_attr attributes = {.size = sizeof attributes};
    pfm_perf_encode_arg_t encode = {.attr = &attributes, .size = sizeof encode};
    bool software;
    int fd;

    if (pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &encode) !=
        PFM_SUCCESS)
        return -1;
    software = attributes.type == PERF_TYPE_SOFTWARE;
    attributes.inherit = 1;
    attributes.exclude_hv = 1;
    /* Counted all of the time or not at all: no extrapolated counts. */
    attributes.pinned = !software;
    fd = open_event(&attributes);
    if (fd >= 0 || software) /* if the kernel's part cannot be counted, getrusage knows more */
        return fd;
    attributes.exclude_kernel = 1;
    return open_event(&attributes);
}

void counters_open(void)
{
    bool encodes = pfm_initialize() == PFM_SUCCESS;

    for (unsigned i = 0; i < COUNTER_EVENTS; i++)
        events.fd[i] = encodes ? open_counter(event_names[i]) : -1;
}
#else
void counters_open(void)
{
    for (unsigned i = 0; i < COUNTER_EVENTS; i++)
        events.fd[i] = -1;
}
#endif

void counters_read(struct counters *counters)
{
    struct rusage usage;

    *counters = (struct counters){0};
    getrusage(RUSAGE_SELF, &usage);
    counters->of[COUNTER_PAGE_FAULTS] = (uint64_t)(usage.ru_minflt + usage.ru_majflt);
    counters->of[COUNTER_CONTEXT_SWITCHES] = (uint64_t)(usage.ru_nvcsw + usage.ru_nivcsw);
    counters->of[COUNTER_SYSTEM_US] =
        (uint64_t)usage.ru_stime.tv_sec * 1000000 + (uint64_t)usage.ru_stime.tv_usec;
    if (bench_copied_bytes != NULL)
        counters->of[COUNTER_COPIED_BYTES] = bench_copied_bytes();
    for (unsigned i = 0; i < COUNTER_EVENTS; i++) {
        uint64_t count;

        if (events.fd[i] < 0)
            continue;
        if (read(events.fd[i], &count, sizeof count) == (ssize_t)sizeof count)
            counters->of[i] = count;
        else
            events.failed[i] = true;
    }
}

bool counters_have(enum counter counter)
{
    if (counter == COUNTER_COPIED_BYTES)
        return bench_copied_bytes != NULL;
    if (counter == COUNTER_SYSTEM_US)
        return true;
    if (events.fd[counter] < 0)
        return counter == COUNTER_PAGE_FAULTS || counter == COUNTER_CONTEXT_SWITCHES;
    return !events.failed[counter];
}

void counters_close(void)
{
    for (unsigned i = 0; i < COUNTER_EVENTS; i++)
        if (events.fd[i] >= 0)
            close(events.fd[i]);
#ifdef HAVE_PFM
    pfm_terminate();
#endif
}
