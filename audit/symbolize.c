/*
 * symbolize.c - names of frames, by llvm-symbolizer: one process for all of them, which reads each
 * file's debug information, or its table of 100,000 symbols, only once. Where it is not installed,
 * names come from the symbol tables alone.
 *
 * The questions are in a file before it starts, so that neither process can block on the other.
 */
#include "audit.h"
#include "object_file.h"
#include "symbols.h"
#include "traces.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    newest_version = 40, /* the highest N tried, if it is only installed as llvm-symbolizer-N */
    oldest_version = 11,
    crashes_max = 8, /* of the symbolizer; after that, the other frames get no names */
};

static struct {
    struct strings strings;
    char **copies; /* uncompressed files, made because the originals cannot be read */
    size_t copy_count;
    bool no_lines;
} names;

/* ---- What to run, and how ---- */

/* NULL when there is none. */
static const char *find_symbolizer(void)
{
    static char path[PATH_MAX];
    const char *given = getenv("LLVM_SYMBOLIZER_PATH"); /* as sanitizers have it */
    char name[64];

    if (given != NULL && *given != '\0')
        return access(given, X_OK) == 0 ? given : NULL;
    if (find_in_path("llvm-symbolizer", path))
        return path;
    for (int version = newest_version; version >= oldest_version; version--) {
        snprintf(name, sizeof name, "llvm-symbolizer-%d", version);
        if (find_in_path(name, path))
            return path;
    }
    return NULL;
}

/* An environment without the variables that are meant for the audited program. */
static char **clean_environment(void)
{
    static const char *const mine[] = {"ZK_ALLOC_", "LD_PRELOAD="};
    char **clean = NULL;
    size_t count = 0;

    for (char **entry = environ;; entry++) {
        clean = grow(clean, count, sizeof *clean);
        clean[count] = *entry;
        if (*entry == NULL)
            return clean;
        count += strncmp(*entry, mine[0], strlen(mine[0])) != 0 &&
                 strncmp(*entry, mine[1], strlen(mine[1])) != 0;
    }
}

/* Starts a command with input as its stdin (-1: empty) and output as its stdout. 0 when it cannot
 * be started. */
