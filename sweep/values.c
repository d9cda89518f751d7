/*
 * values.c - the values of the names in a law: the repro's options, the threads, the machine.
 */
#include "sweep.h"

#include "formula.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Are the names equal, if the _ of a formula stands for the - of an option? */
static bool is_name(const char *option, const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (option[i] != name[i] && !(option[i] == '-' && name[i] == '_'))
            return false;
    return option[length] == '\0';
}

/* The value of an option that text stands for: a number, or the index of a word. */
static bool parse_value(const struct repro_option *option, const char *text, unsigned long *value)
{
    const char *word = option->words;

    if (strcmp(word, "-") == 0)
        return parse_number(text, value);
    for (*value = 0;; ++*value) {
        size_t length = strcspn(word, ",");

        if (strlen(text) == length && strncmp(word, text, length) == 0)
            return true;
        if (word[length] == '\0')
            return false;
        word += length + 1;
    }
}

static unsigned long of_system(int name, unsigned long otherwise)
{
    long value = sysconf(name);

    return value > 0 ? (unsigned long)value : otherwise;
}

struct values values_initial(const struct entry *entry)
{
    struct values values = {.entry = entry,
                            .threads = entry->threads,
                            .processors = of_system(_SC_NPROCESSORS_ONLN, 1),
                            .page_bytes = of_system(_SC_PAGESIZE, 4096)};

    for (size_t i = 0; i < entry->option_count; i++)
        values.options[i] = entry->options[i].initial;
    return values;
}

static bool take_one(struct values *values, const char *name, const char *text)
{
    const struct entry *entry = values->entry;

    if (strcmp(name, "threads") == 0)
        return parse_number(text, &values->threads);
    for (size_t i = 0; i < entry->option_count; i++)
        if (strcmp(name, entry->options[i].name) == 0)
            return parse_value(&entry->options[i], text, &values->options[i]);
    return false;
}

void values_take(struct values *values, const char *arguments)
{
    char *copy = need(strdup(arguments));
    char *save;

    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        const char *text = strtok_r(NULL, " ", &save);

        if (strncmp(word, "--", 2) != 0 || text == NULL || !take_one(values, word + 2, text))
            die(3, "%s: its law is to be checked at %s, which are not its options",
                values->entry->slug, arguments);
    }
    free(copy);
}

static unsigned long at_least(const struct repro_option *option, unsigned long value)
{
    return value < option->least ? option->least : value;
}

void values_of_machine(struct values *values, unsigned long processors)
{
    const struct entry *entry = values->entry;

    values->processors = processors;
    values->threads = processors;
    for (size_t i = 0; i < entry->option_count; i++)
        if (strcmp(entry->options[i].counts, "threads") == 0)
            values->options[i] = at_least(&entry->options[i], processors);
}

/* Calls act for each name and its value in asked, "threads=64,spans=200"; name and value are
 * terminated. */
static void each_asked(const char *asked,
                       void (*act)(void *arg, const char *name, const char *value), void *arg)
{
    char *copy = need(strdup(asked));
    char *save;
    bool any = false;

    for (char *word = strtok_r(copy, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save)) {
        char *value = strchr(word, '=');

        if (value == NULL)
            die(2, "--for %s: want names and values, such as threads=64,spans=200", asked);
        *value++ = '\0';
        act(arg, word, value);
        any = true;
    }
    if (!any)
        die(2, "--for %s: want names and values, such as threads=64,spans=200", asked);
    free(copy);
}

static bool names_option(const struct repro_option *option, const char *name)
{
    return is_name(option->counts, name, strlen(name)) || is_name(option->name, name, strlen(name));
}

static unsigned long asked_number(const char *name, const char *text)
{
    unsigned long number;

    if (!parse_number(text, &number) || number == 0)
        die(2, "--for %s=%s: want a number from 1 on", name, text);
    return number;
}

static void take_threads(void *arg, const char *name, const char *text)
{
    if (strcmp(name, "threads") == 0)
        values_of_machine(arg, asked_number(name, text));
}

static void take_asked(void *arg, const char *name, const char *text)
{
    struct values *values = arg;
    const struct entry *entry = values->entry;

    if (strcmp(name, "processors") == 0)
        values->processors = asked_number(name, text);
    else if (strcmp(name, "page_bytes") == 0)
        values->page_bytes = asked_number(name, text);
    for (size_t i = 0; i < entry->option_count && strcmp(name, "threads") != 0; i++) {
        if (!names_option(&entry->options[i], name))
            continue;
        if (!parse_value(&entry->options[i], text, &values->options[i]))
            die(2, "--for %s=%s: want %s", name, text,
                strcmp(entry->options[i].words, "-") == 0 ? "a number" : entry->options[i].words);
        values->options[i] = at_least(&entry->options[i], values->options[i]);
    }
}

void values_asked(struct values *values, const char *asked)
{
    each_asked(asked, take_threads, values);
    each_asked(asked, take_asked, values);
}

static bool is_known(const struct catalogue *catalogue, const char *name)
{
    static const char *const of_machine[] = {"threads", "processors", "page_bytes"};

    for (size_t i = 0; i < sizeof of_machine / sizeof *of_machine; i++)
        if (strcmp(name, of_machine[i]) == 0)
            return true;
    for (size_t entry = 0; entry < catalogue->count; entry++)
        for (size_t i = 0; i < catalogue->entries[entry].option_count; i++)
            if (names_option(&catalogue->entries[entry].options[i], name))
                return true;
    return false;
}

static void check_asked(void *arg, const char *name, const char *text)
{
    (void)text;
    if (!is_known(arg, name))
        die(2,
            "--for %s=: these repros have no such option: want threads, processors, page_bytes, or "
            "what --help of a repro names, such as spans",
            name);
}

void values_check_asked(const struct catalogue *catalogue, const char *asked)
{
    struct catalogue reading = *catalogue;

    each_asked(asked, check_asked, &reading);
    for (size_t entry = 0; entry < catalogue->count; entry++) {
        struct values values = values_initial(&catalogue->entries[entry]);

        values_asked(&values, asked);
    }
}

/* Do these values agree with the arguments? */
static bool includes(const struct values *values, const char *arguments)
{
    struct values with = *values;

    values_take(&with, arguments);
    return memcmp(with.options, values->options, sizeof with.options) == 0 &&
           with.threads == values->threads;
}

const struct law *values_law(const struct values *values)
{
    const struct law *any = NULL;

    for (size_t i = 0; i < values->entry->law_count; i++) {
        const struct law *law = &values->entry->laws[i];

        if (*law->arguments == '\0')
            any = law;
        else if (includes(values, law->arguments))
            return law;
    }
    return any;
}

static bool look_up(const void *names, const char *name, size_t length, unsigned long *value)
{
    const struct values *values = names;
    const struct entry *entry = values->entry;

    for (size_t i = 0; i < entry->option_count; i++)
        if (is_name(entry->options[i].name, name, length)) {
            *value = values->options[i];
            return true;
        }
    if (is_name("threads", name, length))
        *value = values->threads;
    else if (is_name("processors", name, length))
        *value = values->processors;
    else if (is_name("page_bytes", name, length))
        *value = values->page_bytes;
    else
        return false;
    return true;
}

unsigned long values_bound(const struct values *values, const struct law *law)
{
    char error[256];
    unsigned long bound;

    if (!formula_evaluate(law->formula, look_up, values, &bound, error, sizeof error))
        die(3, "%s: its law %s", values->entry->slug, error);
    return bound;
}
