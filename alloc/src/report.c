/*
 * report.c - tab-separated rows, written without stdio and without allocating: the process may be
 * dying. Only looking up symbols allocates, and is left out then.
 */
#include "report.h"
#include "config.h"
#include "distribution.h"
#include "lock.h"
#include "os.h"
#include "symbols.h"
#include "tally.h"

#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Writing ---- */

struct out {
    int fd;
    bool failed;
    bool symbols;
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

/* A field and what follows it. */
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

struct frame {
    uintptr_t address;
    char path[512]; /* of the file it lies in; "" if unknown */
    uintptr_t offset;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct frame *frame = arg;
    ssize_t length;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];

        if (part->p_type != PT_LOAD || frame->address < info->dlpi_addr + part->p_vaddr ||
            frame->address - info->dlpi_addr - part->p_vaddr >= part->p_memsz)
            continue;
        frame->offset = frame->address - info->dlpi_addr;
        if (info->dlpi_name[0] != '\0') {
            strncpy(frame->path, info->dlpi_name, sizeof frame->path - 1);
        } else {
            length = readlink("/proc/self/exe", frame->path, sizeof frame->path - 1);
            frame->path[length < 0 ? 0 : length] = '\0';
        }
        return 1;
    }
    return 0;
}

static void locate(struct frame *frame, uintptr_t address)
{
    *frame = (struct frame){.address = address};
    dl_iterate_phdr(look_at, frame);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Nothing that a user can act on: the C library and what wraps its malloc. */
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

/* The frames of a site from the first one on that is no wrapper; all, if all are. */
struct stack {
    struct frame frames[ZK_SITE_DEPTH_MAX];
    size_t first;
    size_t depth;
};

static void locate_all(struct stack *stack, zk_site site)
{
    uintptr_t addresses[ZK_SITE_DEPTH_MAX];

    stack->depth = zk_site_frames(site, addresses);
    stack->first = 0;
    for (size_t i = 0; i < stack->depth; i++)
        locate(&stack->frames[i], addresses[i]);
    while (stack->first < stack->depth && is_wrapper(stack->frames[stack->first].path))
        stack->first++;
    if (stack->first == stack->depth)
        stack->first = 0;
}

void zk_report_site(zk_site site, char *text, size_t room)
{
    struct stack stack;
    const struct frame *frame;

    locate_all(&stack, site);
    if (stack.depth == 0)
        return;
    frame = &stack.frames[stack.first];
    snprintf(text, room, "%s+0x%zx", frame->path[0] == '\0' ? "?" : base_name(frame->path),
             (size_t)frame->offset);
}

/* "prog+0x1234;libc.so.6+0x2345", innermost first. */
static void put_stack(struct out *out, const struct stack *stack)
{
    for (size_t i = stack->first; i < stack->depth; i++) {
        const struct frame *frame = &stack->frames[i];

        put_text(out, frame->path[0] == '\0' ? "?" : base_name(frame->path));
        put_text(out, "+0x");
        put_digits(out, frame->path[0] == '\0' ? frame->address : frame->offset, 16);
        if (i + 1 < stack->depth)
            put_char(out, ';');
    }
    if (stack->depth == 0)
        put_text(out, "NA");
}

/* The first frame of which the line is known: a library without debug information is told by its
 * module, and then the caller's line says more. If none is, what is known of the first one. */
static struct zk_symbol find_symbol(const struct out *out, const struct stack *stack)
{
    struct zk_symbol first = {0};

    for (size_t i = stack->first; out->symbols && i < stack->depth; i++) {
        const struct frame *frame = &stack->frames[i];
        struct zk_symbol symbol;

        if (frame->path[0] == '\0' || is_wrapper(frame->path))
            continue;
        zk_symbol_find(frame->path, frame->offset, &symbol);
        if (symbol.line != 0)
            return symbol;
        if (i == stack->first)
            first = symbol;
    }
    return first;
}

/* The first frame's module, and symbol file line. */
static void put_place(struct out *out, const struct stack *stack, char end)
{
    const struct frame *frame = &stack->frames[stack->first];
    struct zk_symbol symbol;

    if (stack->depth == 0) {
        put_text(out, "NA");
        header(out, " NA NA NA");
        out->bytes[out->used - 1] = end;
        return;
    }
    symbol = find_symbol(out, stack);
    field(out, frame->path, '\t');
    field(out, symbol.function, '\t');
    field(out, symbol.file, '\t');
    if (symbol.line == 0)
        field(out, NULL, end);
    else
        number(out, symbol.line, end);
}

/* ---- Tables ---- */

static void put_retained(void *arg, const struct zk_tally_row *row)
{
    struct out *out = arg;
    static struct stack
        stack; /* too large for the stack of a handler; the tally's lock guards it */

    locate_all(&stack, row->key.site);
    number(out, row->phase_first, '\t');
    number(out, row->phase_last, '\t');
    put_stack(out, &stack);
    put_char(out, '\t');
    number(out, row->key.size, '\t');
    number(out, row->count, '\t');
    number(out, row->count * row->key.size, '\t');
    number(out, row->threads, '\t');
    put_place(out, &stack, '\n');
}

static void put_caught(void *arg, const struct zk_tally_row *row)
{
    static const char *const kinds[] = {
        [ZK_TALLY_RETAINED] = "retained",     [ZK_TALLY_TOUCHED] = "touched",
        [ZK_TALLY_FREED_LATE] = "freed_late", [ZK_TALLY_FREED] = "freed",
        [ZK_TALLY_UNWATCHED] = "unwatched",
    };
    static const char *const accesses[] = {
        [ZK_ACCESS_NONE] = "NA", [ZK_ACCESS_READ] = "read", [ZK_ACCESS_WRITE] = "write"};
    struct out *out = arg;
    static struct stack stack; /* as above */

    field(out, kinds[row->key.kind], '\t');
    field(out, accesses[row->key.access], '\t');
    number(out, row->phase_first, '\t');
    number(out, row->phase_last, '\t');
    number(out, row->key.size, '\t');
    number(out, row->offset, '\t');
    number(out, row->count, '\t');
    number(out, row->threads, '\t');
    locate_all(&stack, row->key.site);
    put_stack(out, &stack);
    put_char(out, '\t');
    put_place(out, &stack, '\t');
    locate_all(&stack, row->key.access_site);
    put_stack(out, &stack);
    put_char(out, '\t');
    put_place(out, &stack, '\n');
}

static struct zk_lock lock; /* of findings, symbols included */

bool zk_report_findings(int fd, bool symbols)
{
    struct out out = {.fd = fd, .symbols = symbols};
    bool census = zk_settings.audit == ZK_AUDIT_CENSUS;

    zk_lock(&lock);
    header(&out,
           census ? "phase_first phase_last site size count bytes threads module symbol file line"
                  : "kind access phase_allocated phase_accessed size offset count threads site "
                    "module symbol file line access_site access_module access_symbol "
                    "access_file access_line");
    zk_tally_each(census ? put_retained : put_caught, &out);
    if (symbols)
        zk_symbols_close();
    flush(&out);
    zk_unlock(&lock);
    return !out.failed;
}

struct sizes {
    struct out out;
    uint64_t phases;
    bool any;
};

static void put_class(void *arg, const struct zk_size_class *class)
{
    struct sizes *sizes = arg;
    struct out *out = &sizes->out;

    sizes->any = true;
    number(out, class->from, '\t');
    number(out, class->to, '\t');
    number(out, class->count, '\t');
    number(out, class->bytes, '\t');
    number(out, sizes->phases, '\t');
    number(out, zk_settings.min_bytes, '\n');
}

bool zk_report_sizes(int fd, uint64_t phases)
{
    struct sizes sizes = {.out = {.fd = fd}, .phases = phases};

    header(&sizes.out, "size_from size_to count bytes phases min_bytes");
    zk_distribution_each(put_class, &sizes);
    if (!sizes.any)
        put_class(&sizes, &(const struct zk_size_class){0});
    flush(&sizes.out);
    return !sizes.out.failed;
}
