/*
 * folder.c - the folder of the tables: one sweep at a time writes there, and a set of tables is
 * replaced as a whole or not at all.
 *
 * A lock file is held from before the first run to the end. New tables are written next to the old
 * ones (.NAME.new) and synced before anything is replaced. Then the old ones are copied
 * (.NAME.old), a list of them is written (.zk-sweep.undo), and each new table is renamed to its
 * name. If a rename fails, the tables replaced before it are put back. If we are killed meanwhile,
 * the list is still there, and the next sweep into the folder puts all of them back. Removing the
 * list is what commits the new set.
 */
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME ".zk-sweep.lock"
#define UNDO_NAME ".zk-sweep.undo"
static const char undo_end[] = "end\n"; /* behind the last name: the list is whole */

enum { FILES_MOST = 8, NAME_ROOM = 64 };

struct replaced {
    const char *name;
    bool is_new; /* .NAME.new is to take its place; if not, it is removed */
    bool was;    /* there was a table before: .NAME.old has its copy */
};

static struct {
    const char *path;
    int at; /* the folder, open */
    int lock;
    pid_t owner; /* only this process cleans up, no child */
    bool made;   /* by us */
    bool used;   /* something that we wrote in it stays */
    struct replaced files[FILES_MOST];
    size_t count;
} folder = {.at = -1, .lock = -1};

static const char *with(const char *name, const char *suffix, char *text)
{
    snprintf(text, NAME_ROOM, ".%s.%s", name, suffix);
    return text;
}

/* Removes the temporary files written next to the tables. */
static void remove_beside(void)
{
    char text[NAME_ROOM];

    for (size_t i = 0; tables_names[i] != NULL; i++) {
        unlinkat(folder.at, with(tables_names[i], "new", text), 0);
        unlinkat(folder.at, with(tables_names[i], "old", text), 0);
    }
}

void folder_close(void)
{
    if (folder.at < 0 || getpid() != folder.owner)
        return;
    if (folder.lock >= 0) {
        if (faccessat(folder.at, UNDO_NAME, F_OK, 0) != 0)
            remove_beside();
        unlinkat(folder.at, LOCK_NAME, 0);
        close(folder.lock);
    }
    close(folder.at);
    folder.at = folder.lock = -1;
    if (folder.made && !folder.used)
        rmdir(folder.path);
}

