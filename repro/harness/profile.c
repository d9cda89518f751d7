/*
 * profile.c - named sets of mitigations, in terms of the allocator's switches.
 */
#include "run.h"

#include <string.h>

struct profile {
    const char *name;
    struct zk_config config; /* fields not set here come from the environment */
    bool flush;
};

/* The laxest setting of each part of the contract, and of each rule the variant that goes wrong. */
#define VULNERABLE                                                                                 \
    .recycle = ZK_RECYCLE_BLIND, .nesting = ZK_NESTING_RECYCLE, .owner = ZK_OWNER_ANY,             \
    .realloc = ZK_REALLOC_MIGRATE, .copy = ZK_COPY_FORWARD

static const struct profile profiles[REPRO_PROFILES] = {
    [REPRO_NONE] = {"none", {VULNERABLE, .min_bytes = 0}, false},
    [REPRO_FLUSH] = {"flush", {VULNERABLE, .min_bytes = 0}, true},
    [REPRO_ROUTE] = {"route", {VULNERABLE, .min_bytes = 4096}, false},
    [REPRO_SEED] = {"seed",
                    {.recycle = ZK_RECYCLE_BLIND,
                     .min_bytes = 4096,
                     .nesting = ZK_NESTING_REFUSE,
                     .owner = ZK_OWNER_EXCLUSIVE,
                     .realloc = ZK_REALLOC_STICKY,
                     .copy = ZK_COPY_MEMMOVE},
                    false},
    [REPRO_PINNED] = {"pinned", {.recycle = ZK_RECYCLE_PINNED, .min_bytes = 0}, false},
    /* No arena: no block is large enough for it. The contract is lax, so it refuses nothing: harm
     * under this profile could only come from the harness itself. */
    [REPRO_SYSTEM] = {"system",
                      {.recycle = ZK_RECYCLE_BLIND,
                       .min_bytes = SIZE_MAX,
                       .nesting = ZK_NESTING_RECYCLE,
                       .owner = ZK_OWNER_ANY},
                      false},
};

const char *profile_name(enum repro_profile profile)
{
    return profiles[profile].name;
}

int profile_by_name(const char *name)
{
    for (int i = 0; i < REPRO_PROFILES; i++)
        if (strcmp(name, profiles[i].name) == 0)
            return i;
    return -1;
}

bool profile_recycles_live(enum repro_profile profile)
{
    return profiles[profile].config.recycle == ZK_RECYCLE_BLIND;
}

bool profile_flushes(enum repro_profile profile)
{
    return profiles[profile].flush;
}

size_t profile_min_bytes(const struct settings *settings)
{
    if (settings->min_bytes_given && settings->profile != REPRO_SYSTEM)
        return settings->min_bytes;
    return profiles[settings->profile].config.min_bytes;
}

/* One value of one --switch. */
struct choice {
    const char *text;
    void (*choose)(struct zk_config *config, int value);
    int value;
};

static void choose_nesting(struct zk_config *config, int value)
{
    config->nesting = (enum zk_nesting)value;
}

static void choose_owner(struct zk_config *config, int value)
{
    config->owner = (enum zk_owner)value;
}

static void choose_realloc(struct zk_config *config, int value)
{
    config->realloc = (enum zk_realloc_rule)value;
}

static void choose_copy(struct zk_config *config, int value)
{
    config->copy = (enum zk_copy)value;
}

static const struct choice choices[] = {
    {"nesting=refuse", choose_nesting, ZK_NESTING_REFUSE},
    {"nesting=count", choose_nesting, ZK_NESTING_COUNT},
    {"nesting=recycle", choose_nesting, ZK_NESTING_RECYCLE},
    {"owner=exclusive", choose_owner, ZK_OWNER_EXCLUSIVE},
    {"owner=any", choose_owner, ZK_OWNER_ANY},
    {"realloc=sticky", choose_realloc, ZK_REALLOC_STICKY},
    {"realloc=migrate", choose_realloc, ZK_REALLOC_MIGRATE},
    {"copy=memmove", choose_copy, ZK_COPY_MEMMOVE},
    {"copy=forward", choose_copy, ZK_COPY_FORWARD},
};

static const struct choice *find_choice(const char *text)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(text, choices[i].text) == 0)
            return &choices[i];
    return NULL;
}

bool profile_check_switch(const char *text)
{
    return find_choice(text) != NULL;
}

/* A census needs a run in which nothing goes wrong before everything is counted: it recycles as
 * pinned does. */
static void choose_audit(struct zk_config *config, const struct repro_run *run)
{
    config->audit = run->settings.audit;
    if (run->counting) {
        config->audit = ZK_AUDIT_CENSUS;
        config->audit_depth = 0;
        config->audit_out = NULL;
    }
    if (config->audit == ZK_AUDIT_CENSUS)
        config->recycle = ZK_RECYCLE_PINNED;
}

bool profile_apply(const struct repro_run *run)
{
    const struct settings *settings = &run->settings;
    const struct zk_config *wanted = &profiles[settings->profile].config;
    struct zk_config config;

    zk_config(&config);
    config.recycle = wanted->recycle;
    config.min_bytes = profile_min_bytes(settings);
    config.nesting = wanted->nesting;
    config.owner = wanted->owner;
    config.realloc = wanted->realloc;
    config.copy = wanted->copy;
    if (repro.slab_bytes != 0)
        config.slab_bytes = repro.slab_bytes;
    for (unsigned i = 0; i < settings->switch_count; i++) {
        const struct choice *choice = find_choice(settings->switches[i]);

        choice->choose(&config, choice->value);
    }
    choose_audit(&config, run);
    return zk_configure(&config) == 0;
}
