/*
 * shard.c - writes shard.tsv, which says which part of a sweep a folder's tables are.
 *
 * It starts with the lines that are the same in all parts of one sweep; then come the part's
 * number, its tables with their checksums, and a checksum of all lines before. sha256sum computes
 * the checksums.
 */
#include "sweep.h"

#include "shard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct shard {
    char *text;
    size_t bytes;
    FILE *to;
};

static void put_list(FILE *to, const char *key, const char *word, bool first)
{
    if (first)
        fprintf(to, "%s\t", key);
    else
        fputc(',', to);
    fputs(word, to);
}

static void put_thresholds(FILE *to, const struct options *options)
{
    char number[32];

    for (size_t i = 0; i < options->threshold_count; i++) {
        snprintf(number, sizeof number, "%ld", options->thresholds[i]);
        put_list(to, "thresholds", number, i == 0);
    }
    fputc('\n', to);
}

static void put_profiles(FILE *to, const struct options *options)
{
    bool first = true;

    for (int i = 0; i < PROFILES; i++) {
        if (!options->profiles[i])
            continue;
        put_list(to, "profiles", profile_names[i], first);
        first = false;
    }
    fputc('\n', to);
}

/* Writes all repros of the sweep, not only the shard's, with their descriptions. */
static void put_repros(FILE *to, const struct catalogue *catalogue)
{
    char *all = NULL;
    size_t bytes;
    FILE *descriptions = need(open_memstream(&all, &bytes));
    char hex[DIGEST_ROOM];

    for (size_t i = 0; i < catalogue->count; i++) {
        put_list(to, "repros", catalogue->entries[i].slug, i == 0);
        fputs(catalogue->entries[i].description, descriptions);
    }
    fputc('\n', to);
    if (fclose(descriptions) != 0)
        need(NULL);
    digest(all, bytes, hex);
    fprintf(to, "descriptions\t%s\n", hex);
    free(all);
}

struct shard *shard_new(const struct options *options, const struct catalogue *catalogue,
                        size_t wrong)
{
    struct shard *shard = need(calloc(1, sizeof *shard));
    struct utsname machine;

    shard->to = need(open_memstream(&shard->text, &shard->bytes));
    uname(&machine);
    fprintf(shard->to, "version\t%s\n", ZK_VERSION);
    fprintf(shard->to, "machine\t%s, pages of %ld bytes\n", machine.machine, sysconf(_SC_PAGESIZE));
    fprintf(shard->to, "environment\t%s\n", options->keep_environment ? "kept" : "defined");
    fprintf(shard->to, "timeout_ms\t%u\n", options->timeout_ms);
    put_profiles(shard->to, options);
    put_thresholds(shard->to, options);
    put_repros(shard->to, catalogue);
    fprintf(shard->to, "shard\t%u/%u\n", options->shard, options->shards);
    fprintf(shard->to, "undeclared\t%zu\n", wrong);
    return shard;
}

void shard_add_table(struct shard *shard, const char *name, const char *text, size_t bytes)
{
    char hex[DIGEST_ROOM];

    digest(text, bytes, hex);
    fprintf(shard->to, "%s\t%s\n", name, hex);
}

void shard_put(struct shard *shard)
{
    char hex[DIGEST_ROOM];

    fflush(shard->to);
    digest(shard->text, shard->bytes, hex);
    fprintf(shard->to, "checksum\t%s\n", hex);
    if (fclose(shard->to) != 0)
        need(NULL);
    folder_add(SHARD_NAME, shard->text, shard->bytes);
    free(shard->text);
    free(shard);
}