static pid_t start(char *const *command, int input, int output)
{
    posix_spawn_file_actions_t actions;
    char **environment = clean_environment();
    pid_t pid;
    int wrong;

    posix_spawn_file_actions_init(&actions);
    if (input >= 0)
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    else
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (output >= 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    wrong = posix_spawn(&pid, command[0], &actions, NULL, command, environment);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return wrong == 0 ? pid : 0;
}

static bool succeeds(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return status == 0;
}

/* ---- Which file to read ---- */

static void remove_copies(void)
{
    for (size_t i = 0; i < names.copy_count; i++)
        unlink(names.copies[i]);
}

/* llvm-symbolizer 14, and binutils of that age, cannot read zstd-compressed sections; a newer
 * objcopy can. */
static const char *uncompressed(const char *path)
{
    const char *folder = getenv("TMPDIR");
    char objcopy[PATH_MAX];
    char *copy;
    int fd;
    pid_t pid;

    if (asprintf(&copy, "%s/zk-audit-XXXXXX", folder == NULL || *folder == '\0' ? "/tmp" : folder) <
        0)
        die(3, "out of memory");
    if (!find_in_path("objcopy", objcopy) || (fd = mkstemp(copy)) < 0)
        return path;
    close(fd);
    if (names.copy_count == 0)
        atexit(remove_copies);
    names.copies = grow(names.copies, names.copy_count, sizeof *names.copies);
    names.copies[names.copy_count++] = copy;
    pid = start((char *const[]){objcopy, (char *)"--decompress-debug-sections",
                                (char *)(uintptr_t)path, copy, NULL},
                -1, -1);
    return pid != 0 && succeeds(pid) ? copy : path;
}

/* The place where debug information of a file may still be, after the file was deleted or
 * replaced. */
static const char *by_build_id(const char *id)
{
    struct elf_facts facts;
    char path[128];

    if (strlen(id) < 4)
        return NULL;
    snprintf(path, sizeof path, "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2);
    return elf_look(path, &facts) ? strings_add(&names.strings, path) : NULL;
}

static void prepare(struct object *object)
{
    struct elf_facts facts;

    if (object->path[0] == '/' && elf_look(object->path, &facts)) {
        object->changed = *object->build_id != '\0' && *facts.build_id != '\0' &&
                          strcmp(object->build_id, facts.build_id) != 0;
        if (!object->changed)
            object->readable = facts.zstd ? uncompressed(object->path) : object->path;
    }
    if (object->readable == NULL)
        object->readable = by_build_id(object->build_id);
    if (object->readable != NULL && strpbrk(object->readable, "\"\n") != NULL)
        object->readable = NULL; /* a question cannot contain such a path */
}

/* ---- Questions and answers ---- */

static void set_scopes(struct frame *frame, struct scope *scopes, size_t count)
{
    if (count == 0) {
        scopes = need(malloc(sizeof *scopes));
        scopes[count++] = (struct scope){.function = not_known, .file = not_known, .line = UNKNOWN};
    }
    for (size_t i = 0; i < count; i++)
        blame_judge(object_at(frame->object), &scopes[i]);
    frame->scopes = scopes;
    frame->scope_count = (uint32_t)count;
}

/* Writes the questions for the frames from first on into a file; returns a descriptor to read
 * it. */
static int write_questions(const struct frame *frames, size_t first, size_t count)
{
    int fd = memfd_create("questions", MFD_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(dup(fd), "we");

    if (file == NULL)
        die(3, "no memory for a file of questions: %s", strerror(errno));
    for (size_t i = first; i < count; i++)
        if (object_at(frames[i].object)->readable != NULL)
            fprintf(file, "\"%s\" 0x%" PRIx64 "\n", object_at(frames[i].object)->readable,
                    frames[i].offset);
    if (fclose(file) != 0)
        die(3, "no memory for a file of questions: %s", strerror(errno));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* "/a/./b.c" is "/a/b.c". */
static void tidy_path(char *path)
{
    for (char *at; (at = strstr(path, "/./")) != NULL;)
        memmove(at, at + 2, strlen(at + 2) + 1);
    while (path[0] == '.' && path[1] == '/')
        memmove(path, path + 2, strlen(path + 2) + 1);
}

/* "/path/file.c:12:3" */
static void read_line_of(char *text, struct scope *scope)
{
    char *column = strrchr(text, ':');
    size_t length;
    char *line;

    scope->file = not_known;
    scope->line = UNKNOWN;
    if (column == NULL)
        return;
    *column = '\0';
    line = strrchr(text, ':');
    if (line == NULL)
        return;
    *line++ = '\0';
    if (strcmp(text, "??") == 0 || *text == '\0')
        return;
    length = strlen(text);
    if (strcmp(line, "0") == 0 &&
        (text[0] != '/' || (length > 2 && strcmp(text + length - 2, ".o") == 0)))
        return; /* only a name from the symbol table, without debug information */
    tidy_path(text);
    scope->file = strings_add(&names.strings, text);
    if (strtoull(line, NULL, 10) > 0) /* 0: the compiler made it up */
        scope->line = strtoull(line, NULL, 10);
}

/* Reads pairs of lines up to an empty one. False at the end of the answers. */
static bool read_answer(FILE *answers, struct frame *frame)
{
    struct scope *scopes = NULL;
    size_t count = 0;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    while ((length = getline(&line, &room, answers)) > 1) {
        line[length - 1] = '\0';
        scopes = grow(scopes, count, sizeof *scopes);
        scopes[count] = (struct scope){
            .function = strcmp(line, "??") == 0 ? not_known : demangle(line, &names.strings)};
        if ((length = getline(&line, &room, answers)) <= 1)
            break;
        line[length - 1] = '\0';
        read_line_of(line, &scopes[count++]);
    }
    free(line);
    if (length == 1)
        set_scopes(frame, scopes, count);
    return length == 1;
}

/* Asks about the frames from first on; returns the first one that was not answered, or count. */
static size_t ask(const char *symbolizer, struct frame *frames, size_t first, size_t count)
{
    char *const command[] = {(char *)(uintptr_t)symbolizer, (char *)"--no-demangle", NULL};
    int questions = write_questions(frames, first, count);
    int ends[2];
    FILE *answers;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0 || (answers = fdopen(ends[0], "re")) == NULL)
        die(3, "no pipe: %s", strerror(errno));
    pid = start(command, questions, ends[1]);
    close(ends[1]);
    close(questions);
    for (; first < count; first++)
        if (object_at(frames[first].object)->readable == NULL)
            set_scopes(&frames[first], NULL, 0);
        else if (!read_answer(answers, &frames[first]))
            break;
    fclose(answers);
    if (pid != 0)
        succeeds(pid);
    return first;
}

static void name_by_symbolizer(const char *symbolizer, struct frame *frames, size_t count)
{
    size_t next = 0;

    for (int crashes = 0; crashes < crashes_max && next < count; crashes++) {
        next = ask(symbolizer, frames, next, count);
        if (next < count)
            set_scopes(&frames[next++], NULL, 0); /* the question that killed it */
    }
    for (; next < count; next++)
        set_scopes(&frames[next], NULL, 0);
}

static void name_by_symbols(struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *path = object_at(frames[i].object)->readable;
        const char *symbol = path == NULL ? NULL : symbol_find(path, frames[i].offset);
        struct scope *scope;

        if (symbol == NULL) {
            set_scopes(&frames[i], NULL, 0);
            continue;
        }
        scope = need(malloc(sizeof *scope));
        *scope = (struct scope){
            .function = demangle(symbol, &names.strings), .file = not_known, .line = UNKNOWN};
        set_scopes(&frames[i], scope, 1);
    }
    symbols_close();
}

void frames_name(void)
{
    size_t count;
    struct object *objects = objects_all(&count);
    const char *symbolizer;
    struct frame *frames;

    for (size_t i = 0; i < count; i++)
        if (objects[i].used)
            prepare(&objects[i]);
    frames = frames_all(&count);
    if (count == 0)
        return;
    symbolizer = find_symbolizer();
    names.no_lines = symbolizer == NULL;
    if (symbolizer != NULL)
        name_by_symbolizer(symbolizer, frames, count);
    else
        name_by_symbols(frames, count);
}

bool frames_have_lines(void)
{
    return !names.no_lines;
}
