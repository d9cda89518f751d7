/*
 * axis.h - figures in SVG, drawn in units of about a pixel: axes, ticks and grids. Colours and
 * fonts come from the page's style.
 */
#ifndef AXIS_H
#define AXIS_H

#include <stdbool.h>
#include <stdio.h>

struct axis {
    double from, to;   /* values; from < to, and above 0 where it is logarithmic */
    double start, end; /* their positions */
    bool logarithmic;
    double step;       /* from one tick to the next, as axis_round chose it */
    const char *first; /* a label for the start, where that is no value; or NULL */
};

/* The position of a value; one outside of the axis is at its end. */
double axis_at(const struct axis *axis, double value);

/* A figure of this size; label describes it to readers who cannot see it. */
void figure_begin(FILE *out, double width, double height, const char *label);
void figure_end(FILE *out);

/* An axis along x, below the plot: ticks with numbers at y, and lines of the grid from top to y. */
void axis_x(FILE *out, const struct axis *axis, double top, double y);

/* An axis along y: numbers to the left of x, and lines of the grid from x to right. */
void axis_y(FILE *out, const struct axis *axis, double x, double right);

/* An axis of a ratio or a count, from 0 or from `from`, to a round number of at least `to`. */
struct axis axis_round(double from, double to, double start, double end);

/* A plot as wide as the page: its figure is stretched, its numbers are not. Whatever is drawn
 * between plot_begin and plot_end is in units of PLOT_WIDTH by PLOT_HEIGHT, from the top left; the
 * axes x and y start and end there. */
enum { PLOT_WIDTH = 1000, PLOT_HEIGHT = 400 };
void plot_begin(FILE *out, const struct axis *x, const struct axis *y, bool bytes,
                const char *label);
void plot_end(FILE *out);

/* The same for bytes, from 0: its ticks are round in K, M or G. */
struct axis axis_round_bytes(double to, double start, double end);

/* The text of a tick: 4096 as 4K, 1048576 as 1M, 0.95 unchanged. Static, until the next call. */
const char *axis_number(double value, bool bytes);

#endif
