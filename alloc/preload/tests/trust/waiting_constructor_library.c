/*
 * waiting_constructor_library.c - see waiting_constructor.c. Its constructor runs with the loader's lock held.
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void call_stat(void)
{
    struct stat status;

    if (stat("/", &status) != 0)
        abort();
}

static void call_open(void)
{
    int file = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (file < 0 || close(file) != 0)
        abort();
}

static void call_access(void)
{
    if (access("/", R_OK) != 0)
        abort();
}

static void call_fopen(void)
{
    FILE *stream = fopen("/dev/null", "re");

    if (stream == NULL || fclose(stream) != 0)
        abort();
}

static void call_realloc(void)
{
    free(realloc(malloc(10000), 20000));
}

static void call_reallocarray(void)
{
    free(reallocarray(malloc(10000), 200, 100));
}

static void call_malloc_usable_size(void)
{
    void *block = malloc(10000);

    if (malloc_usable_size(block) < 10000)
        abort();
    free(block);
}

static void call_posix_memalign(void)
{
    void *block = NULL;

    if (posix_memalign(&block, 4096, 10000) != 0)
        abort();
    free(block);
}

static const struct {
    const char *name;
    void (*call)(void);
} functions[] = {
    {"stat", call_stat},
    {"open", call_open},
    {"access", call_access},
    {"fopen", call_fopen},
    {"realloc", call_realloc},
    {"reallocarray", call_reallocarray},
    {"malloc_usable_size", call_malloc_usable_size},
    {"posix_memalign", call_posix_memalign},
};

static void *call_it(void *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, name) == 0) {
            functions[i].call();
            return NULL;
        }
    abort();
}

__attribute__((constructor)) static void load(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, call_it, getenv("TRUST_FUNCTION")) != 0)
        abort();
    pthread_join(thread, NULL);
}
