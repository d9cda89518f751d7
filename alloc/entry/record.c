/*
 * record.c - the file is mapped; only its later reader shares it. The child of a fork has one of its own.
 */
#include "record.h"
#include "os.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ENTRIES = 1 << 17 }; /* entries beyond this are only counted */

struct record {
    _Atomic uint64_t count;
    uint64_t allocations;
    uint64_t times[ENTRIES];
};

static struct {
    char path[PATH_MAX];
    _Atomic pid_t process; /* the process that `record` belongs to; 0: none yet */
    struct record *record;
    atomic_flag busy;
} file = {.busy = ATOMIC_FLAG_INIT};

/* NULL if no file can be made. */
static struct record *make_file(pid_t process)
{
    char path[PATH_MAX + 16];
    void *map = MAP_FAILED;
    int fd;

    snprintf(path, sizeof path, "%s.%ld", file.path, (long)process);
    fd = zk_os_open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return NULL;
    if (ftruncate(fd, sizeof(struct record)) == 0)
        map = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    zk_os_close(fd);
    return map == MAP_FAILED ? NULL : map;
}

/* This process's record, made by its first entry. Other threads wait while one makes it. */
static struct record *record(void)
{
    pid_t process = getpid();

    if (atomic_load(&file.process) == process)
        return file.record;
    while (atomic_flag_test_and_set(&file.busy))
        ;
    if (atomic_load(&file.process) != process) {
        file.record = make_file(process);
        atomic_store(&file.process, process);
    }
    atomic_flag_clear(&file.busy);
    return file.record;
}

void zk_record_start(void)
{
    const char *path = getenv("ZK_ENTRY_TIMES");

    if (path != NULL && strlen(path) < sizeof file.path)
        memcpy(file.path, path, strlen(path) + 1);
}

void zk_record(bool ends)
{
    struct timespec now;
    struct record *to;
    uint64_t place;

    if (*file.path == '\0')
        return;
    to = record();
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (to == NULL)
        return;
    place = atomic_fetch_add(&to->count, 1);
    if (place < ENTRIES)
        to->times[place] = 2 * ((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) + ends;
}

void zk_record_allocations(uint64_t allocations)
{
    if (*file.path != '\0' && atomic_load(&file.process) == getpid() && file.record != NULL)
        file.record->allocations = allocations + 1;
}
