/*
 * Keeps a block of 7777 bytes from its first phase on, and uses it in two more; then ends as its argument says, or
 * goes on until somebody ends it. "fork" does all that in a child, which ends by _exit.
 */
#define _GNU_SOURCE
#include "phases.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *volatile kept;

static void round_(int number)
{
    begin();
    if (number == 0)
        kept = malloc(7777); /* PLANT:block */
    kept[1] = 1;             /* STALE:block */
    end();
}

static void on_signal(int number)
{
    signal(number, SIG_DFL);
    raise(number);
}

static int is(const char *how, const char *name)
{
    return strcmp(how, name) == 0;
}

/* Closes or drops what a daemon would. */
static int give_up(const char *how)
{
    if (is(how, "chdir") || is(how, "all"))
        return chdir("/");
    if (is(how, "chroot"))
        return chroot("/proc") != 0 || chdir("/") != 0;
    if (is(how, "rights"))
        return setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0;
    if (is(how, "close"))
        for (int fd = 0; fd < 256; fd++)
            close(fd);
    if (is(how, "files"))
        return setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, 0});
    return 0;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    char *const echo[] = {"true", NULL};

    if (is(how, "handler"))
        signal(SIGTERM, on_signal);
    if (is(how, "fork")) {
        if (fork() != 0)
            return wait(NULL) < 0;
        how = "_exit";
    }
    for (int i = 0; i < 3; i++)
        round_(i);
    if (give_up(how) != 0)
        return 77;
    if (is(how, "_exit"))
        _exit(0);
    if (is(how, "bare"))
        syscall(SYS_exit_group, 0);
    if (is(how, "exec"))
        execl("/bin/true", "true", NULL);
    if (is(how, "execv"))
        execvpe("true", echo, environ);
    if (is(how, "hup"))
        raise(SIGHUP);
    if (is(how, "int"))
        raise(SIGINT);
    if (is(how, "term") || is(how, "handler"))
        raise(SIGTERM);
    if (is(how, "kill"))
        raise(SIGKILL);
    while (is(how, "serve")) {
        round_(1);
        usleep(1000);
    }
    return 0;
}
