/*
 * axis.c - ticks are at round numbers: at 1, 2 or 5 times a power of ten, or on a logarithmic axis at powers of four.
 */
#include "axis.h"
#include "page.h"

#include <math.h>

double axis_at(const struct axis *axis, double value)
{
    double part = axis->logarithmic ? (log2(fmax(value, axis->from)) - log2(axis->from)) /
                                          (log2(axis->to) - log2(axis->from))
                                    : (value - axis->from) / (axis->to - axis->from);

    return axis->start + fmin(fmax(part, 0), 1) * (axis->end - axis->start);
}

void figure_begin(FILE *out, double width, double height, const char *label)
{
    page_print(out, "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n", width, height,
               label);
}

void figure_end(FILE *out)
{
    fputs("</svg>\n", out);
}

/* The distance between ticks, so that an axis has about four. */
static double step_of(double span)
{
    double power = pow(10, floor(log10(span / 4)));
    double steps = span / 4 / power;

    return power * (steps <= 1 ? 1 : steps <= 2 ? 2 : steps <= 5 ? 5 : 10);
}

struct axis axis_round(double from, double to, double start, double end)
{
    double step = step_of(to - from);

    return (struct axis){.from = floor(from / step + 1e-9) * step,
                         .to = ceil(to / step - 1e-9) * step,
                         .step = step,
                         .start = start,
                         .end = end};
}

struct axis axis_round_bytes(double to, double start, double end)
{
    double unit = exp2(10 * floor(log2(fmax(to, 1)) / 10));
    struct axis axis = axis_round(0, to / unit, start, end);

    axis.to *= unit;
    axis.step *= unit;
    return axis;
}

const char *axis_number(double value, bool bytes)
{
    static char text[32];
    static const char units[] = "KMGTPE";
    int unit = -1;

    if (fabs(value) < 1e-9)
        value = 0;
    while (bytes && value >= 1024 && unit < 5) {
        value /= 1024;
        unit++;
    }
    snprintf(text, sizeof text, "%.4g%.*s", value, unit < 0 ? 0 : 1, unit < 0 ? "" : units + unit);
    return text;
}

/* Does a linear axis have a tick with this number, counted from 0? *value is where. */
static bool has_tick(const struct axis *axis, int number, double *value)
{
    *value = axis->from + number * axis->step;
    return *value <= axis->to + axis->step / 1000;
}

static void tick_x(FILE *out, const struct axis *axis, double value, const char *text, double top,
                   double y)
{
    double x = axis_at(axis, value);

    page_print(out,
               "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/><text class=\"mid\" x=\"%.1f\" "
               "y=\"%.1f\">%s</text>\n",
               x, top, y, x, y + 14, text);
}

void axis_x(FILE *out, const struct axis *axis, double top, double y)
{
    if (axis->logarithmic) {
        double last = axis->start - 100; /* position of the last number: they must not touch */

        if (axis->first != NULL)
            tick_x(out, axis, axis->from, axis->first, top, y);
        if (axis->first != NULL)
            last = axis->start;
        for (int power = (int)ceil(log2(axis->from)); power <= (int)floor(log2(axis->to) + 0.001);
             power++) {
            double value = exp2(power);

            if (axis_at(axis, value) - last < 40)
                continue;
            tick_x(out, axis, value, axis_number(value, value >= 1024), top, y);
            last = axis_at(axis, value);
        }
    } else {
        double value;

        for (int i = 0; has_tick(axis, i, &value); i++)
            tick_x(out, axis, value, axis_number(value, false), top, y);
    }
    page_print(out, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n", axis->start, y, axis->end);
}

void axis_y(FILE *out, const struct axis *axis, double x, double right)
{
    double value;

    for (int i = 0; has_tick(axis, i, &value); i++) {
        double y = axis_at(axis, value);

        page_print(out,
                   "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text class=\"end\" x=\"%.1f\" "
                   "y=\"%.1f\">%s</text>\n",
                   x, y, right, x - 5, y + 4, axis_number(value, false));
    }
}

void plot_begin(FILE *out, const struct axis *x, const struct axis *y, bool bytes,
                const char *label)
{
    double value;

    fputs("<div class=\"plot\">", out);
    for (int i = 0; has_tick(y, i, &value); i++)
        page_print(out, "<span class=\"y\" style=\"top:%.2f%%\">%s</span>",
                   100 * axis_at(y, value) / PLOT_HEIGHT, axis_number(value, bytes));
    for (int i = (int)ceil(x->from / x->step); i * x->step <= x->to; i++)
        page_print(out, "<span class=\"x\" style=\"left:%.2f%%\">%s</span>",
                   100 * axis_at(x, i * x->step) / PLOT_WIDTH, axis_number(i * x->step, false));
    page_print(out,
               "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
               "aria-label=\"%s\">\n",
               PLOT_WIDTH, PLOT_HEIGHT, label);
    for (int i = 0; has_tick(y, i, &value); i++)
        page_print(out, "<path class=\"grid\" d=\"M0 %.1fH%d\"/>\n", axis_at(y, value), PLOT_WIDTH);
}

void plot_end(FILE *out)
{
    fputs("</svg></div>\n", out);
}
