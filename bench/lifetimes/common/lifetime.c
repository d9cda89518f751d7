/*
 * lifetime.c - main of the programs of bench/lifetimes, and what they share. The code that measures
 * allocates nothing.
 */
#include "lifetime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

__attribute__((weak)) int zk_begin_phase(void);
__attribute__((weak)) int zk_end_phase(void);

static struct {
    double started;
    double seconds;
    size_t units;
    size_t live_bytes;
    size_t early_kib;
} measured;

static __attribute__((noreturn)) void stop(int status, const char *what)
{
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    _exit(status);
}

void phase_begin(void)
{
    if (zk_begin_phase != NULL && zk_begin_phase() != 0)
        stop(3, "a phase cannot begin");
}

void phase_end(void)
{
    if (zk_end_phase != NULL && zk_end_phase() != 0)
        stop(3, "a phase cannot end");
}

static void *there(void *p)
{
    if (p == NULL)
        stop(3, "no memory");
    return p;
}

void stop_damaged(void)
{
    stop(12, "a live block was damaged");
}

void *must_malloc(size_t size)
{
    return there(malloc(size));
}

void *must_calloc(size_t count, size_t size)
{
    return there(calloc(count, size));
}

void *must_realloc(void *p, size_t size)
{
    return there(realloc(p, size));
}

/* Never 0, which is the content of fresh memory. */
static int pattern_of(uint64_t number)
{
    return (int)(1 + number % 255);
}

void block_fill(void *p, size_t size, uint64_t number)
{
    memset(p, pattern_of(number), size);
}

void *block_new(size_t size, uint64_t number)
{
    void *p = must_malloc(size);

    block_fill(p, size, number);
    return p;
}

/* All bytes equal the first one: the block is compared with itself, shifted by one. */
void block_check(const void *p, size_t size, uint64_t number)
{
    const unsigned char *bytes = p;

    if (size > 0 && (bytes[0] != pattern_of(number) || memcmp(bytes, bytes + 1, size - 1) != 0))
        stop_damaged();
}

void block_replace(struct block *block, size_t size, uint64_t number, size_t *live)
{
    block_check(block->p, block->size, number);
    free(block->p);
    *live = *live - block->size + size;
    *block = (struct block){block_new(size, number), size};
    note_live(*live);
}

uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

size_t random_size(uint64_t *state, size_t least, unsigned doublings)
{
    size_t size = least << next_random(state) % (doublings + 1);

    return size + next_random(state) % size;
}

void thread_start(pthread_t *thread, void *(*body)(void *), void *arg)
{
    if (pthread_create(thread, NULL, body, arg) != 0)
        stop(3, "a thread cannot be started");
}

static double now_seconds(void)
{
    struct timespec now;

    clock_gettime(lifetime.wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void clock_start(void)
{
    measured.started = now_seconds();
}

void clock_stop(void)
{
    measured.seconds += now_seconds() - measured.started;
}

void count_units(size_t units)
{
    measured.units += units;
}

void note_live(size_t bytes)
{
    if (bytes > measured.live_bytes)
        measured.live_bytes = bytes;
}

/* The number after the key in /proc/self/status. */
static size_t status_kib(const char *key)
{
    char text[4096];
    char *at;
    ssize_t length;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        stop(3, "/proc/self/status cannot be read");
    length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0)
        stop(3, "/proc/self/status cannot be read");
    text[length] = '\0';
    at = strstr(text, key);
    if (at == NULL)
        stop(3, "/proc/self/status does not tell the resident memory");
    return strtoul(at + strlen(key), NULL, 10);
}

void note_settled(void)
{
    measured.early_kib = status_kib("\nVmRSS:");
}

static void read_arguments(int argc, char **argv, size_t *arguments)
{
    size_t known = 0;

    while (known < LIFETIME_ARGUMENTS && lifetime.most[known] > 0)
        known++;
    memcpy(arguments, lifetime.standard, sizeof lifetime.standard);
    for (int i = 1; i < argc; i++) {
        size_t at = (size_t)i - 1;
        char *end;
        unsigned long long number = strtoull(argv[i], &end, 10);

        if (at >= known) {
            fprintf(stderr, "usage: %s %s\n", program_invocation_short_name, lifetime.usage);
            exit(2);
        }
        if (*argv[i] < '0' || *argv[i] > '9' || *end != '\0' || number < lifetime.least[at] ||
            number > lifetime.most[at]) {
            fprintf(stderr, "%s: %s: want a number from %zu to %zu; usage: %s %s\n",
                    program_invocation_short_name, argv[i], lifetime.least[at], lifetime.most[at],
                    program_invocation_short_name, lifetime.usage);
            exit(2);
        }
        arguments[at] = (size_t)number;
    }
}

int main(int argc, char **argv)
{
    size_t arguments[LIFETIME_ARGUMENTS];
    struct rusage usage;
    size_t end_kib;
    size_t peak_kib;

    read_arguments(argc, argv, arguments);
    lifetime.run(arguments);
    end_kib = status_kib("\nVmRSS:");
    peak_kib = status_kib("\nVmHWM:");
    getrusage(RUSAGE_SELF, &usage);
    printf("seconds\t%.6f\nns_each\t%.3f\nend_kib\t%zu\npeak_kib\t%zu\nlive_kib\t%zu\nearly_kib\t%"
           "zu\nfaults\t%ld\n",
           measured.seconds,
           measured.units > 0 ? measured.seconds * 1e9 / (double)measured.units : 0, end_kib,
           peak_kib, measured.live_bytes / 1024, measured.early_kib, usage.ru_minflt);
    return fflush(stdout) == 0 ? 0 : 3;
}
