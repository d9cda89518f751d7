/*
 * shard.h - which part of a sweep a folder holds: what a part writes, and what a merge reads.
 */
#ifndef SHARD_H
#define SHARD_H

#include "tables.h"

#include <stddef.h>

struct options;
struct catalogue;
struct shard;

/* To write one: shard_new takes the common part, then each table is added, then all goes into the
 * folder. wrong counts the outcomes and laws that are not as declared. */
struct shard *shard_new(const struct options *options, const struct catalogue *catalogue,
                        size_t wrong);
void shard_add_table(struct shard *shard, const char *name, const char *text, size_t bytes);
void shard_put(struct shard *shard);

/* A part that has been read. */
struct part {
    const char *folder;
    int at;         /* the folder, open */
    char *text;     /* of shard.tsv, without its checksum */
    size_t common;  /* how many of its bytes are common to all parts of a sweep */
    unsigned shard; /* from 1 on */
    unsigned shards;
    unsigned long undeclared; /* outcomes that their repros do not declare */
};

/* Reads shard.tsv of a folder. Exits 2 with a line when it is missing, damaged, or of another
 * version. */
void part_read(struct part *part, const char *folder);
void part_free(struct part *part);

/* Adds the rows of the part's table. Exits 2 with a line when the table is not the one that the
 * part wrote. */
void part_take(const struct part *part, struct table *table);

/* Exits 2 with a line that names the difference when the two are not parts of one sweep. */
void part_check_same(const struct part *part, const struct part *first);

#endif
