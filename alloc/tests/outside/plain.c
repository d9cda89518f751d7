/*
 * plain.c - a program that does not know zkalloc, but checks whether its mallocs are served from an
 * arena.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef bool owns_function(const void *p);

static owns_function *find_owns(void)
{
    union {
        void *object;
        owns_function *function;
    } found = {.object = dlsym(RTLD_DEFAULT, "zk_owns")};

    return found.function;
}

int main(void)
{
    enum { rounds = 10000, kept_count = 16, size = 5000 };
    owns_function *owns = find_owns();
    char *kept[kept_count] = {NULL};
    bool in_arena = false;
    bool intact = true;

    for (int i = 0; i < rounds; i++) {
        char **slot = &kept[i % kept_count];

        intact = intact && (*slot == NULL || (*slot)[size - 1] == i % kept_count);
        free(*slot);
        *slot = malloc(size);
        if (*slot == NULL)
            return 1;
        memset(*slot, i % kept_count, size);
        in_arena = in_arena || (owns != NULL && owns(*slot));
    }
    for (int i = 0; i < kept_count; i++)
        free(kept[i]);
    puts(in_arena ? "in the arena" : "not in the arena");
    return intact ? 0 : 1;
}
