/*
 * fork_in_handler.c - a signal handler forks, and interrupts malloc, free or fork itself, at any
 * instruction. Another process sends the signals.
 */
#include "trust.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t handled;

static void fork_and_wait(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    NEED(child > 0);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}

static void handle(int number)
{
    int saved = errno;

    (void)number;
    fork_and_wait();
    handled++;
    errno = saved;
}

static void send_signals(pid_t to)
{
    while (getppid() == to && kill(to, SIGUSR1) == 0)
        usleep(300);
    _exit(0);
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct keeper keeper = {.key = 1, .size_max = 70000};
    pid_t parent = getpid();
    pid_t sender;

    deadline(15);
    NEED(sigaction(SIGUSR1, &action, NULL) == 0);
    NEED(begin_phase() == 0);
    sender = fork();
    if (sender == 0)
        send_signals(parent);
    while (time_left() || handled == 0) {
        keep(&keeper, 10);
        fork_and_wait();
    }
    NEED(kill(sender, SIGKILL) == 0);
    keep_no_more(&keeper);
    return EXIT_SUCCESS;
}
