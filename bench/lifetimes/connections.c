/*
 * connections.c - a server's connections: each has a large buffer, small fields that are replaced now and then, and a
 * header that grows by realloc, and starts over when it is too long. A connection is closed at a random time, and another
 * one opened. A phase is so many steps.
 */
#include "lifetime.h"

#include <stdlib.h>

enum { fields = 20, buffer_least = 16384, header_least = 256, header_most = 131072 };

struct connection {
    struct block buffer;
    struct block fields[fields];
    struct block header;
};

static size_t live;

static void drop(struct block *block, uint64_t number)
{
    block_check(block->p, block->size, number);
    free(block->p);
    live -= block->size;
    *block = (struct block){0};
}

static void open_connection(struct connection *connection, uint64_t number, uint64_t *random)
{
    block_replace(&connection->buffer, (size_t)buffer_least << next_random(random) % 4, number,
                  &live);
    for (size_t i = 0; i < fields; i++)
        block_replace(&connection->fields[i], random_size(random, 16, 6), number, &live);
    block_replace(&connection->header, header_least, number, &live);
}

static void close_connection(struct connection *connection, uint64_t number)
{
    drop(&connection->buffer, number);
    for (size_t i = 0; i < fields; i++)
        drop(&connection->fields[i], number);
    drop(&connection->header, number);
}

static void grow_header(struct block *header, uint64_t number, uint64_t *random)
{
    size_t size = header->size + header->size / 2 + next_random(random) % 512;

    if (size > header_most)
        size = header_least;
    header->p = must_realloc(header->p, size);
    block_check(header->p, size < header->size ? size : header->size, number);
    block_fill(header->p, size, number);
    live = live - header->size + size;
    note_live(live);
    header->size = size;
}

static void step(struct connection *connection, uint64_t number, uint64_t *random)
{
    uint64_t what = next_random(random) % 8;
    struct block *field = &connection->fields[next_random(random) % fields];

    if (connection->buffer.p == NULL) {
        open_connection(connection, number, random);
    } else if (what == 0) {
        close_connection(connection, number);
    } else if (what < 4) {
        grow_header(&connection->header, number, random);
    } else {
        block_replace(field, random_size(random, 16, 8), number, &live);
    }
}

static void run(const size_t *arguments)
{
    size_t count = arguments[0];
    struct connection *connections = must_calloc(count, sizeof *connections);
    uint64_t random = 0x9e3779b97f4a7c15;

    clock_start();
    for (size_t phase = 0; phase < arguments[2]; phase++) {
        if (phase == arguments[2] / 2)
            note_settled();
        phase_begin();
        for (size_t i = 0; i < arguments[1]; i++) {
            size_t chosen = next_random(&random) % count;

            step(&connections[chosen], chosen, &random);
        }
        phase_end();
    }
    clock_stop();
    count_units(arguments[1] * arguments[2]);
    for (size_t i = 0; i < count; i++)
        if (connections[i].buffer.p != NULL)
            close_connection(&connections[i], i);
}

const struct lifetime lifetime = {
    .usage =
        "[COUNT [STEPS [PHASES]]]: COUNT connections with a buffer of 16 to 128 KiB, 20 fields and a header that "
        "grows to 128 KiB; STEPS of them do something in each of PHASES",
    .standard = {1000, 20000, 20},
    .least = {1, 1, 1},
    .most = {10000000, 100000000, 1000000},
    .run = run,
};
