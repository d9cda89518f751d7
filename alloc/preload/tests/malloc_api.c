/*
 * malloc_api.c - what POSIX, C and glibc's manual say about malloc and its family, checked one call
 * at a time. Without a preload library this is the control: glibc itself must pass.
 */
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const size_t sizes[] = {0,    1,    15,   16,   17,   100,   1000,  2048,
                               4079, 4095, 4096, 4097, 5000, 70000, 300000};

static bool aligned(const void *p, size_t align)
{
    return ((uintptr_t)p & (align - 1)) == 0;
}

/* Checks p's alignment, writes all of its size bytes, and frees it. */
static void use(void *p, size_t size, size_t align)
{
    if (!CHECK(p != NULL))
        return;
    CHECK(aligned(p, align));
    CHECK(malloc_usable_size(p) >= size);
    fill(p, size, 1);
    CHECK(filled(p, size, 1));
    free(p);
}

/* glibc: every block is aligned to 16, whatever its size. */
static void aligned_for_any_type(void)
{
    for (size_t i = 0; i < COUNT(sizes); i++) {
        use(call.malloc(sizes[i]), sizes[i], 16);
        use(call.calloc(1, sizes[i]), sizes[i], 16);
        use(call.realloc(NULL, sizes[i]), sizes[i], 16);
        use(call.reallocarray(NULL, sizes[i], 1), sizes[i], 16);
    }
}

static void aligned_as_asked(size_t align, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *p = NULL;

    use(memalign(align, size), size, align);
    use(call.aligned_alloc(align, size), size, align);
    use(call.valloc(size), size, page);
    use(call.pvalloc(size), (size + page - 1) & ~(page - 1), page);
    if (align >= sizeof(void *)) {
        CHECK(posix_memalign(&p, align, size) == 0);
        use(p, size, align);
    }
}

/* An alignment that is not a power of two: an error for posix_memalign, rounded up by memalign, and by
 * aligned_alloc up to glibc 2.37. */
static void not_a_power(void)
{
    static const size_t wrong[] = {0, 1, 2, 4, 12, 24, 100, SIZE_MAX};
    void *p;

    for (size_t i = 0; i < COUNT(wrong); i++) {
        p = &p;
        errno = EXDEV;
        CHECK(posix_memalign(&p, OPAQUE(wrong[i]), 100) == EINVAL);
        CHECK(p == &p && errno == EXDEV);
    }
    use(memalign(OPAQUE((size_t)24), 100), 100, 32);
    use(memalign(OPAQUE((size_t)0), 100), 100, 16);
    use(memalign(OPAQUE((size_t)5000), 100), 100, 8192);
    errno = EXDEV;
    CHECK(memalign(OPAQUE(SIZE_MAX / 2 + 2), 1) == NULL && errno == EINVAL);
    p = call.aligned_alloc(OPAQUE((size_t)24), 96);
    if (p == NULL)
        CHECK(errno == EINVAL);
    else
        use(p, 96, 32);
}

static void alignment(void)
{
    aligned_for_any_type();
    for (size_t align = 1; align <= (size_t)4 << 20; align *= 2)
        for (size_t i = 0; i < COUNT(sizes); i += 1 + align / 65536)
            aligned_as_asked(align, sizes[i]);
    aligned_as_asked((size_t)1 << 30, 5000);
    not_a_power();
}

#define REFUSED(call)                                                                              \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK((call) == NULL);                                                                     \
        CHECK(errno == ENOMEM);                                                                    \
    } while (0)

static void too_much(size_t size)
{
    void *p = NULL;

    REFUSED(call.malloc(OPAQUE(size)));
    REFUSED(call.calloc(1, OPAQUE(size)));
    REFUSED(call.calloc(OPAQUE(size), 1));
    REFUSED(call.realloc(NULL, OPAQUE(size)));
    REFUSED(call.reallocarray(NULL, 1, OPAQUE(size)));
    REFUSED(memalign(64, OPAQUE(size)));
    REFUSED(memalign(1 << 20, OPAQUE(size)));
    REFUSED(call.aligned_alloc(64, OPAQUE(size)));
    REFUSED(call.valloc(OPAQUE(size)));
    REFUSED(call.pvalloc(OPAQUE(size)));
    CHECK(posix_memalign(&p, 64, OPAQUE(size)) == ENOMEM);
    CHECK(p == NULL);
}

/* A block that cannot be resized is unchanged. */
static void kept_on_failure(size_t size)
{
    char *p = call.malloc(size);

    if (!CHECK(p != NULL))
        return;
    fill(p, size, 2);
    REFUSED(call.realloc(OPAQUE(p), OPAQUE((size_t)PTRDIFF_MAX + 1)));
    REFUSED(call.realloc(OPAQUE(p), OPAQUE(SIZE_MAX)));
    REFUSED(call.reallocarray(OPAQUE(p), OPAQUE(SIZE_MAX / 2), 3));
    REFUSED(call.reallocarray(OPAQUE(p), OPAQUE((size_t)1 << 32), (size_t)1 << 32));
    CHECK(filled(p, size, 2));
    free(p);
}

