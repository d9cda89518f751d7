/*
 * modules.c - asks the loader which libraries it would load, as ldd does.
 */
#include "locate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_executable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

char *program_path(const char *name)
{
    const char *folders = getenv("PATH");
    char path[PATH_MAX];

    if (strchr(name, '/') != NULL || folders == NULL) {
        if (!is_executable(name))
            refuse("%s: %s: give the path of a program", name,
                   errno != 0 ? strerror(errno) : "no program");
        return need(realpath(name, NULL));
    }
    for (const char *at = folders; *at != '\0';) {
        size_t length = strcspn(at, ":");

        snprintf(path, sizeof path, "%.*s%s%s", (int)length, at, length == 0 ? "./" : "/", name);
        if (is_executable(path))
            return need(realpath(path, NULL));
        at += length + (at[length] == ':');
    }
    refuse("%s: no such program in PATH: give the path of a program", name);
}

bool is_binary(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Elf *elf;
    size_t parts = 0;
    bool is_elf;
    bool has_loader = false;

    if (fd < 0)
        refuse("%s: %s: give the path of a program", path, strerror(errno));
    elf_version(EV_CURRENT);
    elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    is_elf = elf != NULL && elf_kind(elf) == ELF_K_ELF && elf_getphdrnum(elf, &parts) == 0;
    for (size_t i = 0; is_elf && i < parts; i++) {
        GElf_Phdr part;

        has_loader |= gelf_getphdr(elf, (int)i, &part) != NULL && part.p_type == PT_INTERP;
    }
    elf_end(elf);
    close(fd);
    if (is_elf && !has_loader)
        refuse("%s: linked statically: no library can be preloaded into it: link it dynamically, "
               "or call "
               "zk_begin_phase in it",
               path);
    return is_elf;
}

static Dwfl_Module *open_module(struct module *module)
{
    static char folders[] = ""; /* beside the file, or where the distribution puts it */
    static char *debug_path = folders;
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                             .find_debuginfo = dwfl_standard_find_debuginfo,
                                             .debuginfo_path = &debug_path};

    module->session = need(dwfl_begin(&callbacks));
    dwfl_report_begin(module->session);
    module->dwfl = dwfl_report_elf(module->session, module->path, module->path, -1, 0, true);
    dwfl_report_end(module->session, NULL, NULL);
    return module->dwfl;
}

static void add(struct modules *modules, const char *path)
{
    struct module module = {.path = realpath(path, NULL), .is_program = modules->count == 0};

    if (module.path == NULL)
        return;
    open_module(&module);
    modules->at = need(realloc(modules->at, (modules->count + 1) * sizeof *modules->at));
    modules->at[modules->count++] = module;
}

/* NAME => PATH (ADDRESS), or PATH (ADDRESS) */
static void add_listed(struct modules *modules, char *line)
{
    char *arrow = strstr(line, "=> ");
    char *path = arrow != NULL ? arrow + 3 : line + strspn(line, " \t");
    char *end = strstr(path, " (0x");

    if (end == NULL || *path != '/')
        return;
    *end = '\0';
    if (strstr(path, "/ld-linux") == NULL && strstr(path, "/ld-") == NULL)
        add(modules, path);
}

static FILE *list_libraries(const char *program, pid_t *child)
{
    char *arguments[] = {(char *)(uintptr_t)program, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    int wrong;

    if (pipe2(ends, O_CLOEXEC) != 0)
        refuse("no pipe: %s", strerror(errno));
    setenv("LD_TRACE_LOADED_OBJECTS", "1", 1);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    wrong = posix_spawn(child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    unsetenv("LD_TRACE_LOADED_OBJECTS");
    close(ends[1]);
    if (wrong != 0)
        refuse("%s: %s", program, strerror(wrong));
    return need(fdopen(ends[0], "r"));
}

struct modules modules_open(const char *program)
{
    struct modules modules = {0};
    FILE *list;
    char *line = NULL;
    size_t room = 0;
    pid_t child;

    add(&modules, program);
    list = list_libraries(program, &child);
    while (getline(&line, &room, list) > 0)
        add_listed(&modules, line);
    free(line);
    fclose(list);
    waitpid(child, NULL, 0);
    return modules;
}

void modules_close(struct modules *modules)
{
    for (size_t i = 0; i < modules->count; i++) {
        dwfl_end(modules->at[i].session);
        free(modules->at[i].path);
    }
    free(modules->at);
}
