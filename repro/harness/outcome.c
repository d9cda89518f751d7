/*
 * outcome.c - the words for what a run showed, and which of them applies.
 */
#include "run.h"

#include <stdio.h>
#include <string.h>

static const struct {
    enum repro_outcome outcome;
    const char *name;
    int exit_code;
} words[] = {
    {REPRO_CLEAN, "clean", 0},      {REPRO_LATENT, "latent", 10}, {REPRO_STALE, "stale", 11},
    {REPRO_CORRUPT, "corrupt", 12}, {REPRO_CRASH, "crash", 13},   {REPRO_HANG, "hang", 14},
    {REPRO_REFUSED, "refused", 15}, {REPRO_SKIP, "skip", 77},
};

enum { word_count = sizeof words / sizeof *words };

const char *outcome_name(enum repro_outcome outcome)
{
    for (size_t i = 0; i < word_count; i++)
        if (words[i].outcome == outcome)
            return words[i].name;
    return "?";
}

int outcome_exit(enum repro_outcome outcome)
{
    for (size_t i = 0; i < word_count; i++)
        if (words[i].outcome == outcome)
            return words[i].exit_code;
    return 3;
}

unsigned outcomes_by_name(const char *names)
{
    unsigned outcomes = 0;

    while (*names != '\0') {
        size_t length = strcspn(names, ",");
        unsigned found = 0;

        for (size_t i = 0; i < word_count; i++)
            if (strlen(words[i].name) == length && strncmp(words[i].name, names, length) == 0)
                found = words[i].outcome;
        if (found == 0)
            return 0;
        outcomes |= found;
        names += length;
        if (*names == ',')
            names++;
    }
    return outcomes;
}

const char *outcomes_text(unsigned outcomes, char *text, size_t room)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < word_count; i++)
        if ((outcomes & words[i].outcome) != 0 && used < room)
            used += (size_t)snprintf(text + used, room - used, "%s%s", used == 0 ? "" : ",",
                                     words[i].name);
    return text;
}

/* The worst of what was seen; but a run that the contract stopped counts as refused, whatever else
 * it showed. */
enum repro_outcome outcome_of(const struct report *report)
{
    if (report->skipped)
        return REPRO_SKIP;
    if (report->hung)
        return REPRO_HANG;
    if (report->signal != 0)
        return REPRO_CRASH;
    if (report->corrupt_cycles > 0)
        return REPRO_CORRUPT;
    if (report->touched_count > 0)
        return REPRO_STALE;
    if (report->refused)
        return REPRO_REFUSED;
    if (report->retained_count > 0 && report->recycles_live)
        return REPRO_LATENT;
    return REPRO_CLEAN;
}

unsigned outcomes_declared(enum repro_profile profile)
{
    return repro.expect_here != NULL ? repro.expect_here(profile) : repro.expect[profile];
}
