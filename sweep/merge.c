/*
 * merge.c - merges the parts of a sweep: all of them, each once, and nothing else.
 */
#include "sweep.h"

#include "shard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void check_not_target(const struct part *part)
{
    struct stat from;
    struct stat to;

    if (fstat(part->at, &from) == 0 && fstat(folder_at(), &to) == 0 && from.st_dev == to.st_dev &&
        from.st_ino == to.st_ino)
        die(2, "%s: is --out as well, and its shard would be lost: choose another --out",
            part->folder);
}

static void check_once(const struct part *parts, size_t i)
{
    for (size_t before = 0; before < i; before++)
        if (parts[before].shard == parts[i].shard)
            die(2, "%s: is shard %u/%u, and so is %s: want each once", parts[i].folder,
                parts[i].shard, parts[i].shards, parts[before].folder);
}

static bool is_there(const struct part *parts, size_t count, unsigned shard)
{
    for (size_t i = 0; i < count; i++)
        if (parts[i].shard == shard)
            return true;
    return false;
}

static void check_all(const struct part *parts, size_t count)
{
    char *missing = NULL;
    size_t bytes;
    FILE *to = need(open_memstream(&missing, &bytes));
    unsigned lost = 0;

    for (unsigned shard = 1; shard <= parts[0].shards; shard++)
        if (!is_there(parts, count, shard) && ++lost <= 10)
            fprintf(to, "%s%u", lost == 1 ? "" : ", ", shard);
    if (lost > 10)
        fprintf(to, " and %u more", lost - 10);
    fclose(to);
    if (lost > 0)
        die(2, "--merge: of %u shards, missing: %s: run zk-sweep --shard I/%u --out DIR for %s",
            parts[0].shards, missing, parts[0].shards, lost == 1 ? "it" : "each");
    free(missing);
}

int merge(char *const *folders, size_t count)
{
    struct part *parts = need(calloc(count, sizeof *parts));
    int status = 0;

    for (size_t i = 0; i < count; i++) {
        part_read(&parts[i], folders[i]);
        check_not_target(&parts[i]);
        part_check_same(&parts[i], &parts[0]);
        check_once(parts, i);
    }
    check_all(parts, count);
    for (enum table_kind kind = 0; kind < TABLES; kind++) {
        struct table table = table_new(kind);
        size_t bytes;
        char *text;

        for (size_t i = 0; i < count; i++)
            part_take(&parts[i], &table);
        text = table_text(&table, &bytes);
        folder_add(table.name, text, bytes);
        free(text);
        table_free(&table);
    }
    folder_drop(SHARD_NAME);
    folder_commit();
    for (size_t i = 0; i < count; i++) {
        if (parts[i].undeclared > 0) {
            fprintf(stderr, "zk-sweep: %s: %lu outcomes or laws are not as declared: see its log\n",
                    parts[i].folder, parts[i].undeclared);
            status = 1;
        }
        part_free(&parts[i]);
    }
    free(parts);
    return status;
}
