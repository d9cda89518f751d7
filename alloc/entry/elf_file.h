/*
 * elf_file.h - reads the functions and segments of an ELF file for this machine. Nothing here allocates.
 */
#ifndef ZK_ELF_FILE_H
#define ZK_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zk_elf {
    const unsigned char *bytes; /* NULL if not open */
    size_t size;
};

/* False if there is no such file, or it is not an ELF file for this machine. */
bool zk_elf_open(struct zk_elf *elf, const char *path);
void zk_elf_close(struct zk_elf *elf);

/* One function: its symbol, and its address in the file's terms (without the load bias). */
typedef void zk_elf_visit(void *arg, const char *symbol, uintptr_t address);

/* Calls visit for every function that the file defines: from its full symbol table, or from the dynamic one if the
 * file is stripped. */
void zk_elf_functions(const struct zk_elf *elf, zk_elf_visit *visit, void *arg);

/* The file's code at address; *bytes is how much there is, to the end of its segment, and *protection the PROT_ bits
 * of that. NULL if address is not in an executable segment. */
const unsigned char *zk_elf_text(const struct zk_elf *elf, uintptr_t address, size_t *bytes,
                                 int *protection);

/* The bounds of the loaded segments. */
struct zk_elf_bounds {
    uintptr_t start;
    uintptr_t end;
};
struct zk_elf_bounds zk_elf_bounds(const struct zk_elf *elf);

#endif
