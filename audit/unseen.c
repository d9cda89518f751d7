/*
 * unseen.c - programs that ran without the library: which, why, and what to do. The library's
 * witness lists the processes that it is in, and what they executed or started; for the others,
 * their files show the reason.
 */
#include "audit.h"
#include "object_file.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- Why a file ran without the library */

struct reason {
    const char *why;
    const char *advice;
};

static const struct reason no_reason = {
    "its loader did not take it",
    "see what LD_DEBUG=libs says of libzkalloc-preload.so",
};

/* The loader that the program asks for; NULL for none. */
static const char *loader_of(const struct image *image, const Elf64_Ehdr *head)
{
    const Elf64_Phdr *parts = image_part(image, head->e_phoff, head->e_phnum, sizeof *parts);

    for (unsigned i = 0; parts != NULL && i < head->e_phnum; i++)
        if (parts[i].p_type == PT_INTERP && parts[i].p_filesz > 0) {
            const char *name = image_part(image, parts[i].p_offset, parts[i].p_filesz, 1);

            return name != NULL && name[parts[i].p_filesz - 1] == '\0' ? name : NULL;
        }
    return NULL;
}

static bool is_go(const struct image *image)
{
    static const char mark[] = "\xff Go buildinf:"; /* of every program that Go's linker makes */

    return image->at != NULL && memmem(image->at, image->bytes, mark, sizeof mark - 1) != NULL;
}

static bool gains_rights(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return false;
    return ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid()) ||
           ((status.st_mode & S_ISGID) != 0 && status.st_gid != getgid()) ||
           (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0);
}

static struct reason reason_of_elf(const char *path, const struct image *image)
{
    const Elf64_Ehdr *head = image_part(image, 0, 1, sizeof *head);
    const char *loader;

    if (image->at[EI_CLASS] == ELFCLASS32)
        return (struct reason){"it is a 32-bit program", "build it for 64 bits"};
    if (head == NULL)
        return no_reason;
    loader = loader_of(image, head);
    if (loader == NULL) {
        if (is_go(image))
            return (struct reason){"it is a static Go program",
                                   "Go's memory is no malloc's: nothing here can be audited"};
        return (struct reason){"it is statically linked",
                               "link it dynamically, or link libzkalloc.a and call zk_malloc"};
    }
    if (gains_rights(path))
        return (struct reason){"it is setuid, setgid or has capabilities of its own",
                               "take these from a copy of it, and audit the copy"};
    if (strstr(loader, "musl") != NULL)
        return (struct reason){"its C library is musl", "build it for glibc"};
    return no_reason;
}

static struct reason reason_of_file(const char *path, unsigned depth);

/* "#!/path argument" */
static struct reason reason_of_script(const struct image *image, unsigned depth)
{
    char line[256] = "";
    char *program = line;

    memcpy(line, image->at, image->bytes < sizeof line ? image->bytes : sizeof line - 1);
    program += strspn(program + 2, " \t") + 2;
    program[strcspn(program, " \t\n")] = '\0';
    if (*program == '\0' || depth > 4) /* the kernel's limit */
        return no_reason;
    return reason_of_file(program, depth + 1);
}

static struct reason reason_of_file(const char *path, unsigned depth)
{
    struct image image = image_open(path);
    struct reason reason = no_reason;

    if (image.bytes > EI_NIDENT && memcmp(image.at, ELFMAG, SELFMAG) == 0)
        reason = reason_of_elf(path, &image);
    else if (image.bytes > 2 && memcmp(image.at, "#!", 2) == 0)
        reason = reason_of_script(&image, depth);
    image_close(&image);
    return reason;
}

static struct reason reason_of(const char *path, bool kept)
{
    if (!kept)
        return (struct reason){"its environment was emptied or changed",
                               "keep LD_PRELOAD and ZK_ALLOC_*, as by env -i zk-audit PROGRAM"};
    return reason_of_file(path, 0);
}

/* Searches PATH as execvp does. False if the program is not found. */
static bool search(const char *name, char file[PATH_MAX])
{
    if (strchr(name, '/') != NULL)
        return snprintf(file, PATH_MAX, "%s", name) < PATH_MAX;
    return find_in_path(name, file);
}

