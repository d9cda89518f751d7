/*
 * progress.c - shows how far the sweep is, what runs, how long it has taken and will still take.
 */
#include "sweep.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { bar_width = 24 };

static bool shown;

void progress_clear(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = false;
}

void progress_show(size_t done, size_t total, const char *current)
{
    static double started;
    static double last;
    double now = now_ms();
    double elapsed;
    size_t filled;
    struct winsize window = {.ws_col = 80};

    if (!isatty(STDERR_FILENO) || total == 0)
        return;
    if (started == 0)
        started = now;
    if (now - last < 50 && done < total)
        return;
    last = now;
    ioctl(STDERR_FILENO, TIOCGWINSZ, &window);
    elapsed = (now - started) / 1e3;
    filled = bar_width * done / total;
    fputs("\r\033[K[", stderr);
    for (size_t i = 0; i < bar_width; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %zu/%zu  %.0f s", done, total, elapsed);
    if (done > 0)
        fprintf(stderr, ", about %.0f s to go", elapsed / (double)done * (double)(total - done));
    if (window.ws_col > 64)
        fprintf(stderr, "  %.*s", (int)window.ws_col - 64, current);
    fflush(stderr);
    shown = true;
}
