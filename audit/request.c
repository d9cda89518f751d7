/*
 * request.c - asks a process under audit, by a signal, to write what it has found so far.
 */
#include "audit.h"
#include "fatal.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 10000, STEP_MS = 20 };

/* The contents of a file in /proc/PID; NULL if it cannot be read. */
static char *read_of(pid_t process, const char *name, size_t *bytes)
{
    char path[64];
    char *text = NULL;
    FILE *file;
    size_t got;

    snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    file = fopen(path, "re");
    *bytes = 0;
    if (file == NULL)
        return NULL;
    do {
        text = need(realloc(text, *bytes + 4097));
        got = fread(text + *bytes, 1, 4096, file);
        *bytes += got;
        text[*bytes] = '\0';
    } while (got > 0);
    fclose(file);
    return text;
}

/* The value of a variable in a list of NUL-terminated strings; NULL if it is not there. */
static const char *variable(const char *environment, size_t bytes, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = environment; at < environment + bytes; at += strlen(at) + 1)
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return at + length + 1;
    return NULL;
}

static bool catches(pid_t process, int number)
{
    size_t bytes;
    char *status = read_of(process, "status", &bytes);
    const char *line = status == NULL ? NULL : strstr(status, "\nSigCgt:");
    uint64_t caught = line == NULL ? 0 : strtoull(line + strlen("\nSigCgt:"), NULL, 16);

    free(status);
    return (caught >> (number - 1) & 1) != 0;
}

/* The path that it reports to: %p is replaced with its number. */
static void name_report(pid_t process, const char *out, char path[PATH_MAX])
{
    size_t used = 0;

    if (*out != '/')
        used = (size_t)snprintf(path, PATH_MAX, "/proc/%d/cwd/", process);
    for (; *out != '\0' && used + 16 < PATH_MAX; out++) {
        if (out[0] == '%' && out[1] == 'p') {
            used += (size_t)snprintf(path + used, PATH_MAX - used, "%d", process);
            out++;
        } else {
            path[used++] = *out;
        }
    }
    path[used] = '\0';
}

/* The inode of the report. A new report is renamed into place, so its inode differs. */
static ino_t file_at(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? status.st_ino : 0;
}

static void find_report(pid_t process, char path[PATH_MAX])
{
    size_t bytes;
    char *environment = read_of(process, "environ", &bytes);
    const char *out;

    if (environment == NULL)
        die(2, "--report %d: %s: want a process of yours", process, strerror(errno));
    if (!catches(process, ZK_REPORT_SIGNAL))
        die(2,
            "--report %d: it is under no audit, or has begun no phase: start it by zk-audit, or "
            "with "
            "ZK_ALLOC_AUDIT",
            process);
    out = variable(environment, bytes, "ZK_ALLOC_AUDIT_OUT");
    if (out == NULL || strcmp(out, "stderr") == 0)
        die(2, "--report %d: its report goes to its stderr: start it with ZK_ALLOC_AUDIT_OUT",
            process);
    name_report(process, out, path);
    free(environment);
}

void report_request(pid_t process, struct audit *audit, struct strings *strings)
{
    char path[PATH_MAX];
    ino_t before;

    find_report(process, path);
    before = file_at(path);
    if (kill(process, ZK_REPORT_SIGNAL) != 0)
        die(2, "--report %d: %s", process, strerror(errno));
    for (int waited = 0; file_at(path) == before; waited += STEP_MS) {
        if (waited >= WAIT_MS)
            die(3, "--report %d: no report at %s after %d s: does it block signals?", process, path,
                WAIT_MS / 1000);
        nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
    }
    report_read_alone(path, audit, strings);
}
