/*
 * dots.c - draws rows of dots, spaced like lines of text.
 */
#include "dots.h"
#include "axis.h"
#include "page.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 340, LEFT = 92, RIGHT = 320, TOP = 6, ROW = 17 };

static const struct {
    const char *name;
    unsigned colour;
    const char *text; /* NULL: the same as the one before */
} allocators[] = {
    {"glibc", 7,
     "glibc: 1.0; glibc_again is glibc beside itself, and tells what the machine can tell apart; "
     "glibc_tuned keeps "
     "its memory"},
    {"glibc_again", 7, NULL},
    {"glibc_tuned", 7, NULL},
    {"mimalloc", 1, "mimalloc, jemalloc, tcmalloc: peers, by LD_PRELOAD"},
    {"jemalloc", 1, NULL},
    {"tcmalloc", 1, NULL},
    {"blind", 0,
     "blind: rewinds, at MIN_BYTES 0; seed: blind from 4096 on; blind_linked: linked into the "
     "program"},
    {"blind_linked", 0, NULL},
    {"seed", 0, NULL},
    {"pinned_0", 2,
     "pinned: the default, from 4096 on; pinned_0: all sizes; pinned_huge: on huge pages; "
     "pinned_linked: linked "
     "into the program"},
    {"pinned", 2, NULL},
    {"pinned_huge", 2, NULL},
    {"pinned_linked", 2, NULL},
    {"static", 3, "static: the limit, every buffer made before the clock starts"},
};
enum { ALLOCATORS = sizeof allocators / sizeof *allocators };

/* Its place in the order; an unknown one comes last. */
static size_t rank_of(const char *name)
{
    size_t rank = 0;

    while (rank < ALLOCATORS && strcmp(allocators[rank].name, name) != 0)
        rank++;
    return rank;
}

unsigned allocator_colour(const char *name)
{
    size_t rank = rank_of(name);

    return rank < ALLOCATORS ? allocators[rank].colour : 7;
}

int allocator_order(const char *a, const char *b)
{
    size_t left = rank_of(a);
    size_t right = rank_of(b);

    return left != right ? (left < right ? -1 : 1) : strcmp(a, b);
}

void allocators_legend(FILE *out)
{
    fputs("<ul class=\"legend\">", out);
    for (size_t i = 0; i < ALLOCATORS; i++)
        if (allocators[i].text != NULL)
            page_print(out, "<li class=\"c%u\"><i></i>%s</li>", allocators[i].colour,
                       allocators[i].text);
    fputs("</ul>\n", out);
}

void dots_scale_fit(struct dots_scale *scale, const struct dot *dots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!dots[i].known)
            continue;
        scale->from = fmin(scale->from, fmin(dots[i].low, dots[i].value));
        scale->to = fmax(scale->to, fmax(dots[i].high, dots[i].value));
        if (dots[i].limit > 0) {
            scale->from = fmin(scale->from, dots[i].limit);
            scale->to = fmax(scale->to, dots[i].limit);
        }
    }
}

static void write_dot(FILE *out, const struct axis *axis, const struct dot *dot, double y)
{
    page_print(out, "<text class=\"end\" x=\"%d\" y=\"%.1f\">%s</text>", LEFT - 8, y + 4,
               dot->name);
    if (!dot->known) {
        page_print(out, "<text x=\"%d\" y=\"%.1f\">not measured</text>\n", LEFT + 4, y + 4);
        return;
    }
    page_print(out,
               "<g class=\"c%u\"><title>%s: %g, %g to %g</title><path class=\"whisker\" d=\"M%.1f "
               "%.1fH%.1f\"/><circle "
               "class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.4\"/></g>\n",
               dot->colour, dot->name, dot->value, dot->low, dot->high, axis_at(axis, dot->low), y,
               axis_at(axis, dot->high), axis_at(axis, dot->value), y);
    if (dot->limit > 0)
        page_print(out, "<path class=\"axis\" d=\"M%.1f %.1fv12\"/>\n", axis_at(axis, dot->limit),
                   y - 6);
}

void dots_write(FILE *out, const char *title, const char *note, const struct dots_scale *scale,
                const struct dot *dots, size_t count)
{
    double bottom = TOP + ROW * (double)count;
    struct axis axis = axis_round(scale->from, scale->to, LEFT, RIGHT);

    if (scale->logarithmic)
        axis = (struct axis){
            .from = scale->from, .to = scale->to, .start = LEFT, .end = RIGHT, .logarithmic = true};
    page_print(out, "<figure><figcaption>%s <small class=\"soft\">%s</small></figcaption>\n", title,
               note);
    figure_begin(out, WIDTH, bottom + 20, title);
    axis_x(out, &axis, TOP, bottom);
    if (scale->mark > 0)
        page_print(out, "<path class=\"one\" d=\"M%.1f %dV%.1f\"/>\n", axis_at(&axis, scale->mark),
                   TOP, bottom);
    for (size_t i = 0; i < count; i++)
        write_dot(out, &axis, &dots[i], TOP + ROW * ((double)i + 0.5));
    figure_end(out);
    fputs("</figure>\n", out);
}