const char *unseen_allocator(const char *program, bool *guessed)
{
    static const struct {
        const char *mark;
        const char *name;
        bool message; /* one of its messages, which a stripped program still has; else a function */
    } known_ones[] = {{"_rjem_malloc", "jemalloc", false},
                      {"je_malloc", "jemalloc", false},
                      {"mi_malloc", "mimalloc", false},
                      {"tc_malloc", "tcmalloc", false},
                      {"snmalloc", "snmalloc", false},
                      {"rpmalloc", "rpmalloc", false},
                      {"<jemalloc>: ", "jemalloc", true},
                      {"mimalloc: error: ", "mimalloc", true},
                      {"tcmalloc: large alloc", "tcmalloc", true}};
    char path[PATH_MAX];
    struct image image;
    const char *name = NULL;

    if (!search(program, path))
        return NULL;
    image = image_open(path);
    for (size_t i = 0;
         image.bytes > 0 && i < sizeof known_ones / sizeof *known_ones && name == NULL; i++)
        if (memmem(image.at, image.bytes, known_ones[i].mark, strlen(known_ones[i].mark)) != NULL) {
            name = known_ones[i].name;
            *guessed = known_ones[i].message;
        }
    image_close(&image);
    return name;
}

static void add_missed(struct unseen *unseen, struct missed missed)
{
    unseen->at = grow(unseen->at, unseen->count, sizeof *unseen->at);
    unseen->at[unseen->count++] = missed;
}

static void add(struct unseen *unseen, const char *name, bool kept, bool program,
                struct strings *strings)
{
    char path[PATH_MAX];
    bool found = search(name, path);
    struct reason reason = found ? reason_of(path, kept) : no_reason;

    add_missed(unseen, (struct missed){.path = strings_add(strings, found ? path : name),
                                       .why = reason.why,
                                       .advice = reason.advice,
                                       .program = program && reason.why != no_reason.why});
}

/* Adds a program that contains a zkalloc built without the audit. */
static void add_without(struct unseen *unseen, const char *path, bool program,
                        struct strings *strings)
{
    add_missed(unseen,
               (struct missed){.path = strings_add(strings, path),
                               .why = "its own is built without the audit (ZKALLOC_AUDIT=OFF)",
                               .advice = "build it with ZKALLOC_AUDIT=ON",
                               .program = program});
}

/* ---- The witness's file */

static FILE *open_witness(const char *folder, long pid)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%ld.witness", folder, pid);
    return fopen(path, "re");
}

static void spawned(const char *folder, char *line, struct unseen *unseen, struct strings *strings)
{
    char *rest;
    long pid = strtol(line, &rest, 10);
    FILE *witness = open_witness(folder, pid);

    if (witness != NULL)
        fclose(witness); /* it has a witness of its own, which is read separately */
    else if (strlen(rest) > strlen("\t1\t"))
        add(unseen, strings_add(strings, rest + strlen("\t1\t")), rest[1] == '1', false, strings);
}

/* The last line names the program that the process was in the end. */
static void read_witness(const char *folder, long pid, bool program, struct unseen *unseen,
                         struct strings *strings)
{
    FILE *witness = open_witness(folder, pid);
    char line[PATH_MAX + 64];
    const char *became = NULL;
    bool kept = true;

    while (witness != NULL && fgets(line, sizeof line, witness) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "spawn\t", strlen("spawn\t")) == 0) {
            spawned(folder, line + strlen("spawn\t"), unseen, strings);
        } else if (strncmp(line, "exec\t", strlen("exec\t")) == 0 &&
                   strlen(line) > strlen("exec\t1\t")) {
            became = strings_add(strings, line + strlen("exec\t1\t"));
            kept = line[strlen("exec\t")] == '1';
        } else if (strncmp(line, "without\t", strlen("without\t")) == 0) {
            became = NULL;
            add_without(unseen, line + strlen("without\t"), program, strings);
        } else {
            became = NULL;
        }
    }
    if (witness != NULL)
        fclose(witness);
    if (became != NULL)
        add(unseen, became, kept, program, strings);
}

void unseen_read(const char *folder, long first, const char *program, struct unseen *unseen,
                 struct strings *strings)
{
    DIR *files = opendir(folder);
    const struct dirent *entry;
    bool loaded = false;

    while (files != NULL && (entry = readdir(files)) != NULL) {
        char *suffix;
        long pid = strtol(entry->d_name, &suffix, 10);

        if (suffix == entry->d_name || strcmp(suffix, ".witness") != 0)
            continue;
        loaded = loaded || pid == first;
        read_witness(folder, pid, pid == first, unseen, strings);
    }
    if (files != NULL)
        closedir(files);
    if (!loaded)
        add(unseen, program, true, true, strings);
}
