/*
 * traces.c - reads stacks. Many stacks share frames, and both runs have the same stacks: each frame
 * and each stack is kept once.
 */
#include "traces.h"
#include "audit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A hash table with open addressing, of numbers from 1 up; 0 is a free slot. At most half full. */
struct index {
    uint32_t *at;
    size_t room;
};

static struct {
    struct object *objects;
    size_t object_count;
    struct frame *frames;
    size_t frame_count;
    struct index frame_index;
    struct trace *traces; /* the first has number 1 */
    size_t trace_count;
    struct index trace_index;
} all;

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

static uint64_t hash_frame(const struct frame *frame)
{
    return mix(mix(0, frame->object), frame->offset);
}

static uint64_t hash_trace(const struct trace *trace)
{
    uint64_t hash = trace->count;

    for (uint32_t i = 0; i < trace->count; i++)
        hash = mix(hash, trace->frames[i]);
    return hash;
}

static uint64_t frame_hash_at(uint32_t number)
{
    return hash_frame(&all.frames[number - 1]);
}

static uint64_t trace_hash_at(uint32_t number)
{
    return hash_trace(&all.traces[number - 1]);
}

static void make_room(struct index *index, size_t count, uint64_t (*hash_at)(uint32_t number))
{
    size_t room = index->room == 0 ? 1024 : 2 * index->room;

    if (2 * count < index->room)
        return;
    free(index->at);
    index->at = need(calloc(room, sizeof *index->at));
    index->room = room;
    for (uint32_t number = 1; number <= count; number++) {
        size_t at = hash_at(number) & (room - 1);

        while (index->at[at] != 0)
            at = (at + 1) & (room - 1);
        index->at[at] = number;
    }
}

static uint32_t frame_number(struct frame frame)
{
    size_t at;

    make_room(&all.frame_index, all.frame_count, frame_hash_at);
    for (at = hash_frame(&frame) & (all.frame_index.room - 1); all.frame_index.at[at] != 0;
         at = (at + 1) & (all.frame_index.room - 1)) {
        const struct frame *other = &all.frames[all.frame_index.at[at] - 1];

        if (other->object == frame.object && other->offset == frame.offset)
            return all.frame_index.at[at] - 1;
    }
    all.frames = grow(all.frames, all.frame_count, sizeof *all.frames);
    all.frames[all.frame_count++] = frame;
    all.frame_index.at[at] = (uint32_t)all.frame_count;
    all.objects[frame.object].used = true;
    return (uint32_t)all.frame_count - 1;
}

static uint32_t trace_number(const uint32_t *frames, uint32_t count)
{
    struct trace trace = {.frames = frames, .count = count};
    uint32_t *copy;
    size_t at;

    make_room(&all.trace_index, all.trace_count, trace_hash_at);
    for (at = hash_trace(&trace) & (all.trace_index.room - 1); all.trace_index.at[at] != 0;
         at = (at + 1) & (all.trace_index.room - 1)) {
        const struct trace *other = &all.traces[all.trace_index.at[at] - 1];

        if (other->count == count && memcmp(other->frames, frames, count * sizeof *frames) == 0)
            return all.trace_index.at[at];
    }
    copy = need(malloc(count * sizeof *copy));
    memcpy(copy, frames, count * sizeof *copy);
    trace.frames = copy;
    all.traces = grow(all.traces, all.trace_count, sizeof *all.traces);
    all.traces[all.trace_count++] = trace;
    all.trace_index.at[at] = (uint32_t)all.trace_count;
    return (uint32_t)all.trace_count;
}

static uint32_t object_number(const char *path, const char *build_id)
{
    for (size_t i = 0; i < all.object_count; i++)
        if (strcmp(all.objects[i].path, path) == 0 &&
            strcmp(all.objects[i].build_id, build_id) == 0)
            return (uint32_t)i;
    all.objects = grow(all.objects, all.object_count, sizeof *all.objects);
    all.objects[all.object_count++] =
        (struct object){.path = need(strdup(path)), .build_id = need(strdup(build_id))};
    return (uint32_t)all.object_count - 1;
}

