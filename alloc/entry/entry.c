/*
 * entry.c - finds the functions in the files' symbol tables, and sets the breakpoints. When the loader opens a library
 * later, it calls a function of its own for debuggers, before any constructor runs: we have a breakpoint there, too.
 */
#include "entry.h"
#include "elf_file.h"
#include "names.h"
#include "os.h"
#include "sigtrap.h"

#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WANTED_MAX = 32, SHOWN_MAX = 6, TEXT_MAX = 4096 };

/* A function that was asked for. */
struct wanted {
    const struct zk_entry *entry;
    const char *name;
    const char *module; /* or NULL */
    bool lenient;
    bool is_address; /* name is a path, and offset an address in that file */
    uintptr_t offset;
    bool found;
    bool given_up;             /* cannot be set, and stderr says why */
    char place[PATH_MAX + 24]; /* FILE+0xOFFSET, for child processes */
    uintptr_t low, high;       /* bounds of the object */
};

static struct {
    struct wanted at[WANTED_MAX];
    size_t count;
    char text[TEXT_MAX * 2]; /* storage for the names */
    size_t used;
    bool started; /* the program is running */
} list;

/* A function cannot have a breakpoint: before the program runs, that ends the process; later, it goes on
 * without. */
__attribute__((format(printf, 1, 2))) static void refuse(const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    zk_os_say("%s", line);
    if (!list.started)
        _exit(2);
}

/* ---- The lists ---- */

/* Up to the next separator. */
static size_t length_of_item(const char *text)
{
    int open = 0;
    size_t i = 0;

    for (; text[i] != '\0' && text[i] != '\n'; i++) {
        if (strchr("([{<", text[i]) != NULL)
            open++;
        else if (strchr(")]}>", text[i]) != NULL)
            open--;
        else if (text[i] == ',' && open <= 0)
            break;
    }
    return i;
}

/* FILE+0xOFFSET */
static void look_for_offset(struct wanted *wanted, char *text)
{
    char *plus = strrchr(text, '+');
    char *end;
    unsigned long long offset;

    if (*text != '/' || plus == NULL || strncmp(plus, "+0x", 3) != 0)
        return;
    offset = strtoull(plus + 1, &end, 16);
    if (*end != '\0' || end == plus + 3)
        return;
    *plus = '\0';
    wanted->is_address = true;
    wanted->offset = offset;
}

static void add(const struct zk_entry *entry, const char *from, size_t length)
{
    struct wanted *wanted = &list.at[list.count];
    char *text = list.text + list.used;
    char *module;

    if (list.count == WANTED_MAX || list.used + length + 1 > sizeof list.text)
        refuse("%s names more functions than there is room for: name fewer", entry->variable);
    memcpy(text, from, length);
    text[length] = '\0';
    list.used += length + 1;
    wanted->entry = entry;
    wanted->lenient = *text == '?';
    wanted->name = text + wanted->lenient;
    look_for_offset(wanted, text);
    module = wanted->is_address ? NULL : strrchr(text, '@');
    if (module != NULL) {
        *module = '\0';
        wanted->module = module + 1;
    }
    if (*wanted->name == '\0' || (module != NULL && *wanted->module == '\0'))
        refuse("%s: want FUNCTION, FUNCTION@MODULE or FILE+0xOFFSET, not \"%.*s\"", entry->variable,
               (int)length, from);
    list.count++;
}

static void read_list(const struct zk_entry *entry)
{
    const char *text = getenv(entry->variable);

    while (text != NULL && *text != '\0') {
        size_t length = length_of_item(text);

        add(entry, text, length);
        text += length;
        text += *text != '\0';
    }
}

/* ---- What is loaded ---- */

struct object {
    const struct link_map *map;
    char path[PATH_MAX];
    bool is_program;
};

