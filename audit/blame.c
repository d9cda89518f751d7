/*
 * blame.c - who owns the code of a scope, and which scope stands for a stack: the innermost one
 * that the reader can change.
 *
 * The folder of a source file tells, since compilers, systems and package managers use the same
 * folders everywhere. Where no file is known, the function's name tells, and the folder of the
 * program or library.
 */
#include "audit.h"
#include "traces.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char **at;
    size_t count;
} skipped;

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t length = strlen(text);

    return length >= strlen(with) && strcmp(text + length - strlen(with), with) == 0;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool any(bool (*matches)(const char *text, const char *with), const char *text,
                const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (matches(text, list[i]))
            return true;
    return false;
}

static bool contains(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

static bool is(const char *text, const char *what)
{
    return strcmp(text, what) == 0;
}

/* ---- Files */

static bool is_runtime_file(const char *file)
{
    static const char *const from[] = {
        "/rustc/",      "/rust/deps/",       "/usr/src/rustc", "library/alloc/", "library/core/",
        "library/std/", "/usr/include/c++/", "/usr/lib/gcc/",  "/usr/lib/llvm-", "/usr/src/glibc"};
    static const char *const within[] = {"/lib/rustlib/", "/include/c++/", "/lib/gcc/",
                                         "/lib/clang/", "/libstdc++-v3/"};

    if (any(begins, file, from, COUNT(from)) || any(contains, file, within, COUNT(within)))
        return true;
    return begins(file, "/usr/include/") && (contains(file, "/bits/") || contains(file, "/sys/"));
}

static bool is_package_file(const char *file)
{
    static const char *const from[] = {"/usr/include/", "/usr/local/include/", "/nix/store/"};
    static const char *const within[] = {"/.cargo/",          "/cargo/registry/", "/go/pkg/mod/",
                                         "/.conan/",          "/.conan2/",        "/vcpkg/",
                                         "/vcpkg_installed/", "/_deps/"};
    const char *home = getenv("CARGO_HOME");

    return any(begins, file, from, COUNT(from)) || any(contains, file, within, COUNT(within)) ||
           (home != NULL && *home != '\0' && begins(file, home));
}

/* ---- Programs and libraries */

static bool is_runtime_object(const char *path)
{
    static const char *const names[] = {"libc.so",     "libc-",      "ld-linux", "ld-2",
                                        "libpthread",  "libstdc++",  "libasan",  "libtsan",
                                        "libzkalloc-", "libm.so",    "libgcc_s", "libc++",
                                        "libclang_rt", "linux-vdso", "libubsan"};

    return any(begins, base_name(path), names, COUNT(names));
}

static bool is_system_library(const char *path)
{
    static const char *const folders[] = {"/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/"};

    return any(begins, path, folders, COUNT(folders)) && contains(base_name(path), ".so");
}

/* ---- Functions */

static bool is_runtime_function(const char *function)
{
    static const char *const from[] = {
        "std::",        "core::",     "alloc::",      "hashbrown::", "<std::",   "<core::",
        "<alloc::",     "<&",         "__gnu_cxx:",   "__",          "_Unwind_", "_IO_",
        "_dl_",         "_start",     "start_thread", "clone",       "rust_",    "operator new",
        "std_detect::", "void std::", "<hashbrown::"};

    return any(begins, function, from, COUNT(from));
}

/* Does every allocation of a language, or of a program that has such a function, go through it? */
static bool is_allocator(const char *function)
{
    static const char *const names[] = {
        "operator new",  "operator new[]", "xmalloc",        "xcalloc",
        "xrealloc",      "xzalloc",        "xstrdup",        "xstrndup",
        "xmemdup",       "xmallocarray",   "xreallocarray",  "xcharalloc",
        "x2realloc",     "x2nrealloc",     "xnmalloc",       "xnrealloc",
        "CRYPTO_malloc", "CRYPTO_zalloc",  "CRYPTO_realloc", "CRYPTO_clear_realloc",
        "CRYPTO_strdup", "CRYPTO_strndup", "CRYPTO_memdup",  "OPENSSL_malloc",
        "g_malloc",      "g_malloc0",      "g_malloc_n",     "g_malloc0_n",
        "g_realloc",     "g_realloc_n",    "g_try_malloc",   "g_try_realloc",
        "g_strdup",      "g_strndup",      "g_memdup",       "g_memdup2",
        "g_slice_alloc", "g_slice_alloc0"};
    static const char *const within[] = {"__rust_alloc", "__rust_realloc", "__rg_",
                                         "__rdl_",       "GlobalAlloc>::", "GlobalAlloc for "};

    return any(is, function, names, COUNT(names)) || any(contains, function, within, COUNT(within));
}

/* Does the function have the usual name of a wrapper of malloc? */
static bool is_wrapper(const char *function)
{
    static const char *const plain[] = {
        "malloc",  "calloc",   "realloc",   "zalloc",       "strdup",   "strndup",      "memdup",
        "malloc0", "malloc_n", "realloc_n", "reallocarray", "memalign", "aligned_alloc"};

    if (contains(function, "::"))
        return ends(function, "::allocate") || contains(function, "::operator new");
    return any(ends, function, plain, COUNT(plain));
}

/* The functions around main and around a thread's function, which nobody can change. */
static bool is_boilerplate(const char *function)
{
    static const char *const from[] = {"_start",       "__libc_",
                                       "start_thread", "clone",
                                       "__clone",      "std::rt::",
                                       "std::panic",   "std::thread",
                                       "std::sys",     "core::ops::function",
                                       "<core::panic", "<alloc::boxed::Box<",
                                       "__rust_",      "lang_start",
                                       "call_once",    "do_call",
                                       "catch_unwind", "__rustc",
                                       "thread_start"};

    return any(begins, function, from, COUNT(from)) ||
           contains(function, "core::ops::function::Fn");
}

/* ---- What the user asked to skip */

void blame_skip(const char *glob)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file;

    if (glob[0] != '@') {
        skipped.at = grow(skipped.at, skipped.count, sizeof *skipped.at);
        skipped.at[skipped.count++] = need(strdup(glob));
        return;
    }
    file = fopen(glob + 1, "re");
    if (file == NULL)
        die(2, "--skip %s: %s: want a file with a pattern in each line", glob, strerror(errno));
    while (getline(&line, &room, file) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (*line != '\0' && *line != '#' && *line != '@')
            blame_skip(line);
    }
    free(line);
    fclose(file);
}

