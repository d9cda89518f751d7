/*
 * buffered_file.h - model of a buffered writer and a buffered reader of a file.
 *
 * Faithful to std::io::BufWriter and BufReader of Rust (1.63 and 1.95: library/std/src/io/buffered),
 * which both allocate one block when they are created, and keep it. It has DEFAULT_BUF_SIZE, 8192
 * bytes, or what with_capacity says (8192 measured with 1.95; std's own stdin has such a reader):
 *   writer   data is copied into the block if it fits into the free rest; if not, the block is
 *            written out first. Data as large as the block or larger goes directly to the file
 *   reader   an empty block is filled by one read of its size; data is copied out of it; a read of
 *            a block's size or more, when the block is empty, bypasses it
 * The structures themselves are the program's: only the block is allocated.
 *
 * A writer or reader belongs to one thread at a time.
 */
#ifndef BUFFERED_FILE_H
#define BUFFERED_FILE_H

#include "vector.h"

#include <stdbool.h>
#include <stddef.h>

enum { BUFFERED_FILE_BYTES = 8192 }; /* of a block, unless the program says otherwise */

struct buffered_writer {
    int file;
    struct vector buffer; /* of bytes: what has not been written out */
};

struct buffered_reader {
    int file;
    unsigned char *buffer;
    size_t capacity;
    size_t position; /* start of the bytes that nobody has read yet ... */
    size_t filled;   /* ... and their end */
};

/* A writer to an open file, with a block of capacity bytes, more than 0. -1 with ENOMEM. */
int buffered_writer_init(struct buffered_writer *writer, int file, size_t capacity);

/* Writes all of data, to the block or to the file. -1 with errno when the file reports an error:
 * bytes that did not reach the file are still in the block. */
int buffered_writer_write(struct buffered_writer *writer, const void *data, size_t bytes);

/* Writes out what is in the block. -1 with errno as above. */
int buffered_writer_flush(struct buffered_writer *writer);

/* Writes out what is in the block, ignoring errors as the real one's drop does, and frees the
 * block. The file stays open. */
void buffered_writer_deinit(struct buffered_writer *writer);

/* A reader of an open file, from its current offset. Errors as buffered_writer_init. */
int buffered_reader_init(struct buffered_reader *reader, int file, size_t capacity);

/* Copies the next bytes of the file to data; fewer at its end. -1 with errno. */
ptrdiff_t buffered_reader_read(struct buffered_reader *reader, void *data, size_t bytes);

/* Frees the block. The file stays open. */
void buffered_reader_deinit(struct buffered_reader *reader);

#endif
