/*
 * crates.c - the choice of releases: see crates.h.
 */
#include "crates.h"

#include <stddef.h>

const char *const crates_names[] = {"debian12", "2026", NULL};

static enum crates chosen = CRATES_DEBIAN12;

void crates_choose(enum crates crates)
{
    chosen = crates;
}

enum crates crates_chosen(void)
{
    return chosen;
}
