/*
 * family.c - whose malloc is system? The one that there would be without us: in a program that is linked with
 * jemalloc that is jemalloc's, with "libzkalloc-preload.so libmimalloc.so.2" in LD_PRELOAD it is mimalloc's, and
 * else glibc's. All functions come from the same object as malloc, if it has them: a block of one family is
 * nothing to another.
 *
 * A program that defines malloc itself comes before every library, and keeps it. Of our functions it may still
 * get some, those that it does not define. They do then what they would do without us.
 */
#include "defer.h"
#include "slab.h"
#include "system.h"
#include "zkalloc.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

/* Before the library is loaded, which the first call sees to. */
static void *first_malloc(size_t size);
static void *first_calloc(size_t count, size_t size);
static void *first_realloc(void *p, size_t size);
static void *first_memalign(size_t align, size_t size);
static void first_free(void *p);

struct zk_system zk_system = {.malloc = first_malloc,
                              .calloc = first_calloc,
                              .realloc = first_realloc,
                              .memalign = first_memalign,
                              .free = first_free};

/* An address that dlsym gives: C does not convert it. */
union symbol {
    void *object;
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t count, size_t size);
    void *(*realloc)(void *p, size_t size);
    void *(*memalign)(size_t align, size_t size);
    void (*free)(void *p);
    size_t (*usable)(void *p);
};

/* The first byte of the object that an address lies in. */
static const void *object_of(const void *address)
{
    Dl_info info;

    return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

static const void *our_object(void)
{
    return object_of(&zk_preload_api_4);
}

/* A program that is linked to a fixed address and takes that of a function has an entry of its own for it, which
 * only leads to the function, wherever that is; and looking the function up gives the entry. */
static bool is_detour(void *address)
{
    const ElfW(Sym) *symbol = NULL;
    Dl_info info;

    return dladdr1(address, &info, (void **)(void *)&symbol, RTLD_DL_SYMENT) != 0 &&
           symbol != NULL && symbol->st_shndx == SHN_UNDEF;
}

/* Does a call of name reach us? A detour does if we are in everybody's scope, where we come before all but the
 * program. */
static bool is_ours(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);

    if (found == NULL)
        return false;
    return object_of(found) == our_object() ||
           (is_detour(found) && object_of(dlsym(RTLD_DEFAULT, "zk_preload_api_4")) == our_object());
}

/* What a call of name reaches, unless that is us: then what it would reach without us. */
static union symbol find(const char *name)
{
    union symbol found = {.object = dlsym(RTLD_DEFAULT, name)};

    if (found.object == NULL || is_detour(found.object) || is_ours(name))
        found.object = dlsym(RTLD_NEXT, name);
    return found;
}

static const void *family(void)
{
    union symbol found = {.malloc = zk_system.malloc};

    return object_of(found.object);
}

/* The family's, or nothing. */
static union symbol find_in_family(const char *name)
{
    union symbol found = find(name);

    if (found.object != NULL && object_of(found.object) != family())
        found.object = NULL;
    return found;
}

/* Of a family without memalign, or with aligned_alloc only, which wants a size that is a multiple. */
static void *(*aligned)(size_t align, size_t size);

static void *memalign_by_aligned_alloc(size_t align, size_t size)
{
    size_t rounded = (size + align - 1) & ~(align - 1);

    if (rounded < size) {
        errno = ENOMEM;
        return NULL;
    }
    return aligned(align, rounded);
}

static void find_memalign(void)
{
    union symbol found = find_in_family("memalign");

    if (found.object == NULL) {
        aligned = find_in_family("aligned_alloc").memalign;
        if (aligned != NULL)
            found.memalign = memalign_by_aligned_alloc;
    }
    if (found.object == NULL)
        found = find("memalign");
    zk_system.memalign = found.memalign;
}

static void find_name(void)
{
    union symbol found = {.malloc = zk_system.malloc};
    Dl_info info;

    if (dladdr(found.object, &info) != 0)
        zk_system.name = info.dli_fname;
}

/* glibc's malloc sets itself up in the first call of it, and takes no lock for that, since without us that call
 * comes before the first thread. In a phase it may not: the arena serves what comes before. */
static void wake_system(void)
{
    void *volatile block = zk_system.malloc(1);

    zk_system.free(block);
}

void zk_system_load(void)
{
    static const char *const served[] = {"calloc",   "realloc",       "free",
                                         "memalign", "aligned_alloc", "posix_memalign",
                                         "valloc",   "reallocarray",  "malloc_usable_size"};

    /* These four are there, and to look up what is there does not allocate. */
    zk_system.malloc = find("malloc").malloc;
    zk_system.free = find("free").free;
    zk_system.calloc = find("calloc").calloc;
    zk_system.realloc = find("realloc").realloc;
    find_memalign();
    zk_system.usable = find_in_family("malloc_usable_size").usable;
    find_name();
    for (size_t i = 0; i < sizeof served / sizeof *served; i++)
        zk_system.bystander |= !is_ours("malloc") && is_ours(served[i]);
    if (!zk_system.bystander)
        wake_system();
}

const char *zk_system_name(void)
{
    return zk_system.name;
}

/* ---- Before ---- */

static void *first_malloc(size_t size)
{
    zk_defers();
    return zk_system.malloc(size);
}

static void *first_calloc(size_t count, size_t size)
{
    zk_defers();
    return zk_system.calloc(count, size);
}

static void *first_realloc(void *p, size_t size)
{
    zk_defers();
    return zk_system.realloc(p, size);
}

static void *first_memalign(size_t align, size_t size)
{
    zk_defers();
    return zk_system.memalign(align, size);
}

static void first_free(void *p)
{
    zk_defers();
    zk_system.free(p);
}
