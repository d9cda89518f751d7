/*
 * outlet.c - writes files by name as long as that works, and after that to a descriptor that was opened
 * in time.
 */
#include "outlet.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is kept open, under a high descriptor number, since programs may rely on low ones. */
struct kept {
    int fd; /* -1: none */
    dev_t device;
    ino_t inode;
};

/* Written under the phase lock, and while a report is written. */
static struct {
    char path[PATH_MAX - 16]; /* of the report; "" for stderr */
    bool stream;              /* path is a device or a pipe, which must not be replaced */
    struct kept kept;         /* PATH.part, or the report that it became */
} outlet = {.kept = {.fd = -1}};

/* ---- What is kept open */

/* Is the kept file still open? Some programs close descriptors that they do not know, and the
 * number is then reused. */
static bool is_there(const struct kept *kept)
{
    struct stat now;

    return kept->fd >= 0 && fstat(kept->fd, &now) == 0 && now.st_dev == kept->device &&
           now.st_ino == kept->inode;
}

static int high_number(void)
{
    const rlim_t high = 1000;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > high + 16)
        return (int)high;
    return limit.rlim_cur > 32 ? (int)limit.rlim_cur - 16 : 3;
}

/* Keeps a duplicate of fd open. */
static void keep(int fd)
{
    struct kept *kept = &outlet.kept;
    struct stat status;

    if (is_there(kept))
        zk_os_close(kept->fd);
    *kept = (struct kept){.fd = fcntl(fd, F_DUPFD_CLOEXEC, high_number())};
    if (fstat(fd, &status) == 0) {
        kept->device = status.st_dev;
        kept->inode = status.st_ino;
    }
}

/* Writes both tables into the kept file, unless that has been deleted. */
static bool write_kept(const struct zk_tables *tables)
{
    int fd = outlet.kept.fd;
    struct stat status;

    return is_there(&outlet.kept) && fstat(fd, &status) == 0 && status.st_nlink > 0 &&
           ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 && tables->findings(fd) &&
           tables->phases(fd);
}

/* ---- Names */

/* Replaces %p by the process id. Without %p, the name of a child's report ends in its process id,
 * so that it does not replace its parent's. False if the name is too long. */
static bool name_report(const char *from, bool child)
{
    size_t used = 0;
    bool named = false;

    for (; *from != '\0' && used + 32 < sizeof outlet.path; from++) {
        if (from[0] == '%' && from[1] == 'p') {
            used += (size_t)snprintf(outlet.path + used, sizeof outlet.path - used, "%d", getpid());
            named = true;
            from++;
        } else {
            outlet.path[used++] = *from;
        }
    }
    outlet.path[used] = '\0';
    if (!named && child)
        snprintf(outlet.path + used, sizeof outlet.path - used, ".%d", getpid());
    return *from == '\0';
}

/* A relative path would lead elsewhere once the program changes its working directory. */
static void make_absolute(void)
{
    char here[PATH_MAX];
    size_t length;

    if (outlet.path[0] == '/' || getcwd(here, sizeof here) == NULL)
        return;
    length = strlen(here);
    if (length + 1 + strlen(outlet.path) >= sizeof outlet.path)
        return;
    memmove(outlet.path + length + 1, outlet.path, strlen(outlet.path) + 1);
    memcpy(outlet.path, here, length);
    outlet.path[length] = '/';
}

static void name_with(char *path, size_t room, const char *suffix)
{
    snprintf(path, room, "%s%s", outlet.path, suffix);
}

static int create(const char *path)
{
    return zk_os_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

/* Creates PATH.part. If it is left without a report, a process has ended without one. Returns 0 or
 * an errno. */
static int create_part(void)
{
    char part[PATH_MAX];
    struct stat there;
    int fd;

    outlet.stream = stat(outlet.path, &there) == 0 && !S_ISREG(there.st_mode);
    if (outlet.stream)
        return S_ISDIR(there.st_mode) ? EISDIR : 0;
    name_with(part, sizeof part, ".part");
    fd = create(part);
    if (fd < 0)
        return errno;
    keep(fd);
    zk_os_close(fd);
    return 0;
}

void zk_outlet_open(const char *out, bool child)
{
    int error;

    outlet.path[0] = '\0';
    if (out == NULL)
        return;
    error = name_report(out, child) ? 0 : ENAMETOOLONG;
    if (error == 0) {
        make_absolute();
        error = create_part();
    }
    if (error == 0)
        return;
    zk_os_say("audit: %.300s: %s: the report goes to stderr", outlet.path, strerror(error));
    outlet.path[0] = '\0';
}

bool zk_outlet_is_files(void)
{
    return outlet.path[0] != '\0' && !outlet.stream;
}

/* ---- Writing */

/* A reader of a stream gets the findings only, not the table of sizes. */
static bool write_stream(const struct zk_tables *tables)
{
    int fd = zk_os_open(outlet.path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);

    if (fd < 0)
        return false;
    if (!tables->findings(fd)) {
        zk_os_close(fd);
        return false;
    }
    return zk_os_close(fd);
}

/* Writes one table to path, whole or not at all. */
static bool write_whole(const char *part, const char *path, bool (*table)(int fd), bool kept)
{
    int fd = create(part);
    bool written;

    if (fd < 0)
        return false;
    written = table(fd);
    if (kept)
        keep(fd);
    return zk_os_close(fd) && written && rename(part, path) == 0;
}

static bool write_files(const struct zk_tables *tables)
{
    char part[PATH_MAX];
    char sizes_part[PATH_MAX];
    char sizes[PATH_MAX];

    name_with(part, sizeof part, ".part");
    name_with(sizes, sizeof sizes, ".phases");
    name_with(sizes_part, sizeof sizes_part, ".phases.part");
    return write_whole(sizes_part, sizes, tables->phases, false) &&
           write_whole(part, outlet.path, tables->findings, true);
}

bool zk_outlet_write(const struct zk_tables *tables)
{
    bool written;
    int error;

    if (outlet.path[0] == '\0')
        return !zk_os_has_stderr() || tables->findings(STDERR_FILENO);
    written = outlet.stream ? write_stream(tables) : write_files(tables);
    error = errno;
    if (!written && !outlet.stream)
        written = write_kept(tables);
    if (!written)
        zk_os_say("audit: %.300s: not written: %s", outlet.path, strerror(error));
    errno = error;
    return written;
}

/* A report beside a .so_far file is not the final one. */
bool zk_outlet_write_so_far(const struct zk_tables *tables)
{
    char so_far[PATH_MAX];
    int fd;

    name_with(so_far, sizeof so_far, ".so_far");
    fd = create(so_far);
    if (fd >= 0)
        zk_os_close(fd);
    return zk_outlet_write(tables);
}

void zk_outlet_done(void)
{
    char so_far[PATH_MAX];

    if (!zk_outlet_is_files())
        return;
    name_with(so_far, sizeof so_far, ".so_far");
    unlink(so_far);
}
