/*
 * family.c - which malloc is system? The one that the program would have without us: in a program linked with
 * jemalloc, jemalloc's; with "libzkalloc-preload.so libmimalloc.so.2" in LD_PRELOAD, mimalloc's; otherwise
 * glibc's. All functions come from the same object as malloc, if it has them, since one family cannot free
 * another's blocks.
 *
 * A program that defines malloc itself comes before every library, and keeps its own. It may still get those of
 * our functions that it does not define; they then do what they would do without us.
 */
#include "defer.h"
#include "slab.h"
#include "system.h"
#include "zkalloc.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

/* Used before the library is loaded: the first call loads it. */
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

/* A result of dlsym, which C does not convert to a function pointer. */
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

/* A program that is linked to a fixed address and takes a function's address has a PLT entry of its own for it,
 * which leads to the function, wherever that is. Looking up the function then finds that entry. */
static bool is_detour(void *address)
{
    const ElfW(Sym) *symbol = NULL;
    Dl_info info;

    return dladdr1(address, &info, (void **)(void *)&symbol, RTLD_DL_SYMENT) != 0 &&
           symbol != NULL && symbol->st_shndx == SHN_UNDEF;
}

/* Does a call of name reach us? One through such an entry does if we are in the global scope, where only the
 * program comes before us. */
static bool is_ours(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);

    if (found == NULL)
        return false;
    return object_of(found) == our_object() ||
           (is_detour(found) && object_of(dlsym(RTLD_DEFAULT, "zk_preload_api_4")) == our_object());
}

/* The function that a call of name reaches, or would reach without us. */
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

/* The family's function of that name, or NULL. */
static union symbol find_in_family(const char *name)
{
    union symbol found = find(name);

    if (found.object != NULL && object_of(found.object) != family())
        found.object = NULL;
    return found;
}

/* For a family without memalign, its aligned_alloc, whose size must be a multiple of the alignment. */
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

/* glibc's malloc initialises itself in its first call, without a lock, since normally that comes before there
 * is a second thread. With us it might not, since the arena may serve all earlier blocks. So makes that call
 * now. */
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

    /* These four exist, and looking up what exists does not allocate. */
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

/* ---- Before the library is loaded ---- */

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
