/*
 * output.c - writes to a temporary file in the same folder, which is renamed to the path asked for
 * when it is complete.
 */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stream(const char *path)
{
    struct stat there;

    return stat(path, &there) == 0 && !S_ISREG(there.st_mode);
}

struct output output_open(const char *path)
{
    struct output output = {.path = path};

    if (is_stream(path)) {
        output.file = fopen(path, "we");
    } else {
        if (asprintf(&output.part, "%s.part", path) < 0)
            die(3, "out of memory");
        output.file = fopen(output.part, "we");
    }
    if (output.file == NULL)
        die(2, "%s: %s: want a file that can be written", path, strerror(errno));
    return output;
}

void output_close(struct output *output)
{
    bool written = ferror(output->file) == 0;

    written = fclose(output->file) == 0 && written;
    if (output->part != NULL && written)
        written = rename(output->part, output->path) == 0;
    if (!written) {
        int error = errno;

        if (output->part != NULL)
            unlink(output->part);
        die(3, "%s: %s: it is not written", output->path, strerror(error));
    }
    free(output->part);
}

void output_check(const char *path)
{
    struct output output;

    if (is_stream(path))
        return;
    output = output_open(path);
    fclose(output.file);
    if (output.part != NULL)
        unlink(output.part);
    free(output.part);
}
