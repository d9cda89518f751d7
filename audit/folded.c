/*
 * folded.c - the stacks of what is retained, by bytes, as flame graph tools and speedscope read them: a line for each,
 * outermost first, its functions separated by semicolons.
 */
#include "output.h"
#include "traces.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void append(char **text, size_t *used, const char *function)
{
    size_t length = strlen(function);

    *text = need(realloc(*text, *used + length + 2));
    if (*used > 0)
        (*text)[(*used)++] = ';';
    memcpy(*text + *used, function, length + 1);
    for (char *at = *text + *used; *at != '\0'; at++)
        if (*at == ';' || *at == '\n')
            *at = ':';
    *used += length;
}

static char *fold(struct trace trace)
{
    char *text = need(strdup(""));
    size_t used = 0;

    for (uint32_t i = trace.count; i > 0; i--) {
        const struct frame *frame = frame_at(trace.frames[i - 1]);

        for (uint32_t s = frame->scope_count; s > 0; s--) {
            const char *path = object_at(frame->object)->path;
            char place[128];

            snprintf(place, sizeof place, "[%.60s+0x%" PRIx64 "]",
                     *path == '\0' ? "?" : base_name(path), frame->offset);
            append(&text, &used, known_or(frame->scopes[s - 1].function, place));
        }
    }
    return text;
}

struct fold {
    char *text;
    uint64_t bytes;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct fold *)a)->text, ((const struct fold *)b)->text);
}

/* Stacks that differ only in the calls, but have the same functions, become one line. */
static void write_folds(struct output *output, struct fold *folds, size_t count)
{
    if (count > 0)
        qsort(folds, count, sizeof *folds, by_text);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && strcmp(folds[i].text, folds[i + 1].text) == 0)
            folds[i + 1].bytes += folds[i].bytes;
        else
            fprintf(output->file, "%s %" PRIu64 "\n", folds[i].text, folds[i].bytes);
    }
}

void folded_write(const char *path, const struct audit *audit)
{
    struct output output = output_open(path);
    struct fold *folds = NULL;
    size_t count = 0;

    for (size_t i = 0; i < audit->groups.count; i++) {
        struct parts parts = group_stacks(&audit->groups.at[i], false);

        for (size_t p = 0; p < parts.count; p++) {
            if (parts.at[p].bytes == UNKNOWN || parts.at[p].trace == 0)
                continue;
            folds = grow(folds, count, sizeof *folds);
            folds[count++] = (struct fold){fold(trace_at(parts.at[p].trace)), parts.at[p].bytes};
        }
        free(parts.at);
    }
    write_folds(&output, folds, count);
    for (size_t i = 0; i < count; i++)
        free(folds[i].text);
    free(folds);
    output_close(&output);
}
