/*
 * zk_locate.c - finds the functions at which phases are to begin, for zk-audit and zk-trial, before
 * they run the program. Prints one line for each FUNCTION, in the form that ZK_ALLOC_BEGIN_AT
 * takes. If there is no such function, or more than one, it prints one line on stderr and exits
 * with 2.
 */
#include "locate.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *caller = "zk-locate"; /* whose name is before a complaint */
static const char usage[] =
    "usage: zk-locate [--as NAME] PROGRAM FUNCTION...\n       zk-locate --help | --version";

void refuse(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "%s: ", caller);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

void *need(void *p)
{
    if (p != NULL)
        return p;
    fprintf(stderr, "%s: out of memory\n", caller);
    exit(3);
}

static struct wanted parse(const char *text)
{
    struct wanted wanted = {.name = need(strdup(text)), .text = text};
    char *at = strrchr(wanted.name, '@');

    if (at != NULL) {
        *at = '\0';
        wanted.module = at + 1;
    }
    if (*wanted.name == '\0' || (at != NULL && at[1] == '\0'))
        refuse("%s: want FUNCTION, FILE:LINE, or either with @MODULE", text);
    return wanted;
}

/* The line, if name is FILE:LINE, else 0; *colon is the position of the colon. */
static int line_of(const char *name, size_t *colon)
{
    const char *at = strrchr(name, ':');

    if (at == NULL || at == name || at[-1] == ':' || !isdigit((unsigned char)at[1]) ||
        at[1 + strspn(at + 1, "0123456789")] != '\0' || strlen(at) > 9)
        return 0;
    *colon = (size_t)(at - name);
    return atoi(at + 1);
}

static void find_symbols(const struct wanted *wanted, const struct modules *modules,
                         struct places *places)
{
    for (size_t i = 0; i < modules->count; i++) {
        const struct module *module = &modules->at[i];
        int symbols = module->dwfl == NULL || !in_module(wanted, module)
                          ? 0
                          : dwfl_module_getsymtab(module->dwfl);

        for (int j = 0; j < symbols; j++) {
            GElf_Sym symbol;
            GElf_Addr address;
            const char *name =
                dwfl_module_getsym_info(module->dwfl, j, &symbol, &address, NULL, NULL, NULL);
            enum zk_match match;

            if (name == NULL || GELF_ST_TYPE(symbol.st_info) != STT_FUNC ||
                symbol.st_shndx == SHN_UNDEF)
                continue;
            match = match_symbol(name, wanted->name);
            if (match != ZK_MATCH_NONE)
                places_add(places, match, module, address, name);
        }
    }
}

static bool has_module(const struct wanted *wanted, const struct modules *modules)
{
    for (size_t i = 0; i < modules->count; i++)
        if (in_module(wanted, &modules->at[i]))
            return true;
    return false;
}

/* Without the path before its last name, as of crate::prove, which may be my_prover::prove; false if
 * it has none. */
static bool without_path(const struct wanted *wanted, struct wanted *last)
{
    const char *path_end = wanted->name + strcspn(wanted->name, "(<");

    *last = *wanted;
    for (char *at = strstr(last->name, "::"); at != NULL && at < path_end;
         at = strstr(last->name, "::"))
        last->name = at + 2;
    return last->name != wanted->name && *last->name != '\0';
}

static void refuse_inlined(const struct wanted *wanted, const struct modules *modules)
{
    struct places callers = {0};

    find_inlined(wanted, modules, &callers);
    if (callers.count > 0)
        refuse("%s: inlined everywhere: there is nothing to enter; it lies in %s: name that, or "
               "compile it with __attribute__((noinline)) or #[inline(never)]",
               wanted->text, places_names(&callers));
}

static void refuse_missing(const struct wanted *wanted, const struct modules *modules)
{
    struct places elsewhere = {0};
    struct wanted last;

    refuse_inlined(wanted, modules);
    if (without_path(wanted, &last)) {
        find_symbols(&last, modules, &elsewhere);
        if (elsewhere.count > 0 && elsewhere.best > ZK_MATCH_PART)
            refuse("%s: no such function in %s; there is %s", wanted->text, modules->at[0].path,
                   places_names(&elsewhere));
        refuse_inlined(&last, modules);
    }
    refuse("%s: no such function in %s%s: try a part of its name, FILE:LINE, or a build that is "
           "not stripped",
           wanted->text, modules->at[0].path, wanted->module == NULL ? " or its libraries" : "");
}

static void refuse_ambiguous(const struct wanted *wanted, const struct places *places)
{
    refuse("%s: may be any of %zu functions: %s: name one", wanted->text, places->count,
           places_names(places));
}

static void look_at_line(const struct wanted *wanted, size_t colon, int line,
                         const struct modules *modules, struct places *places)
{
    char *file = need(strndup(wanted->name, colon));
    int next;

    find_line(wanted, file, line, modules, places, &next);
    if (places->count == 0 && next > 0)
        refuse("%s: no code is of this line; the next that has some is %s:%d", wanted->text, file,
               next);
    if (places->count == 0)
        refuse("%s: no code is of such a file: is the program built with -g, and is the file one "
               "of its own?",
               wanted->text);
    free(file);
}

static void locate(const char *text, const struct modules *modules)
{
    struct wanted wanted = parse(text);
    struct places places = {0};
    size_t colon = 0;
    int line = line_of(wanted.name, &colon);

    if (wanted.module != NULL && !has_module(&wanted, modules)) {
        puts(text); /* in a library that is opened later */
    } else {
        if (line > 0)
            look_at_line(&wanted, colon, line, modules, &places);
        else
            find_symbols(&wanted, modules, &places);
        if (places.count == 0)
            refuse_missing(&wanted, modules);
        if (places.count > 1)
            refuse_ambiguous(&wanted, &places);
        printf("%s+0x%llx\n", places.at[0].module->path, (unsigned long long)places.at[0].address);
    }
    places_free(&places);
    free(wanted.name);
}

int main(int argc, char **argv)
{
    struct modules modules;
    char *path;

    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("zk-locate " ZK_VERSION) == EOF || fflush(stdout) != 0 ? 3 : 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts(usage) == EOF || fflush(stdout) != 0 ? 3 : 0;
    if (argc > 2 && strcmp(argv[1], "--as") == 0) {
        caller = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc < 3) {
        fprintf(stderr, "%s\n", usage);
        return 2;
    }
    path = program_path(argv[1]);
    if (!is_binary(path)) {
        for (int i = 2; i < argc; i++)
            printf("?%s\n", argv[i]);
        free(path);
        return fflush(stdout) != 0 ? 3 : 0;
    }
    modules = modules_open(path);
    for (int i = 2; i < argc; i++)
        locate(argv[i], &modules);
    modules_close(&modules);
    free(path);
    return fflush(stdout) != 0 ? 3 : 0;
}
