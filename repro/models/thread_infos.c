/*
 * thread_infos.c - std's table of threads: see thread_infos.h for what it is faithful to.
 *
 * infos.map is read and changed under infos.lock.
 */
#include "thread_infos.h"

#include "btree_map.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static struct {
    pthread_mutex_t lock;
    struct btree_map map;
} infos = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The address of the thread's errno: each thread has its own, and it does not move. */
static uint64_t my_key(void)
{
    return (uint64_t)(uintptr_t)&errno;
}

void thread_info_set(uintptr_t guard_from, uintptr_t guard_to)
{
    /* 40 bytes: the guard's range, the name's box of two words, and what else Rust 1.95 stores. */
    const struct btree_value info = {{guard_from, guard_to}};

    pthread_mutex_lock(&infos.lock);
    if (btree_insert(&infos.map, my_key(), &info) != 0)
        abort();
    pthread_mutex_unlock(&infos.lock);
}

bool thread_info_is_guard(uintptr_t address)
{
    const struct btree_value *info;
    bool is;

    pthread_mutex_lock(&infos.lock);
    info = btree_get(&infos.map, my_key());
    is = info != NULL && address >= info->words[0] && address < info->words[1];
    pthread_mutex_unlock(&infos.lock);
    return is;
}

void thread_info_delete(void)
{
    pthread_mutex_lock(&infos.lock);
    btree_remove(&infos.map, my_key());
    pthread_mutex_unlock(&infos.lock);
}

size_t thread_info_count(void)
{
    size_t count;

    pthread_mutex_lock(&infos.lock);
    count = infos.map.length;
    pthread_mutex_unlock(&infos.lock);
    return count;
}

void thread_info_forget(void)
{
    pthread_mutex_lock(&infos.lock);
    btree_deinit(&infos.map);
    pthread_mutex_unlock(&infos.lock);
}