static bool describe(const struct link_map *map, struct object *out)
{
    ssize_t length;

    out->map = map;
    out->is_program = map == _r_debug.r_map;
    if (!out->is_program) {
        snprintf(out->path, sizeof out->path, "%s", map->l_name);
        return *out->path != '\0';
    }
    length = readlink("/proc/self/exe", out->path, sizeof out->path - 1);
    out->path[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Is it our own library, or the loader, whose symbols are not searched? */
static bool is_excluded(const struct object *object)
{
    static const int here;
    const ElfW(Ehdr) *loader = (const void *)getauxval(AT_BASE);
    struct link_map *ours = NULL;
    Dl_info info;

    if (dladdr1(&here, &info, (void **)&ours, RTLD_DL_LINKMAP) != 0 && object->map == ours)
        return true;
    return loader != NULL && object->map->l_addr == (ElfW(Addr))loader;
}

static bool is_in_module(const struct wanted *wanted, const struct object *object)
{
    if (wanted->module == NULL)
        return true;
    return strcmp(wanted->module, object->path) == 0 ||
           strstr(base_name(object->path), wanted->module) != NULL;
}

/* ---- Finding ---- */

/* The best matches so far, at most one for each address. */
struct search {
    const struct wanted *wanted;
    const struct object *object;
    enum zk_match best;
    bool in_program;
    unsigned count;
    char shown[SHOWN_MAX][200];
    char path[PATH_MAX];
    const struct link_map *map;
    uintptr_t address; /* without the load bias */
    uintptr_t others[SHOWN_MAX];
};

static bool is_counted(const struct search *search, uintptr_t address)
{
    for (unsigned i = 0; i < search->count && i < SHOWN_MAX; i++)
        if (search->others[i] == address + search->object->map->l_addr)
            return true;
    return false;
}

static void visit(void *arg, const char *symbol, uintptr_t address)
{
    struct search *search = arg;
    enum zk_match match = zk_name_match(symbol, search->wanted->name);
    bool program = search->object->is_program;

    if (match == ZK_MATCH_NONE || match < search->best ||
        (match == search->best && search->in_program && !program))
        return;
    if (match > search->best) {
        search->best = match;
        search->in_program = program;
        search->count = 0;
    }
    if (is_counted(search, address))
        return;
    if (search->count < SHOWN_MAX) {
        snprintf(search->shown[search->count], sizeof *search->shown, "%.150s@%.40s", symbol,
                 base_name(search->object->path));
        search->others[search->count] = address + search->object->map->l_addr;
    }
    search->count++;
    search->address = address;
    search->map = search->object->map;
    memcpy(search->path, search->object->path, sizeof search->path);
}

static void refuse_ambiguous(const struct search *search)
{
    char names[800] = "";
    size_t length = 0;

    for (unsigned i = 0; i < search->count && i < SHOWN_MAX && length < sizeof names; i++)
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s",
                                   i == 0 ? "" : ", ", search->shown[i]);
    refuse("%s: %s may be any of %u functions: %.390s%s: name one", search->wanted->entry->variable,
           search->wanted->name, search->count, names, search->count > SHOWN_MAX ? ", ..." : "");
}

static bool find_symbol(const struct wanted *wanted, const struct link_map *first,
                        struct search *search)
{
    static struct object object;

    *search = (struct search){.wanted = wanted, .object = &object};
    for (const struct link_map *map = first; map != NULL; map = map->l_next) {
        struct zk_elf elf;

        if (!describe(map, &object) || is_excluded(&object) || !is_in_module(wanted, &object) ||
            !zk_elf_open(&elf, object.path))
            continue;
        zk_elf_functions(&elf, visit, search);
        zk_elf_close(&elf);
    }
    if (search->count > 1)
        refuse_ambiguous(search);
    return search->count == 1;
}

static bool is_same_file(const char *one, const char *other)
{
    struct stat first;
    struct stat second;

    return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static bool find_address(const struct wanted *wanted, const struct link_map *first,
                         struct search *search)
{
    static struct object object;
    for (const struct link_map *map = first; map != NULL; map = map->l_next) {
        if (!describe(map, &object))
            continue;
        if (strcmp(object.path, wanted->name) != 0 && !is_same_file(object.path, wanted->name))
            continue;
        search->map = map;
        search->address = wanted->offset;
        memcpy(search->path, object.path, sizeof search->path);
        return true;
    }
    return false;
}

/* ---- Setting ---- */

/* Checks that the text in memory is what the file says, but for breakpoints of functions that begin
 * within it: otherwise the file is not the one that was loaded. */
static const char *check_text(const struct zk_elf *elf, const struct search *search,
                              struct zk_place *place)
{
    size_t bytes;
    const unsigned char *code = zk_elf_text(elf, search->address, &bytes, &place->protection);

    if (code == NULL || bytes < 4)
        return "nothing that is executed lies there";
    for (unsigned i = 0; i < 4; i++)
        if (code[i] != ((const unsigned char *)place->address)[i] &&
            !zk_breakpoint_is_set(place->address + i))
            return "its text is not the file's: has the file changed, or a debugger set a "
                   "breakpoint?";
    return NULL;
}

static const char *set(struct wanted *wanted, const struct search *search)
{
    struct zk_place place = {.address = search->map->l_addr + search->address};
    struct zk_elf elf;
    struct zk_elf_bounds bounds;
    const char *wrong;

    if (!zk_elf_open(&elf, search->path))
        return "its file cannot be read";
    bounds = zk_elf_bounds(&elf);
    place.low = wanted->low = search->map->l_addr + bounds.start;
    place.high = wanted->high = search->map->l_addr + bounds.end;
    wrong = zk_breakpoint_is_set(place.address) ? NULL : check_text(&elf, search, &place);
    if (wrong == NULL)
        wrong = zk_breakpoint_set(&place, wanted->entry->reached, NULL);
    zk_elf_close(&elf);
    return wrong;
}

static struct search search; /* too large for the stack of a handler; one thread at a time */

static void look(struct wanted *wanted)
{
    const struct link_map *first = _r_debug.r_map;
    const char *wrong;

    if (wanted->given_up || (wanted->is_address ? !find_address(wanted, first, &search)
                                                : !find_symbol(wanted, first, &search)))
        return;
    wrong = set(wanted, &search);
    wanted->given_up = wrong != NULL;
    if (wrong != NULL) {
        refuse("%s: %s in %s: %s: choose another function", wanted->entry->variable, wanted->name,
               search.path, wrong);
        return;
    }
    wanted->found = true;
    snprintf(wanted->place, sizeof wanted->place, "%s+0x%llx", search.path,
             (unsigned long long)search.address);
}

/* ---- Libraries that come and go ---- */

static bool is_loaded(const struct wanted *wanted)
{
    for (const struct link_map *map = _r_debug.r_map; map != NULL; map = map->l_next)
        if ((uintptr_t)map->l_ld >= wanted->low && (uintptr_t)map->l_ld < wanted->high)
            return true;
    return false;
}

/* The breakpoint in the loader: reached before and after each change, with the loader's lock held. */
static void on_change(void *arg)
{
    (void)arg;
    if (_r_debug.r_state != RT_CONSISTENT)
        return;
    for (size_t i = 0; i < list.count; i++) {
        struct wanted *wanted = &list.at[i];

        if (wanted->found && !is_loaded(wanted)) {
            zk_breakpoints_forget(wanted->low, wanted->high);
            wanted->found = false;
        }
        if (!wanted->found)
            look(wanted);
    }
}

/* Sets the breakpoint in the loader, if some function has not been found yet. */
static void watch(void)
{
    static const struct zk_entry entry = {.reached = on_change};
    static struct object object;
    struct wanted loader = {.entry = &entry};
    const char *wrong = "there is none";
    bool complete = true;

    for (size_t i = 0; i < list.count; i++)
        complete = complete && list.at[i].found;
    if (complete)
        return;
    search = (struct search){.map = _r_debug.r_map};
    while (search.map != NULL && search.map->l_addr != getauxval(AT_BASE))
        search.map = search.map->l_next;
    if (search.map != NULL && describe(search.map, &object)) {
        memcpy(search.path, object.path, sizeof search.path);
        search.address = _r_debug.r_brk - search.map->l_addr;
        wrong = set(&loader, &search);
    }
    if (wrong != NULL)
        zk_os_say(
            "no function will be found in libraries that are opened later: no breakpoint in the loader: %s",
            wrong);
}

/* ---- The start ---- */

static bool module_is_loaded(const struct wanted *wanted)
{
    static struct object object;

    for (const struct link_map *map = _r_debug.r_map; map != NULL; map = map->l_next)
        if (describe(map, &object) && is_in_module(wanted, &object))
            return true;
    return false;
}

/* May it turn up later? */
static bool may_come(const struct wanted *wanted)
{
    return wanted->is_address || wanted->lenient ||
           (wanted->module != NULL && !module_is_loaded(wanted));
}

static int name_for_children(const struct wanted *wanted, char *to, size_t room)
{
    if (wanted->found)
        return snprintf(to, room, "%s\n", wanted->place);
    if (wanted->is_address)
        return snprintf(to, room, "%s+0x%llx\n", wanted->name, (unsigned long long)wanted->offset);
    return snprintf(to, room, "?%s%s%s\n", wanted->name, wanted->module == NULL ? "" : "@",
                    wanted->module == NULL ? "" : wanted->module);
}

static void tell_children(const struct zk_entry *entry)
{
    char value[TEXT_MAX];
    size_t length = 0;

    for (size_t i = 0; i < list.count; i++) {
        if (list.at[i].entry == entry)
            length += (size_t)name_for_children(&list.at[i], value + length, sizeof value - length);
        if (length >= sizeof value)
            return; /* then they search as we did */
    }
    if (length == 0)
        return;
    value[length - 1] = '\0';
    setenv(entry->variable, value, 1);
}

/* FILE:LINE */
static bool is_line(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon != NULL && colon > name && colon[-1] != ':' && colon[1] != '\0' &&
           colon[1 + strspn(colon + 1, "0123456789")] == '\0';
}

void zk_entries_start(const struct zk_entry *entries, size_t count)
{
    if (getauxval(AT_SECURE) != 0) /* setuid: the environment is not to be trusted */
        return;
    for (size_t i = 0; i < count; i++)
        read_list(&entries[i]);
    if (list.count == 0)
        return;
    zk_sigtrap_take();
    for (size_t i = 0; i < list.count; i++) {
        struct wanted *wanted = &list.at[i];

        look(wanted);
        if (wanted->found || may_come(wanted))
            continue;
        if (is_line(wanted->name))
            refuse(
                "%s: %s is a line, which debug information knows and this library does not read: "
                "set what zk-locate PROGRAM %s prints, or run it by zk-audit or zk-trial --begin-at",
                wanted->entry->variable, wanted->name, wanted->name);
        else
            refuse(
                "%s: no function %s in %s: "
                "zk-audit --begin-at looks into debug information, too, and says where it was inlined",
                wanted->entry->variable, wanted->name,
                wanted->module == NULL ? "this program or its libraries" : wanted->module);
    }
    watch();
    for (size_t i = 0; i < count; i++)
        tell_children(&entries[i]);
    list.started = true;
}
