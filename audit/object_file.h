/*
 * object_file.h - the little that must be known of a program or library by its file.
 */
#ifndef OBJECT_FILE_H
#define OBJECT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file in memory, to be read; bytes is 0 when it cannot be read, or is no regular file. */
struct image {
    const unsigned char *at;
    size_t bytes;
};
struct image image_open(const char *path);
void image_close(struct image *image);

/* Where count items of size lie, or NULL if they do not lie in the file. */
const void *image_part(const struct image *image, uint64_t offset, uint64_t count, size_t size);

enum { BUILD_ID_TEXT = 2 * 32 + 1 };

struct elf_facts {
    char build_id[BUILD_ID_TEXT]; /* in hexadecimal; "" if it has none */
    bool zstd;                    /* debug information that is compressed by zstd */
};

/* False when path cannot be read, or is no ELF file of this machine's word size. */
bool elf_look(const char *path, struct elf_facts *facts);

#endif