static bool is_skipped(const struct scope *scope)
{
    for (size_t i = 0; i < skipped.count; i++)
        if (fnmatch(skipped.at[i], scope->function, 0) == 0 ||
            fnmatch(skipped.at[i], scope->file, 0) == 0 ||
            fnmatch(skipped.at[i], base_name(scope->file), 0) == 0)
            return true;
    return false;
}

/* ---- Judging */

static enum owner owner_of(const struct object *object, const struct scope *scope)
{
    if (is_skipped(scope))
        return OWNER_LIBRARY;
    if (is_runtime_object(object->path))
        return OWNER_RUNTIME;
    if (known(scope->file)) {
        if (is_runtime_file(scope->file))
            return OWNER_RUNTIME;
        if (is_package_file(scope->file))
            return OWNER_LIBRARY;
    } else if (is_runtime_function(scope->function)) {
        return OWNER_RUNTIME;
    }
    return is_system_library(object->path) ? OWNER_LIBRARY : OWNER_USER;
}

void blame_judge(const struct object *object, struct scope *scope)
{
    scope->allocates = is_allocator(scope->function);
    scope->owner = owner_of(object, scope);
    if (scope->owner == OWNER_USER && (scope->allocates || is_wrapper(scope->function)))
        scope->owner = OWNER_LIBRARY;
}

/* The scopes of a stack in one row, innermost first, without those that belong to the allocator. */
struct row {
    struct step {
        const struct scope *scope;
        const struct frame *frame;
    } * at;
    size_t count;
};

static struct row lay_out(uint32_t number)
{
    static struct row row; /* reused for each stack */
    struct trace trace = trace_at(number);

    row.count = 0;
    for (uint32_t i = 0; i < trace.count; i++) {
        const struct frame *frame = frame_at(trace.frames[i]);

        for (uint32_t s = 0; s < frame->scope_count; s++) {
            if (frame->scopes[s].allocates)
                row.count = 0; /* drops this one and all that it calls */
            else {
                row.at = grow(row.at, row.count, sizeof *row.at);
                row.at[row.count++] = (struct step){&frame->scopes[s], frame};
            }
        }
    }
    return row;
}

static bool is_users_file(const struct scope *scope)
{
    return scope->owner == OWNER_USER && known(scope->file);
}

static bool is_users_name(const struct scope *scope)
{
    return scope->owner == OWNER_USER && known(scope->function);
}

static bool is_librarys(const struct scope *scope)
{
    return scope->owner == OWNER_LIBRARY && known(scope->function) &&
           !is_boilerplate(scope->function);
}

static bool is_anybodys(const struct scope *scope)
{
    return known(scope->function) && !is_boilerplate(scope->function);
}

const struct scope *blame(uint32_t trace, const struct frame **frame)
{
    static bool (*const innermost[])(const struct scope *) = {is_users_file, is_users_name};
    static bool (*const outermost[])(const struct scope *) = {is_librarys, is_anybodys};
    struct row row = lay_out(trace);
    size_t i;

    *frame = NULL;
    for (size_t rule = 0; rule < COUNT(innermost); rule++) {
        for (i = 0; i < row.count && !innermost[rule](row.at[i].scope); i++)
            continue;
        if (i < row.count)
            return *frame = row.at[i].frame, row.at[i].scope;
    }
    for (size_t rule = 0; rule < COUNT(outermost); rule++) {
        for (i = row.count; i > 0 && !outermost[rule](row.at[i - 1].scope); i--)
            continue;
        if (i > 0)
            return *frame = row.at[i - 1].frame, row.at[i - 1].scope;
    }
    if (trace == 0)
        return NULL;
    *frame = frame_at(trace_at(trace).frames[0]);
    return &(*frame)->scopes[0];
}
