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

/* As it is written: what is common, then its tables, then all of it into the folder. wrong: outcomes and laws that are
 * not as declared. */
struct shard *shard_new(const struct options *options, const struct catalogue *catalogue,
                        size_t wrong);
void shard_add_table(struct shard *shard, const char *name, const char *text, size_t bytes);
void shard_put(struct shard *shard);

/* As it is read. */
struct part {
    const char *folder;
    int at;         /* the folder, open */
    char *text;     /* of shard.tsv, without its checksum */
    size_t common;  /* bytes of it that all parts of one sweep have */
    unsigned shard; /* from 1 on */
    unsigned shards;
    unsigned long undeclared; /* outcomes that their repros do not declare */
};

/* Reads shard.tsv of a folder. Exits 2 with a line when it is not there, not whole, or another version's. */
void part_read(struct part *part, const char *folder);
void part_free(struct part *part);

/* Adds the rows of the part's table. Exits 2 with a line when they are not those that the part wrote. */
void part_take(const struct part *part, struct table *table);

/* Exits 2 with a line that names what differs when the two are not of one sweep. */
void part_check_same(const struct part *part, const struct part *first);

#endif
