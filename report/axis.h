/*
 * axis.h - figures in SVG, drawn in units of about a pixel: an axis, its ticks and its grid. Colours and fonts are the
 * page's style.
 */
#ifndef AXIS_H
#define AXIS_H

#include <stdbool.h>
#include <stdio.h>

struct axis {
    double from, to;   /* values; from < to, and above 0 where it is logarithmic */
    double start, end; /* where these are */
    bool logarithmic;
    double step;       /* from one tick to the next; of axis_round */
    const char *first; /* what the start is called, where that is no value; or NULL */
};

/* Where a value is; a value outside of the axis at its end. */
double axis_at(const struct axis *axis, double value);

/* A figure of this size, with what it shows for those who cannot see it. */
void figure_begin(FILE *out, double width, double height, const char *label);
void figure_end(FILE *out);

/* An axis along x, below the plot: ticks with numbers at y, and lines of the grid from top to y. */
void axis_x(FILE *out, const struct axis *axis, double top, double y);

/* An axis along y: numbers to the left of x, and lines of the grid from x to right. */
void axis_y(FILE *out, const struct axis *axis, double x, double right);

/* An axis from 0 or from `from`, to a round number from `to` on; of a ratio, or a number of something. */
struct axis axis_round(double from, double to, double start, double end);

/* A plot as wide as the page: its figure is stretched, its numbers are not. Between the two, what is drawn in it is in units of
 * PLOT_WIDTH by PLOT_HEIGHT, from the top left. x and y: axes with these as start and end. */
enum { PLOT_WIDTH = 1000, PLOT_HEIGHT = 400 };
void plot_begin(FILE *out, const struct axis *x, const struct axis *y, bool bytes,
                const char *label);
void plot_end(FILE *out);

/* The same from 0, of bytes: its ticks are round in K, M or G. */
struct axis axis_round_bytes(double to, double start, double end);

/* 4096 as 4K, 1048576 as 1M, 0.95 as it is: what a tick says. Static, until the next call. */
const char *axis_number(double value, bool bytes);

#endif
