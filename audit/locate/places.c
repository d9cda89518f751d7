/*
 * places.c - names, and the functions that have them.
 */
#include "locate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if HAVE_LIBIBERTY
#include <libiberty/demangle.h>
#endif

enum { NAMES_SHOWN = 6 };

char *demangle(const char *symbol)
{
    char *name = NULL;

#if HAVE_LIBIBERTY
    name = rust_demangle(symbol, 0);
    if (name == NULL)
        name = cplus_demangle_v3(symbol, DMGL_PARAMS | DMGL_ANSI);
#endif
    return name != NULL ? name : need(strdup(symbol));
}

/* Matches a demangled name, with or without its parameters. */
static enum zk_match match_name(const char *name, const char *wanted)
{
    size_t length = strlen(wanted);
    const char *found = strstr(name, wanted);
    const char *after;

    if (found == NULL)
        return ZK_MATCH_NONE;
    after = found + length;
    if (*after != '\0' && *after != '(')
        return ZK_MATCH_PART;
    if (found == name)
        return ZK_MATCH_WHOLE;
    return found - name > 2 && found[-1] == ':' ? ZK_MATCH_END : ZK_MATCH_PART;
}

enum zk_match match_symbol(const char *symbol, const char *name)
{
    enum zk_match match = zk_name_match(symbol, name);
    enum zk_match other;
    char *text;

    if (strstr(symbol, ".cold") != NULL) /* a part of a function that is not its start */
        return ZK_MATCH_NONE;
    if (match == ZK_MATCH_WHOLE || strncmp(symbol, "_", 1) != 0)
        return match;
    text = demangle(symbol);
    other = match_name(text, name);
    free(text);
    return other > match ? other : match;
}

bool in_module(const struct wanted *wanted, const struct module *module)
{
    const char *slash = strrchr(module->path, '/');

    return wanted->module == NULL || strcmp(wanted->module, module->path) == 0 ||
           strstr(slash == NULL ? module->path : slash + 1, wanted->module) != NULL;
}

void places_add(struct places *places, enum zk_match match, const struct module *module,
                uint64_t address, const char *name)
{
    if (match < places->best ||
        (match == places->best && places->in_program && !module->is_program))
        return;
    if (match > places->best)
        places_free(places);
    places->best = match;
    places->in_program = module->is_program;
    for (size_t i = 0; i < places->count; i++)
        if (places->at[i].module == module && places->at[i].address == address)
            return;
    places->at = need(realloc(places->at, (places->count + 1) * sizeof *places->at));
    places->at[places->count++] =
        (struct place){.module = module, .address = address, .name = demangle(name)};
}

void places_free(struct places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free(places->at[i].name);
    free(places->at);
    *places = (struct places){0};
}

char *places_names(const struct places *places)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = need(open_memstream(&text, &length));

    for (size_t i = 0; i < places->count && i < NAMES_SHOWN; i++) {
        const char *name = places->at[i].name;
        bool twice = false;

        for (size_t j = 0; j < places->count; j++)
            twice |= j != i && strcmp(places->at[j].name, name) == 0;
        fprintf(out, "%s%.160s", i == 0 ? "" : ", ", name);
        if (twice) /* copies of one function, such as a generic one: add the address */
            fprintf(out, " at %s+0x%llx", places->at[i].module->path,
                    (unsigned long long)places->at[i].address);
    }
    if (places->count > NAMES_SHOWN)
        fprintf(out, " and %zu more", places->count - NAMES_SHOWN);
    fclose(out);
    return need(text);
}
