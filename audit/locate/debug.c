/*
 * debug.c - what only debug information has: source lines and inlined functions.
 */
#include "locate.h"

#include <dwarf.h>
#include <string.h>

enum { DEPTH_MAX = 256 };

/* One walk through the functions of a module. */
struct walk {
    const struct wanted *wanted;
    const struct module *module;
    struct places *callers;
    Dwarf_Addr bias;
};

static const char *linkage_name(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;

    if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) == NULL &&
        dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute) == NULL)
        return NULL;
    return dwarf_formstring(&attribute);
}

static bool has_name(Dwarf_Die *die, const char *wanted)
{
    const char *symbol = linkage_name(die);
    const char *name = symbol != NULL ? symbol : dwarf_diename(die);

    return name != NULL && match_symbol(name, wanted) >= ZK_MATCH_END;
}

/* Visits a function that has code of its own. */
static void look_inside(const struct walk *walk, Dwarf_Die *die, Dwarf_Addr address,
                        const char *caller, int depth)
{
    Dwarf_Die child;

    if (depth == DEPTH_MAX || dwarf_child(die, &child) != 0)
        return;
    do {
        int tag = dwarf_tag(&child);
        const char *inside = caller;
        Dwarf_Addr start = address;

        if (tag == DW_TAG_subprogram) {
            const char *name = linkage_name(&child);

            inside = name != NULL ? name : dwarf_diename(&child);
            if (dwarf_lowpc(&child, &start) != 0)
                inside = NULL;
        }
        if (tag == DW_TAG_inlined_subroutine && inside != NULL &&
            has_name(&child, walk->wanted->name))
            places_add(walk->callers, ZK_MATCH_WHOLE, walk->module, start, inside);
        look_inside(walk, &child, start, inside, depth + 1);
    } while (dwarf_siblingof(&child, &child) == 0);
}

void find_inlined(const struct wanted *wanted, const struct modules *modules,
                  struct places *callers)
{
    for (size_t i = 0; i < modules->count; i++) {
        struct walk walk = {.wanted = wanted, .module = &modules->at[i], .callers = callers};
        Dwarf_Die *unit = NULL;

        if (walk.module->dwfl == NULL || !in_module(wanted, walk.module))
            continue;
        while ((unit = dwfl_module_nextcu(walk.module->dwfl, unit, &walk.bias)) != NULL)
            look_inside(&walk, unit, 0, NULL, 0);
    }
}

static bool is_file(const char *path, const char *wanted)
{
    size_t length = strlen(path);
    size_t end = strlen(wanted);

    return length >= end && strcmp(path + length - end, wanted) == 0 &&
           (length == end || path[length - end - 1] == '/');
}

/* A search for the first address of a line in each function. */
struct line_search {
    const struct module *module;
    const char *file;
    int line;
    struct places *places;
    int *next;
    const char *last; /* the function of the last place found */
};

static void look_at_line(struct line_search *search, Dwarf_Line *line, Dwarf_Addr bias)
{
    const char *path = dwarf_linesrc(line, NULL, NULL);
    const char *function;
    Dwarf_Addr address;
    bool is_end = false;
    bool starts = false;
    int number = 0;

    if (path == NULL || !is_file(path, search->file) || dwarf_lineno(line, &number) != 0 ||
        dwarf_lineendsequence(line, &is_end) != 0 || is_end ||
        dwarf_linebeginstatement(line, &starts) != 0 || !starts ||
        dwarf_lineaddr(line, &address) != 0 || number == 0)
        return;
    if (number > search->line && (*search->next == 0 || number < *search->next))
        *search->next = number;
    if (number != search->line)
        return;
    function = dwfl_module_addrname(search->module->dwfl, address + bias);
    if (function == NULL || strstr(function, ".cold") != NULL)
        return;
    for (size_t i = 0; i < search->places->count; i++) {
        struct place *place = &search->places->at[i];

        if (place->module == search->module &&
            dwfl_module_addrname(search->module->dwfl, place->address) == function) {
            if (address + bias < place->address)
                place->address = address + bias;
            return;
        }
    }
    places_add(search->places, ZK_MATCH_WHOLE, search->module, address + bias, function);
}

void find_line(const struct wanted *wanted, const char *file, int line,
               const struct modules *modules, struct places *places, int *next)
{
    *next = 0;
    for (size_t i = 0; i < modules->count; i++) {
        struct line_search search = {
            .module = &modules->at[i], .file = file, .line = line, .places = places, .next = next};
        Dwarf_Die *unit = NULL;
        Dwarf_Addr bias;

        if (search.module->dwfl == NULL || !in_module(wanted, search.module))
            continue;
        while ((unit = dwfl_module_nextcu(search.module->dwfl, unit, &bias)) != NULL) {
            Dwarf_Lines *lines;
            size_t count;

            if (dwarf_getsrclines(unit, &lines, &count) != 0)
                continue;
            for (size_t j = 0; j < count; j++)
                look_at_line(&search, dwarf_onesrcline(lines, j), bias);
        }
    }
}