static void failure(void)
{
    too_much((size_t)PTRDIFF_MAX + 1);
    too_much(SIZE_MAX - 4096);
    too_much(SIZE_MAX - 15);
    too_much(SIZE_MAX);
    REFUSED(call.calloc(OPAQUE(SIZE_MAX / 2), 3));
    REFUSED(call.calloc(OPAQUE((size_t)1 << 32), (size_t)1 << 32));
    REFUSED(call.calloc(OPAQUE(SIZE_MAX), OPAQUE(SIZE_MAX)));
    for (size_t i = 1; i < COUNT(sizes); i++)
        kept_on_failure(sizes[i]);
}

/* POSIX.1-2024: free preserves errno. glibc: so does any call that succeeds. */
static void errno_kept(void)
{
    void *blocks[4 * COUNT(sizes)];
    size_t count = 0;

    errno = EXDEV;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        blocks[count++] = call.malloc(sizes[i]);
        blocks[count++] = call.calloc(sizes[i], 3);
        blocks[count++] = memalign(256, sizes[i]);
        blocks[count++] = call.realloc(call.malloc(50), sizes[i] + 1);
    }
    CHECK(errno == EXDEV);
    for (size_t i = 0; i < count; i++) {
        malloc_usable_size(blocks[i]);
        free(blocks[i]);
    }
    free(NULL);
    free(call.malloc((size_t)64 << 20));
    CHECK(errno == EXDEV);
}

/* All usable bytes belong to the block, and keep their contents. */
static void usable(void)
{
    enum { blocks = 400 };
    static char *p[blocks];
    static size_t bytes[blocks];

    CHECK(malloc_usable_size(NULL) == 0);
    for (unsigned i = 0; i < blocks; i++) {
        p[i] = i % 3 == 0   ? call.calloc(1, i * 40)
               : i % 3 == 1 ? call.malloc(i)
                            : memalign(64, i * 300);
        bytes[i] = malloc_usable_size(p[i]);
        fill(p[i], bytes[i], i);
    }
    for (unsigned i = 0; i < blocks; i++) {
        CHECK(malloc_usable_size(p[i]) >= bytes[i]);
        CHECK(filled(p[i], bytes[i], i));
        free(p[i]);
    }
}

/* glibc: a block of 0 bytes is a block of its own; realloc to 0 bytes frees. */
static void zero(void)
{
    void *p[7] = {call.malloc(0),
                  call.calloc(0, 8),
                  call.calloc(8, 0),
                  call.realloc(NULL, 0),
                  memalign(64, 0),
                  call.aligned_alloc(64, 0),
                  call.reallocarray(NULL, 0, 9)};

    for (size_t i = 0; i < COUNT(p); i++) {
        CHECK(p[i] != NULL);
        for (size_t j = 0; j < i; j++)
            CHECK(p[i] != p[j]);
    }
    errno = EXDEV;
    CHECK(call.realloc(p[0], OPAQUE((size_t)0)) == NULL);
    CHECK(call.realloc(p[6], OPAQUE((size_t)0)) == NULL);
    CHECK(errno == EXDEV);
    for (size_t i = 1; i < COUNT(p) - 1; i++)
        free(p[i]);
    CHECK(posix_memalign(&p[0], 64, 0) == 0 && p[0] != NULL);
    free(p[0]);
}

static bool all_zero(const char *p, size_t bytes)
{
    return bytes == 0 || (p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0);
}

static void zeroed(void)
{
    for (unsigned round = 0; round < 200; round++) {
        size_t size = (round * 7919u) % 90000;
        char *dirty = call.malloc(size);
        char *p;

        memset(dirty, 0xA5, malloc_usable_size(dirty));
        free(dirty);
        p = call.calloc(size / 3 + 1, 3);
        CHECK(all_zero(p, (size / 3 + 1) * 3));
        memset(p, 0xA5, size);
        free(p);
    }
}

/* Allocations in between, for whatever counts them. */
static void others(unsigned count)
{
    void *p[64];

    for (unsigned i = 0; i < count && i < COUNT(p); i++)
        p[i] = call.malloc(i * 97 % 6000);
    for (unsigned i = 0; i < count && i < COUNT(p); i++)
        free(p[i]);
}

