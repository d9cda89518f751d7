/*
 * symbols.c - asks libdw, if it is installed: it finds the symbol table wherever a distribution
 * puts it. It is opened with dlopen when needed, so that zk-audit does not depend on it.
 */
#include "symbols.h"

#include <stddef.h>

#if defined __has_include
#if __has_include(<elfutils/libdwfl.h>)
#define HAVE_LIBDW 1
#endif
#endif

#if HAVE_LIBDW

#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The most files kept open: the first frames of a program's sites are in few files. */
enum { files_max = 64 };

struct file {
    char *path;
    Dwfl *session; /* NULL if it could not be read */
    Dwfl_Module *module;
};

static struct {
    bool tried;
    bool there;
    __typeof__(dwfl_begin) *begin;
    __typeof__(dwfl_end) *end;
    __typeof__(dwfl_report_begin) *report_begin;
    __typeof__(dwfl_report_end) *report_end;
    __typeof__(dwfl_report_elf) *report_elf;
    __typeof__(dwfl_build_id_find_elf) *find_elf;
    __typeof__(dwfl_standard_find_debuginfo) *find_debuginfo;
    __typeof__(dwfl_module_addrname) *addrname;
    struct file files[files_max];
    size_t file_count;
} dw;

static void *find(void *library, const char *name)
{
    void *address = dlsym(library, name);

    dw.there = dw.there && address != NULL;
    return address;
}

static bool open_library(void)
{
    void *library;

    if (dw.tried)
        return dw.there;
    dw.tried = true;
    library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return false;
    dw.there = true;
    dw.begin = find(library, "dwfl_begin");
    dw.end = find(library, "dwfl_end");
    dw.report_begin = find(library, "dwfl_report_begin");
    dw.report_end = find(library, "dwfl_report_end");
    dw.report_elf = find(library, "dwfl_report_elf");
    dw.find_elf = find(library, "dwfl_build_id_find_elf");
    dw.find_debuginfo = find(library, "dwfl_standard_find_debuginfo");
    dw.addrname = find(library, "dwfl_module_addrname");
    return dw.there;
}

static void close_file(struct file *file)
{
    if (file->session != NULL)
        dw.end(file->session);
    free(file->path);
    *file = (struct file){0};
}

static void open_file(struct file *file, const char *path)
{
    static char debug_folders[] = ""; /* beside the file, or where the distribution puts them */
    static char *debug_path = debug_folders;
    static Dwfl_Callbacks callbacks;

    callbacks.find_elf = dw.find_elf;
    callbacks.find_debuginfo = dw.find_debuginfo;
    callbacks.debuginfo_path = &debug_path;
    file->path = strdup(path);
    file->session = dw.begin(&callbacks);
    if (file->session == NULL)
        return;
    dw.report_begin(file->session);
    file->module = dw.report_elf(file->session, path, path, -1, 0, true);
    dw.report_end(file->session, NULL, NULL);
    if (file->module != NULL)
        return;
    dw.end(file->session);
    file->session = NULL;
}

static struct file *file_at(const char *path)
{
    for (size_t i = 0; i < dw.file_count; i++)
        if (dw.files[i].path != NULL && strcmp(dw.files[i].path, path) == 0)
            return &dw.files[i];
    if (dw.file_count == files_max)
        symbols_close();
    open_file(&dw.files[dw.file_count], path);
    return &dw.files[dw.file_count++];
}

const char *symbol_find(const char *path, uint64_t offset)
{
    const struct file *file;

    if (!open_library())
        return NULL;
    file = file_at(path);
    return file->module == NULL ? NULL : dw.addrname(file->module, offset);
}

void symbols_close(void)
{
    for (size_t i = 0; i < dw.file_count; i++)
        close_file(&dw.files[i]);
    dw.file_count = 0;
}

#else

const char *symbol_find(const char *path, uint64_t offset)
{
    (void)path;
    (void)offset;
    return NULL;
}

void symbols_close(void)
{
}

#endif