/* Decodes %XX as in a URL (%3B is a semicolon), in place. */
static void decode(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (from[0] == '%' && isxdigit((unsigned char)from[1]) &&
            isxdigit((unsigned char)from[2])) {
            char digits[3] = {from[1], from[2], '\0'};

            *to++ = (char)strtoul(digits, NULL, 16);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* The objects of one row: their numbers in the report, and our own. */
enum { STACK_MAX = 1024 };
struct row_objects {
    unsigned long theirs[STACK_MAX];
    uint32_t ours[STACK_MAX];
    size_t count;
};

/* "1:BUILDID:/path;2::/path" */
static void read_objects(const char *text, struct row_objects *row)
{
    char *copy = need(strdup(known(text) ? text : ""));
    char *rest = copy;
    char *item;

    row->count = 0;
    while ((item = strsep(&rest, ";")) != NULL && row->count < STACK_MAX) {
        char *id;
        char *path;
        unsigned long number = strtoul(item, &id, 10);

        if (*id != ':' || (path = strchr(id + 1, ':')) == NULL)
            continue;
        *path++ = '\0';
        decode(path);
        row->theirs[row->count] = number;
        row->ours[row->count++] = object_number(path, id + 1);
    }
    free(copy);
}

static uint32_t row_object(const struct row_objects *row, unsigned long number)
{
    for (size_t i = 0; i < row->count; i++)
        if (row->theirs[i] == number)
            return row->ours[i];
    return object_number("", "");
}

static uint32_t read_stack(const char *stack, const struct row_objects *row)
{
    uint32_t frames[STACK_MAX];
    uint32_t count = 0;

    for (const char *at = stack; *at != '\0' && count < STACK_MAX; at += *at == ';') {
        char *end;
        unsigned long object = strtoul(at, &end, 10);

        if (end == at || strncmp(end, "+0x", 3) != 0)
            break;
        frames[count++] = frame_number((struct frame){.object = row_object(row, object),
                                                      .offset = strtoull(end + 1, &end, 16)});
        at = end;
    }
    return count == 0 ? 0 : trace_number(frames, count);
}

/* "prog+0x12;libc.so.6+0x34": a path is known only for the first frame's file. */
static uint32_t read_site(const char *site, const char *module)
{
    const char *name = base_name(module);
    uint32_t frames[STACK_MAX];
    uint32_t count = 0;

    for (const char *at = site; *at != '\0' && count < STACK_MAX;) {
        size_t length = strcspn(at, ";");
        const char *offset = memmem(at, length, "+0x", 3);

        if (offset == NULL)
            break;
        frames[count] = frame_number(
            (struct frame){.object = object_number((size_t)(offset - at) == strlen(name) &&
                                                           strncmp(at, name, strlen(name)) == 0
                                                       ? module
                                                       : "",
                                                   ""),
                           .offset = strtoull(offset + 1, NULL, 16)});
        count++;
        at += length;
        at += *at == ';';
    }
    return count == 0 ? 0 : trace_number(frames, count);
}

uint32_t trace_add(const char *stack, const char *objects, const char *site, const char *module)
{
    static struct row_objects row;

    if (!known(stack) && (!known(site) || !known(module)))
        return 0;
    if (!known(stack))
        return read_site(site, module);
    read_objects(objects, &row);
    return read_stack(stack, &row);
}

struct trace trace_at(uint32_t number)
{
    static const struct trace none;

    return number == 0 ? none : all.traces[number - 1];
}

const struct object *object_at(uint32_t number)
{
    return &all.objects[number];
}

struct object *objects_all(size_t *count)
{
    *count = all.object_count;
    return all.objects;
}

struct frame *frames_all(size_t *count)
{
    *count = all.frame_count;
    return all.frames;
}

const struct frame *frame_at(uint32_t number)
{
    return &all.frames[number];
}
