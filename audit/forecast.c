/*
 * forecast.c - the trap gives each block that it watches pages of its own, at addresses that are
 * not used again. The census tells, before the trap's run, how much that takes; a line warns if
 * there is not enough, or if the run will take long.
 */
#include "audit.h"

#include <inttypes.h>
#include <unistd.h>

/* The most microseconds that the trap takes for a block: it maps, touches and returns the block's
 * pages. (In a virtual machine; most blocks of a program that frees them soon take a tenth of
 * that.) */
enum { MICROSECONDS_EACH = 3, LONG_SECONDS = 20 };

struct need {
    uint64_t blocks;   /* watched blocks */
    uint64_t address;  /* bytes of address space, at most */
    uint64_t retained; /* how many of the blocks are retained */
};

static uint64_t watched_from(const struct audit *audit)
{
    return audit->options->watch != UNKNOWN ? audit->options->watch
                                            : audit->census.report.min_bytes;
}

static struct need need_of(const struct audit *audit)
{
    const struct report *report = &audit->census.report;
    uint64_t from = watched_from(audit);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct need need = {0};

    for (size_t i = 0; i < report->size_count; i++) {
        const struct size_range *range = &report->sizes[i];

        if (range->to < from || range->count == 0)
            continue;
        need.blocks += range->count;
        need.address += range->bytes + range->count * page;
    }
    for (size_t i = 0; i < report->findings.count; i++) {
        const struct finding *finding = &report->findings.at[i];

        if (finding->kind == RETAINED && finding->size != UNKNOWN && finding->size >= from)
            need.retained = sum(need.retained, finding->count);
    }
    return need;
}

static struct amount bytes_of(uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes / 1024;
    struct amount text;
    size_t unit = 0;

    for (; value >= 1024 && unit < 3; unit++)
        value /= 1024;
    snprintf(text.text, sizeof text.text, "%.1f %s", value, units[unit]);
    return text;
}

static void collect(const struct audit *audit, struct lines *lines)
{
    const struct report *report = &audit->census.report;
    struct need need = need_of(audit);
    uint64_t seconds = need.blocks * MICROSECONDS_EACH / 1000000;

    /* The trap begins to sample above half of what it may take. The census computes watched_bytes
     * for its own MIN_BYTES. */
    if (watched_from(audit) == report->min_bytes && report->watched_bytes != UNKNOWN &&
        report->memory_limit != UNKNOWN && report->watched_bytes > report->memory_limit / 2)
        lines_add(
            lines,
            "The trap needs up to %s of memory at once, and may take %s, half of what there is: "
            "it will watch a sample. --watch N watches larger blocks only.",
            bytes_of(report->watched_bytes).text, bytes_of(report->memory_limit).text);
    if (report->address_limit != UNKNOWN && need.address > report->address_limit)
        lines_add(
            lines,
            "The trap needs up to %s of address space, and may take %s: it may not watch the last "
            "blocks. Raise ulimit -v, or --watch N watches larger blocks only.",
            bytes_of(need.address).text, bytes_of(report->address_limit).text);
    if (report->mappings_limit != UNKNOWN && need.retained != UNKNOWN &&
        need.retained > report->mappings_limit / 2)
        lines_add(lines,
                  "%" PRIu64 " blocks are retained: if more than %" PRIu64
                  " of them are touched in one phase, the trap may miss accesses. Raise "
                  "vm.max_map_count.",
                  need.retained, report->mappings_limit / 2);
    if (seconds >= LONG_SECONDS)
        lines_add(lines,
                  "The trap run may take up to %" PRIu64
                  " s longer than the program, for it watches %" PRIu64
                  " blocks. --watch N watches larger ones only.",
                  seconds, need.blocks);
}

void forecast_say(const struct audit *audit)
{
    struct lines lines = {0};

    if (!run_reported(&audit->census))
        return;
    collect(audit, &lines);
    for (size_t i = 0; i < lines.count; i++)
        fprintf(stderr, "%s\n", lines.at[i]);
    lines_free(&lines);
}
