/*
 * object_file.h - the little that must be known of a program or library before its names are looked up.
 */
#ifndef OBJECT_FILE_H
#define OBJECT_FILE_H

#include <stdbool.h>

enum { BUILD_ID_TEXT = 2 * 32 + 1 };

struct elf_facts {
    char build_id[BUILD_ID_TEXT]; /* in hexadecimal; "" if it has none */
    bool zstd;                    /* debug information that is compressed by zstd */
};

/* False when path cannot be read, or is no ELF file of this machine's word size. */
bool elf_look(const char *path, struct elf_facts *facts);

#endif