static void resize(size_t from, size_t to, size_t align, unsigned key)
{
    size_t kept = from < to ? from : to;
    char *p = align > 16 ? memalign(align, from) : call.malloc(from);

    fill(p, from, key);
    others(key % 60);
    p = key % 2 == 0 ? call.realloc(p, to) : call.reallocarray(p, to, 1);
    if (!CHECK(p != NULL))
        return;
    CHECK(aligned(p, 16) && malloc_usable_size(p) >= to && filled(p, kept, key));
    fill(p, to, key);
    others(key % 30);
    CHECK(filled(p, to, key));
    free(p);
}

static void resized(void)
{
    static char *grown[16];
    unsigned key = 0;

    for (size_t i = 1; i < COUNT(sizes); i++)
        for (size_t j = 1; j < COUNT(sizes); j++)
            resize(sizes[i], sizes[j], key % 5 == 0 ? 512 : 16, key), key++;
    resize((size_t)3 << 20, (size_t)9 << 20, 16, 1);
    resize((size_t)9 << 20, 100, 16, 2);
    for (size_t size = 1; size < 40000; size += size / 3 + 1) /* sixteen that take turns */
        for (unsigned i = 0; i < COUNT(grown); i++) {
            grown[i] = call.realloc(grown[i], size);
            CHECK(filled(grown[i], size > 1 ? size / 2 : 0, i) || size < 4);
            fill(grown[i], size, i);
        }
    for (unsigned i = 0; i < COUNT(grown); i++) {
        free(grown[i]);
        grown[i] = NULL;
    }
}

static void huge(void)
{
    const size_t gigabyte = (size_t)1 << 30;
    char *p = call.malloc(gigabyte);
    char *q = call.calloc(gigabyte / 64, 1);

    CHECK(p != NULL && q != NULL);
    if (p == NULL || q == NULL)
        return;
    p[0] = p[gigabyte - 1] = 1;
    for (size_t i = 0; i < gigabyte / 64; i += 4096)
        CHECK(q[i] == 0);
    q[0] = 5;
    q = call.realloc(q, gigabyte / 32);
    CHECK(q != NULL);
    if (q == NULL)
        return;
    CHECK(q[0] == 5);
    free(p);
    free(q);
    use(call.malloc((size_t)16 << 20), (size_t)16 << 20, 16);
}

typedef void sized_function(void *p, size_t size);
typedef void aligned_sized_function(void *p, size_t align, size_t size);

/* C23's functions, if they exist. */
static void freed_by_size(void)
{
    union {
        void *object;
        sized_function *sized;
        aligned_sized_function *aligned_sized;
    } sized = {.object = dlsym(RTLD_DEFAULT, "free_sized")},
      aligned_sized = {.object = dlsym(RTLD_DEFAULT, "free_aligned_sized")};

    if (sized.object == NULL || aligned_sized.object == NULL)
        return;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        sized.sized(call.malloc(sizes[i]), sizes[i]);
        aligned_sized.aligned_sized(call.aligned_alloc(128, sizes[i]), 128, sizes[i]);
    }
    sized.sized(NULL, 0);
    aligned_sized.aligned_sized(NULL, 64, 0);
}

/* Allocates blocks of 64 KiB until there are no more, or `most`. Checks that all are good, and can
 * be reused. */
static unsigned exhaust(unsigned most)
{
    enum { size = 64 << 10, looked_at = 4096, room = 8192 };
    static void *p[room];
    unsigned count;

    errno = 0;
    for (count = 0; count < most && (p[count] = call.malloc(size)) != NULL; count++)
        fill(p[count], looked_at, count);
    CHECK(count == most || errno == ENOMEM);
    for (unsigned i = 0; i < count; i++) {
        CHECK(filled(p[i], looked_at, i));
        free(p[i]);
    }
    use(call.malloc(size), size, 16);
    return count;
}

static void limited(void)
{
    const struct rlimit limit = {(rlim_t)64 << 20, (rlim_t)64 << 20};

    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    exhaust(2048);
}

/* The limit is in force from the program's first instruction on. */
static void limited_from_the_start(void)
{
    const struct rlimit limit = {(rlim_t)200 << 20, (rlim_t)200 << 20};

    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    execl("/proc/self/exe", "malloc_api", "--exhaust", (char *)NULL);
    CHECK(!"execl returned");
}

static void exhausted(void)
{
    check_in_child(limited);
    check_in_child(limited_from_the_start);
}

int main(int argc, char **argv)
{
    static const struct part parts[] = {
        {"alignment", alignment}, {"failure", failure}, {"errno", errno_kept},
        {"usable", usable},       {"zero", zero},       {"zeroed", zeroed},
        {"resized", resized},     {"huge", huge},       {"by size", freed_by_size},
        {"exhausted", exhausted},
    };

    if (argc > 1 && strcmp(argv[1], "--exhaust") == 0) {
        unsigned count = exhaust(8192);

        CHECK(count > 1024 && count < 3300); /* of 64 KiB; under 200 MiB */
        return check_failures() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    return check_parts(parts, COUNT(parts));
}
