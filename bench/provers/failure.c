/*
 * failure.c - prints one line on stderr and ends the program. It uses write(2), because the heap
 * may be corrupt by then.
 */
#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *program = "prover";

void failure_set_up(const char *name)
{
    program = name;
}

void failure(int status, const char *format, ...)
{
    char line[512];
    size_t used;
    va_list arguments;

    snprintf(line, 100, "%s: ", program);
    used = strlen(line);
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    used = strlen(line);
    line[used] = '\n';
    if (write(STDERR_FILENO, line, used + 1) < 0)
        _exit(status); /* there is nobody to tell */
    _exit(status);
}
