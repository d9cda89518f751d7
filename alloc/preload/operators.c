/*
 * operators.c - C++'s new and delete, by their mangled names. libstdc++'s call malloc and free, and so would reach
 * us; but jemalloc, tcmalloc and mimalloc bring operators of their own, which do not. Ours serve from where malloc
 * serves. If a library other than these replaces the operators, calls are passed on to it.
 */
#include "next.h"
#include "os.h"
#include "route.h"
#include "slab.h"
#include "system.h"
#include "zkalloc.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Who serves the operators: determined at the first use of one, or when the library is loaded. */
static enum { unknown, ours, passed_on } whose;

static bool is_cxx_library(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;

    return strncmp(name, "libstdc++", strlen("libstdc++")) == 0 ||
           strncmp(name, "libc++", strlen("libc++")) == 0;
}

/* Is the object at address neither system nor a C++ runtime library? */
static bool is_third_party(const void *address)
{
    const char *system = zk_system_name();
    Dl_info info;

    return address != NULL && dladdr(address, &info) != 0 && !is_cxx_library(info.dli_fname) &&
           (system == NULL || strcmp(info.dli_fname, system) != 0);
}

/* Neither arena nor system has memory: libstdc++'s own operator knows what to do then, and throws. Another
 * malloc's may not. */
static __attribute__((noinline)) void *new_failed(size_t size)
{
    void *library = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_NOLOAD);
    union {
        void *object;
        void *(*operator)(size_t size);
    } next = {.object = dlsym(library != NULL ? library : RTLD_NEXT, "_Znwm")};

    if (next.object != NULL)
        return next.operator(size);
    zk_os_say(
        "operator new: no memory for %zu bytes, and no libstdc++ to throw bad_alloc: aborting",
        size);
    abort();
}

static inline void *serve(size_t size, size_t align, bool throws, struct zk_caller caller)
{
    void *p = zk_route((struct zk_wish){size, align, caller, false});

    return __builtin_expect(p == NULL && throws, 0) ? new_failed(size) : p;
}

extern const struct zk_next __start_zk_operators[] __attribute__((visibility("hidden")));
extern const struct zk_next __stop_zk_operators[] __attribute__((visibility("hidden")));

__attribute__((constructor(102))) static void find_whose(void)
{
    void *next = dlsym(RTLD_NEXT, "_Znwm");
    bool third_party = is_third_party(next);

    if (next == NULL)
        dlerror(); /* a C program: clear the error */
    if (third_party)
        zk_next_find(__start_zk_operators, __stop_zk_operators);
    whose = third_party ? passed_on : ours;
}

static __attribute__((noinline)) bool are_passed_on(void)
{
    if (whose == unknown)
        find_whose();
    return whose == passed_on;
}

/* Defines an operator: its type, name, parameters, arguments, and what it does if we serve. The next operator of
 * that name is looked up only if calls are passed on. */
#define OPERATOR(type, name, parameters, arguments, served)                                        \
    EXPORT type name parameters;                                                                   \
    static __typeof__(name) *next_##name;                                                          \
    static const struct zk_next entry_##name                                                       \
        __attribute__((section("zk_operators"), used)) = {#name, (void **)(void *)&next_##name};   \
    EXPORT type name parameters                                                                    \
    {                                                                                              \
        if (__builtin_expect(whose != ours, 0) && are_passed_on())                                 \
            return next_##name arguments;                                                          \
        return served;                                                                             \
    }
#define UNUSED __attribute__((unused))

/* clang-format off */
OPERATOR(void *, _Znwm, (size_t size), (size), serve(size, ZK_GRANULE, true, ZK_CALLER))
OPERATOR(void *, _Znam, (size_t size), (size), serve(size, ZK_GRANULE, true, ZK_CALLER))
OPERATOR(void *, _ZnwmSt11align_val_t, (size_t size, size_t align), (size, align), serve(size, align, true, ZK_CALLER))
OPERATOR(void *, _ZnamSt11align_val_t, (size_t size, size_t align), (size, align), serve(size, align, true, ZK_CALLER))
OPERATOR(void *, _ZnwmRKSt9nothrow_t, (size_t size, const void *tag), (size, tag), serve(size, ZK_GRANULE, false, ZK_CALLER))
OPERATOR(void *, _ZnamRKSt9nothrow_t, (size_t size, const void *tag), (size, tag), serve(size, ZK_GRANULE, false, ZK_CALLER))
OPERATOR(void *, _ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *tag), (size, align, tag), serve(size, align, false, ZK_CALLER))
OPERATOR(void *, _ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t align, const void *tag), (size, align, tag), serve(size, align, false, ZK_CALLER))

OPERATOR(void, _ZdlPv, (void *p), (p), zk_free(p))
OPERATOR(void, _ZdaPv, (void *p), (p), zk_free(p))
OPERATOR(void, _ZdlPvm, (void *p, size_t size), (p, size), zk_free_sized(p, size))
OPERATOR(void, _ZdaPvm, (void *p, size_t size), (p, size), zk_free_sized(p, size))
OPERATOR(void, _ZdlPvRKSt9nothrow_t, (void *p, const void *tag), (p, tag), zk_free(p))
OPERATOR(void, _ZdaPvRKSt9nothrow_t, (void *p, const void *tag), (p, tag), zk_free(p))
OPERATOR(void, _ZdlPvSt11align_val_t, (void *p, size_t align), (p, align), zk_free(p))
OPERATOR(void, _ZdaPvSt11align_val_t, (void *p, size_t align), (p, align), zk_free(p))
OPERATOR(void, _ZdlPvmSt11align_val_t, (void *p, size_t size, size_t align), (p, size, align), zk_free(p))
OPERATOR(void, _ZdaPvmSt11align_val_t, (void *p, size_t size, size_t align), (p, size, align), zk_free(p))
OPERATOR(void, _ZdlPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t align, const void *tag), (p, align, tag), zk_free(p))
OPERATOR(void, _ZdaPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t align, const void *tag), (p, align, tag), zk_free(p))
/* clang-format on */