/* False when another process holds it. */
static bool take_lock(void)
{
    struct stat status;
    char text[32];

    do { /* until the locked file is the one that has the name */
        if (folder.lock >= 0)
            close(folder.lock);
        folder.lock = openat(folder.at, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (folder.lock < 0)
            die(2, "%s: %s: choose a folder that can be written with --out", folder.path,
                strerror(errno));
        if (flock(folder.lock, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK)
                die(2, "%s: no lock: %s: choose a folder elsewhere with --out", folder.path,
                    strerror(errno));
            return false;
        }
    } while (fstat(folder.lock, &status) == 0 && status.st_nlink == 0);
    if (ftruncate(folder.lock, 0) == 0) {
        snprintf(text, sizeof text, "%d\n", (int)getpid());
        (void)!write(folder.lock, text, strlen(text)); /* only information for a person who looks */
    }
    return true;
}

static _Noreturn void refuse_second(void)
{
    char text[32] = "";

    if (read(folder.lock, text, sizeof text - 1) > 0)
        text[strcspn(text, "\n")] = '\0';
    close(folder.lock);
    folder.lock = -1; /* not ours to remove */
    die(2, "%s: another zk-sweep (process %s) writes there: wait for it, or choose another --out",
        folder.path, text[0] != '\0' ? text : "unknown");
}

/* Writes a file, syncs and closes it. False with errno, which is 0 where the reason is unknown. */
static bool write_whole(const char *name, const char *text, size_t bytes)
{
    int file;
    bool whole;

    errno = 0;
    file = openat(folder.at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    whole = file >= 0;
    for (size_t done = 0; whole && done < bytes;) {
        ssize_t put = write(file, text + done, bytes - done);

        if (put > 0)
            done += (size_t)put;
        else
            whole = put < 0 && errno == EINTR;
    }
    whole = whole && fsync(file) == 0;
    if (file >= 0) {
        int error = errno;

        whole = close(file) == 0 && whole;
        errno = error != 0 ? error : errno;
    }
    return whole;
}

char *folder_read(int at, const char *name, size_t *bytes)
{
    int file = openat(at, name, O_RDONLY | O_CLOEXEC);
    struct stat status;
    char *text;
    ssize_t got = 0;

    if (file < 0)
        return NULL;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file);
        errno = EISDIR;
        return NULL;
    }
    text = need(malloc((size_t)status.st_size + 1));
    for (*bytes = 0; *bytes < (size_t)status.st_size; *bytes += (size_t)got)
        if ((got = read(file, text + *bytes, (size_t)status.st_size - *bytes)) <= 0)
            break;
    text[*bytes] = '\0';
    close(file);
    if (got < 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* Puts back the tables that the list names. False when one cannot be put back. */
static bool undo(void)
{
    size_t bytes;
    char *list = folder_read(folder.at, UNDO_NAME, &bytes);
    char *rest = list;
    char *line;
    char old[NAME_ROOM];
    bool whole = true;

    if (list == NULL)
        return errno == ENOENT;
    if (bytes < strlen(undo_end) || strcmp(list + bytes - strlen(undo_end), undo_end) != 0)
        rest = NULL; /* the list is incomplete, so nothing was replaced yet */
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (strncmp(line, "was ", 4) == 0 &&
            renameat(folder.at, with(line + 4, "old", old), folder.at, line + 4) != 0)
            whole = whole && errno == ENOENT; /* it is back already */
        if (strncmp(line, "none ", 5) == 0 && unlinkat(folder.at, line + 5, 0) != 0)
            whole = whole && errno == ENOENT;
    }
    free(list);
    return whole && fsync(folder.at) == 0 && unlinkat(folder.at, UNDO_NAME, 0) == 0;
}

static void recover(void)
{
    if (faccessat(folder.at, UNDO_NAME, F_OK, 0) == 0) {
        if (!undo())
            die(2,
                "%s: a sweep was killed while it replaced tables, and they cannot be put back: %s",
                folder.path, strerror(errno));
        fprintf(stderr,
                "zk-sweep: %s: a sweep was killed while it replaced tables: they are again as "
                "before\n",
                folder.path);
    }
    remove_beside();
}

static void check_names(void)
{
    struct stat status;

    for (size_t i = 0; tables_names[i] != NULL; i++)
        if (fstatat(folder.at, tables_names[i], &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            !S_ISREG(status.st_mode))
            die(2,
                "%s/%s: not a regular file: it would have to be replaced: remove it, or choose "
                "another --out",
                folder.path, tables_names[i]);
}

void folder_open(const char *path)
{
    folder.path = path;
    folder.owner = getpid();
    folder.made = mkdir(path, 0777) == 0;
    if (!folder.made && errno != EEXIST)
        die(2, "%s: %s: choose a folder whose parent is there and can be written with --out", path,
            strerror(errno));
    atexit(folder_close);
    folder.at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.at < 0)
        die(2, "%s: %s: choose a folder with --out", path, strerror(errno));
    if (!take_lock())
        refuse_second();
    recover();
    check_names();
}

int folder_at(void)
{
    return folder.at;
}

static _Noreturn void fail(const char *name, const char *what, int error)
{
    die(2, "%s/%s: %s: %s: the tables there are as before", folder.path, name, what,
        strerror(error));
}

static struct replaced *add(const char *name, bool is_new)
{
    struct replaced *file = &folder.files[folder.count];

    if (folder.count == FILES_MOST)
        die(3, "more than %d tables", FILES_MOST);
    folder.count++;
    *file = (struct replaced){.name = name, .is_new = is_new};
    return file;
}

void folder_add(const char *name, const char *text, size_t bytes)
{
    char beside[NAME_ROOM];

    add(name, true);
    if (!write_whole(with(name, "new", beside), text, bytes))
        fail(name, "cannot be written", errno);
}

void folder_drop(const char *name)
{
    add(name, false);
}

/* Copies the present table to .NAME.old. */
static void copy_old(struct replaced *file)
{
    char beside[NAME_ROOM];
    size_t bytes;
    char *text = folder_read(folder.at, file->name, &bytes);

    if (text == NULL && errno != ENOENT)
        fail(file->name, "cannot be read", errno);
    file->was = text != NULL;
    if (file->was && !write_whole(with(file->name, "old", beside), text, bytes))
        fail(file->name, "cannot be copied", errno);
    free(text);
}

static void write_undo(void)
{
    char *list = NULL;
    size_t bytes;
    FILE *to = need(open_memstream(&list, &bytes));

    for (size_t i = 0; i < folder.count; i++)
        fprintf(to, "%s %s\n", folder.files[i].was ? "was" : "none", folder.files[i].name);
    fputs(undo_end, to);
    if (fclose(to) != 0)
        need(NULL);
    if (!write_whole(UNDO_NAME, list, bytes) || fsync(folder.at) != 0) {
        int error = errno;

        unlinkat(folder.at, UNDO_NAME, 0); /* nothing has been replaced yet */
        fail(UNDO_NAME, "cannot be written", error);
    }
    free(list);
}

static bool replace(const struct replaced *file)
{
    char beside[NAME_ROOM];

    if (file->is_new)
        return renameat(folder.at, with(file->name, "new", beside), folder.at, file->name) == 0;
    return !file->was || unlinkat(folder.at, file->name, 0) == 0;
}

void folder_commit(void)
{
    for (size_t i = 0; i < folder.count; i++)
        copy_old(&folder.files[i]);
    write_undo();
    for (size_t i = 0; i < folder.count; i++) {
        int error;

        if (replace(&folder.files[i]))
            continue;
        error = errno;
        if (undo())
            fail(folder.files[i].name, "cannot be replaced", error);
        die(2,
            "%s/%s: cannot be replaced: %s; nor can the others be put back: run zk-sweep into it "
            "again",
            folder.path, folder.files[i].name, strerror(error));
    }
    if (fsync(folder.at) != 0 || unlinkat(folder.at, UNDO_NAME, 0) != 0) {
        int error = errno;

        undo();
        fail(UNDO_NAME, "cannot be removed", error);
    }
    folder.used = true;
    folder.count = 0;
    /* Makes the removal durable: otherwise a power cut could bring the list back, and the next
     * sweep would then restore the old set. */
    fsync(folder.at);
    folder_close();
}
