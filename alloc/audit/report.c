/*
 * report.c - tab-separated rows, written without stdio and without allocating: the process may be
 * dying. No symbols are looked up here, which would take long in a large program. Frames are
 * written as offsets into files, and zk-audit turns these into names, now or later.
 */
#include "report.h"
#include "config.h"
#include "distribution.h"
#include "os.h"
#include "tally.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Writing ---- */

struct out {
    int fd;
    bool failed;
    size_t used;
    char bytes[4096];
};

static void flush(struct out *out)
{
    const char *at = out->bytes;

    while (out->used > 0 && !out->failed) {
        ssize_t written = zk_os_write(out->fd, at, out->used);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            out->failed = true;
        } else {
            at += written;
            out->used -= (size_t)written;
        }
    }
    out->used = 0;
}

static void put_char(struct out *out, char c)
{
    if (out->used == sizeof out->bytes)
        flush(out);
    out->bytes[out->used++] = c;
}

static void put_text(struct out *out, const char *text)
{
    for (; *text != '\0'; text++)
        put_char(out, *text == '\t' || *text == '\n' ? ' ' : *text);
}

static void put_digits(struct out *out, uint64_t number, unsigned base)
{
    char digits[24];
    size_t count = 0;

    do {
        digits[count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    while (count > 0)
        put_char(out, digits[--count]);
}

/* Writes a field and the separator after it. */
static void field(struct out *out, const char *text, char end)
{
    put_text(out, text == NULL || *text == '\0' ? "NA" : text);
    put_char(out, end);
}

static void number(struct out *out, uint64_t value, char end)
{
    put_digits(out, value, 10);
    put_char(out, end);
}

static void header(struct out *out, const char *names)
{
    for (; *names != '\0'; names++)
        put_char(out, *names == ' ' ? '\t' : *names);
    put_char(out, '\n');
}

/* ---- Where a frame is ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Frames in these are nothing that a user can act on: the C library and what wraps its malloc. */
static bool is_wrapper(const char *path)
{
    static const char *const prefixes[] = {"libc.so",     "libc-",     "ld-linux",   "ld-2",
                                           "libpthread",  "libstdc++", "libasan",    "libtsan",
                                           "libzkalloc-", "libm.so",   "libclang_rt"};
    const char *name = base_name(path);

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* The frames of a site; first is the index of the first that is not in a wrapper, or 0 if all are. */
struct stack {
    zk_where frames[ZK_AUDIT_DEPTH_MAX];
    size_t first;
    size_t depth;
};

static const char *path_of(zk_where frame)
{
    return zk_where_path(zk_where_object(frame));
}

static struct stack stack_of(zk_site site)
{
    struct stack stack = {.depth = zk_site_frames(site, stack.frames)};

    while (stack.first < stack.depth && is_wrapper(path_of(stack.frames[stack.first])))
        stack.first++;
    if (stack.first == stack.depth)
        stack.first = 0;
    return stack;
}

static const char *name_of(zk_where frame)
{
    return *path_of(frame) == '\0' ? "?" : base_name(path_of(frame));
}

void zk_report_site(zk_site site, char *text, size_t room)
{
    struct stack stack = stack_of(site);
    zk_where frame = stack.frames[stack.first];

    if (stack.depth > 0)
        snprintf(text, room, "%s+0x%zx", name_of(frame), (size_t)zk_where_offset(frame));
}

/* "prog+0x1234;libc.so.6+0x2345", innermost first. */
static void put_site(struct out *out, const struct stack *stack, char end)
{
    for (size_t i = stack->first; i < stack->depth; i++) {
        if (i > stack->first)
            put_char(out, ';');
        put_text(out, name_of(stack->frames[i]));
        put_text(out, "+0x");
        put_digits(out, zk_where_offset(stack->frames[i]), 16);
    }
    if (stack->depth == 0)
        put_text(out, "NA");
    put_char(out, end);
}

/* Writes the first frame's module, and NA for symbol, file and line, which zk-audit looks up. */
static void put_place(struct out *out, const struct stack *stack, char end)
{
    field(out, stack->depth == 0 ? NULL : path_of(stack->frames[stack->first]), '\t');
    header(out, "NA NA NA");
    out->bytes[out->used - 1] = end;
}

/* "3+0x1234;1+0x2345": all frames; the numbers are those in the column `objects`. */
static void put_stack(struct out *out, const struct stack *stack, char end)
{
    for (size_t i = 0; i < stack->depth; i++) {
        if (i > 0)
            put_char(out, ';');
        put_digits(out, zk_where_object(stack->frames[i]), 10);
        put_text(out, "+0x");
        put_digits(out, zk_where_offset(stack->frames[i]), 16);
    }
    if (stack->depth == 0)
        put_text(out, "NA");
    put_char(out, end);
}

/* Writes a path; characters that would be mistaken for separators, and %, are escaped as in a URL. */
static void put_path(struct out *out, const char *path)
{
    for (; *path != '\0'; path++)
        if (*path == ';' || *path == '%' || (unsigned char)*path < ' ') {
            put_char(out, '%');
            put_char(out, "0123456789ABCDEF"[(unsigned char)*path >> 4]);
            put_char(out, "0123456789ABCDEF"[(unsigned char)*path & 15]);
        } else {
            put_char(out, *path);
        }
}

/* "1:BUILDID:/usr/lib/libc.so.6;3::/home/prog": each object in the stacks once, except number 0. */
static void put_objects(struct out *out, const struct stack *const stacks[], size_t count)
{
    uint32_t done[2 * ZK_AUDIT_DEPTH_MAX];
    size_t done_count = 0;

    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < stacks[s]->depth; i++) {
            uint32_t object = zk_where_object(stacks[s]->frames[i]);
            size_t seen = 0;

            while (seen < done_count && done[seen] != object)
                seen++;
            if (object == 0 || seen < done_count)
                continue;
            if (done_count > 0)
                put_char(out, ';');
            done[done_count++] = object;
            put_digits(out, object, 10);
            put_char(out, ':');
            put_text(out, zk_where_build_id(object));
            put_char(out, ':');
            put_path(out, zk_where_path(object));
        }
    }
    if (done_count == 0)
        put_text(out, "NA");
    put_char(out, '\t');
}

/* ---- Tables ---- */

/* "2:0,1,1": stands for begins 0, 2 and 4; all later values are 0. */
static void put_course(struct out *out, const struct zk_tally_row *row)
{
    size_t count = ZK_COURSE;

    while (count > 1 && row->course[count - 1] == 0)
        count--;
    put_digits(out, row->stride, 10);
    for (size_t i = 0; i < count; i++) {
        put_char(out, i == 0 ? ':' : ',');
        put_digits(out, row->course[i], 10);
    }
    put_char(out, '\n');
}

static void put_retained(void *arg, const struct zk_tally_row *row)
{
    struct out *out = arg;
    struct stack stack = stack_of(row->key.site);

    number(out, row->phase_first, '\t');
    number(out, row->phase_last, '\t');
    put_site(out, &stack, '\t');
    number(out, row->key.size, '\t');
    number(out, row->count, '\t');
    number(out, row->count * row->key.size, '\t');
    number(out, row->threads, '\t');
    put_place(out, &stack, '\t');
    put_stack(out, &stack, '\t');
    put_objects(out, (const struct stack *const[]){&stack}, 1);
    number(out, row->key.asked, '\t');
    put_course(out, row);
}

static void put_caught(void *arg, const struct zk_tally_row *row)
{
    static const char *const kinds[] = {
        [ZK_TALLY_RETAINED] = "retained",     [ZK_TALLY_TOUCHED] = "touched",
        [ZK_TALLY_FREED_LATE] = "freed_late", [ZK_TALLY_FREED] = "freed",
        [ZK_TALLY_UNWATCHED] = "unwatched",   [ZK_TALLY_DISCARDED] = "discarded",
    };
    static const char *const accesses[] = {
        [ZK_ACCESS_NONE] = "NA", [ZK_ACCESS_READ] = "read", [ZK_ACCESS_WRITE] = "write"};
    struct out *out = arg;
    struct stack made = stack_of(row->key.site);
    struct stack accessed = stack_of(row->key.access_site);

    field(out, kinds[row->key.kind], '\t');
    field(out, accesses[row->key.access], '\t');
    number(out, row->phase_first, '\t');
    number(out, row->phase_last, '\t');
    number(out, row->key.size, '\t');
    number(out, row->offset, '\t');
    number(out, row->count, '\t');
    number(out, row->threads, '\t');
    put_site(out, &made, '\t');
    put_place(out, &made, '\t');
    put_site(out, &accessed, '\t');
    put_place(out, &accessed, '\t');
    put_stack(out, &made, '\t');
    put_stack(out, &accessed, '\t');
    put_objects(out, (const struct stack *const[]){&made, &accessed}, 2);
    number(out, row->key.asked, '\t');
    number(out, row->first, '\n');
}

bool zk_report_findings(int fd)
{
    struct out out = {.fd = fd};
    bool census = zk_settings.audit == ZK_AUDIT_CENSUS;

    header(&out, census
                     ? "phase_first phase_last site size count bytes threads module symbol file "
                       "line stack objects asked course"
                     : "kind access phase_allocated phase_accessed size offset count threads site "
                       "module symbol file line access_site access_module access_symbol "
                       "access_file access_line stack access_stack objects asked first");
    zk_tally_each(census ? put_retained : put_caught, &out);
    flush(&out);
    return !out.failed;
}

struct sizes {
    struct out out;
    const struct zk_report_facts *facts;
    uint64_t allocations;
};

static void add_class(void *arg, const struct zk_size_class *class)
{
    struct sizes *sizes = arg;

    sizes->allocations += class->count;
}

static void put_class(void *arg, const struct zk_size_class *class)
{
    struct sizes *sizes = arg;
    struct out *out = &sizes->out;
    bool trap = zk_settings.audit == ZK_AUDIT_TRAP;

    number(out, class->from, '\t');
    number(out, class->to, '\t');
    number(out, class->count, '\t');
    number(out, class->bytes, '\t');
    number(out, sizes->facts->phases, '\t');
    number(out, zk_settings.min_bytes, '\t');
    number(out, sizes->allocations, '\t');
    number(out, sizes->facts->lost, '\t');
    field(out, trap ? sizes->facts->sees_kernel : NULL, '\t');
    field(out, trap ? sizes->facts->sees_places : NULL, '\t');
    if (trap) {
        field(out, NULL, '\t');
        field(out, NULL, '\t');
    } else {
        number(out, sizes->facts->arena_retained, '\t');
        number(out, sizes->facts->watched_bytes, '\t');
    }
    number(out, sizes->facts->limits.memory, '\t');
    number(out, sizes->facts->limits.address, '\t');
    number(out, sizes->facts->limits.mappings, '\n');
}

bool zk_report_sizes(int fd, const struct zk_report_facts *facts)
{
    struct sizes sizes = {.out = {.fd = fd}, .facts = facts};

    header(&sizes.out, "size_from size_to count bytes phases min_bytes allocations lost "
                       "sees_kernel sees_places arena_retained watched_bytes memory_limit "
                       "address_limit mappings_limit");
    zk_distribution_each(add_class, &sizes);
    zk_distribution_each(put_class, &sizes);
    if (sizes.allocations == 0)
        put_class(&sizes, &(const struct zk_size_class){0});
    flush(&sizes.out);
    return !sizes.out.failed;
}
