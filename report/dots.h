/*
 * dots.h - a figure with a row for each of some names: a dot for the value, and a line from low to high.
 */
#ifndef DOTS_H
#define DOTS_H

#include <stdbool.h>
#include <stdio.h>

struct dot {
    const char *name;
    double value;
    double low, high; /* the same as value where there is no interval */
    double limit;     /* a mark of its own, or 0 */
    unsigned colour;  /* of page.css: 0 to 7 */
    bool known;
};

/* What all figures of a group have: the axis' values, which number it marks (1 of a ratio), or 0. */
struct dots_scale {
    double from, to;
    double mark;
    bool logarithmic;
};

/* The scale that has room for these, and for its mark. */
void dots_scale_fit(struct dots_scale *scale, const struct dot *dots, size_t count);

void dots_write(FILE *out, const char *title, const char *note, const struct dots_scale *scale,
                const struct dot *dots, size_t count);

/* The colour and what is to be said of an allocator by name. */
unsigned allocator_colour(const char *name);

/* As strcmp: in the order of the legend. */
int allocator_order(const char *a, const char *b);
void allocators_legend(FILE *out);

#endif
