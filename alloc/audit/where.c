/*
 * where.c - the objects in which frames have been seen. There are few of them, and new stacks are rare, so a
 * list will do.
 */
#include "where.h"
#include "object.h"
#include "os.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    objects_per_page = 16, /* objects are kept in pieces that never move */
    object_pages_max = 256,
    path_max = 1024,
};

struct seen {
    struct zk_object object; /* its name may be gone later: see path */
    unsigned char id[ZK_BUILD_ID_MAX];
    size_t id_bytes;
    char id_text[2 * ZK_BUILD_ID_MAX + 1];
    char path[path_max];
};

static struct {
    struct seen *pages[object_pages_max];
    uint32_t count; /* the first has number 1 */
} objects;

static struct seen *seen_of(uint32_t number)
{
    return &objects.pages[(number - 1) / objects_per_page][(number - 1) % objects_per_page];
}

static void write_id(struct seen *seen)
{
    for (size_t i = 0; i < seen->id_bytes; i++) {
        seen->id_text[2 * i] = "0123456789abcdef"[seen->id[i] >> 4];
        seen->id_text[2 * i + 1] = "0123456789abcdef"[seen->id[i] & 15];
    }
}

/* Finds the program's own file, and makes a relative path absolute, from the current working directory. */
static void write_path(struct seen *seen)
{
    const char *name = seen->object.name;
    size_t used = 0;

    if (name[0] == '\0') {
        ssize_t length = readlink("/proc/self/exe", seen->path, sizeof seen->path - 1);

        seen->path[length < 0 ? 0 : length] = '\0';
        return;
    }
    if (name[0] != '/' && strchr(name, '/') != NULL &&
        getcwd(seen->path, sizeof seen->path - 1) != NULL) {
        used = strlen(seen->path);
        seen->path[used++] = '/';
        while (name[0] == '.' && name[1] == '/')
            name += 2;
    }
    snprintf(seen->path + used, sizeof seen->path - used, "%s", name);
}

static bool same(const struct seen *seen, const struct zk_object *object)
{
    unsigned char id[ZK_BUILD_ID_MAX];

    if (seen->object.map != object->map || seen->object.start != object->start ||
        seen->object.end != object->end)
        return false;
    return zk_object_build_id(object, id) == seen->id_bytes &&
           memcmp(id, seen->id, seen->id_bytes) == 0;
}

/* Adds an object. 0 if there is no memory. An object is complete before it is counted. */
static uint32_t note(const struct zk_object *object)
{
    struct seen **page = &objects.pages[objects.count / objects_per_page];
    struct seen *seen;

    if (objects.count == object_pages_max * objects_per_page)
        return 0;
    if (*page == NULL)
        *page = zk_os_map(objects_per_page * sizeof **page);
    if (*page == NULL)
        return 0;
    seen = &(*page)[objects.count % objects_per_page];
    *seen = (struct seen){.object = *object};
    seen->id_bytes = zk_object_build_id(object, seen->id);
    write_id(seen);
    write_path(seen);
    return ++objects.count;
}

zk_where zk_where_of(uintptr_t address)
{
    struct zk_object object = zk_object_at(address);
    uint32_t number;

    if (object.map == NULL)
        return address & ((UINT64_C(1) << 48) - 1);
    for (number = objects.count; number > 0;
         number--) /* latest first: closed objects were seen before open ones */
        if (same(seen_of(number), &object))
            break;
    if (number == 0)
        number = note(&object);
    if (number == 0)
        return address & ((UINT64_C(1) << 48) - 1);
    return (uint64_t)number << 48 | (address - object.bias);
}

const char *zk_where_path(uint32_t object)
{
    return object == 0 ? "" : seen_of(object)->path;
}

const char *zk_where_build_id(uint32_t object)
{
    return object == 0 ? "" : seen_of(object)->id_text;
}
