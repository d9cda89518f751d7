/*
 * object_file.h - the little that must be read from the file of a program or library.
 */
#ifndef OBJECT_FILE_H
#define OBJECT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file mapped for reading; bytes is 0 when it cannot be read, or is no regular file. */
struct image {
    const unsigned char *at;
    size_t bytes;
};
struct image image_open(const char *path);
void image_close(struct image *image);

/* A pointer to count items of that size at offset, or NULL if they are not within the file. */
const void *image_part(const struct image *image, uint64_t offset, uint64_t count, size_t size);

enum { BUILD_ID_TEXT = 2 * 32 + 1 };

struct elf_facts {
    char build_id[BUILD_ID_TEXT]; /* in hexadecimal; "" if it has none */
    bool zstd;                    /* its debug information is compressed with zstd */
};

/* False when path cannot be read, or is no ELF file of this machine's word size. */
bool elf_look(const char *path, struct elf_facts *facts);

#endif
