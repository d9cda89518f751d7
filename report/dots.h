/*
 * dots.h - a figure with a row per name: a dot for the value, and a line from low to high.
 */
#ifndef DOTS_H
#define DOTS_H

#include <stdbool.h>
#include <stdio.h>

struct dot {
    const char *name;
    double value;
    double low, high; /* the same as value where there is no interval */
    double limit;     /* the position of an extra mark, or 0 */
    unsigned colour;  /* of page.css: 0 to 7 */
    bool known;
};

/* What the figures of a group have in common: the range of the axis, and the number that it marks
 * (1 for a ratio), or 0. */
struct dots_scale {
    double from, to;
    double mark;
    bool logarithmic;
};

/* Widens the scale to include these dots, and its mark. */
void dots_scale_fit(struct dots_scale *scale, const struct dot *dots, size_t count);

void dots_write(FILE *out, const char *title, const char *note, const struct dots_scale *scale,
                const struct dot *dots, size_t count);

/* The colour of an allocator. */
unsigned allocator_colour(const char *name);

/* Compares like strcmp, by the order of the legend. */
int allocator_order(const char *a, const char *b);
void allocators_legend(FILE *out);

#endif
