/*
 * elf_file.h - an ELF file of this machine, read only: its functions and its segments. Nothing here allocates.
 */
#ifndef ZK_ELF_FILE_H
#define ZK_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zk_elf {
    const unsigned char *bytes; /* NULL: not open */
    size_t size;
};

/* False where there is no such file, or it is not one of this machine's. */
bool zk_elf_open(struct zk_elf *elf, const char *path);
void zk_elf_close(struct zk_elf *elf);

/* One function: its symbol, and its address as the file has it. */
typedef void zk_elf_visit(void *arg, const char *symbol, uintptr_t address);

/* Every function that the file defines, by its whole table of symbols, or the one for other objects where it has been
 * stripped of that. */
void zk_elf_functions(const struct zk_elf *elf, zk_elf_visit *visit, void *arg);

/* What the file has at an address that is executed: up to room bytes, and how many there are. *protection: PROT_ bits
 * of it. NULL if nothing that is executed lies there. */
const unsigned char *zk_elf_text(const struct zk_elf *elf, uintptr_t address, size_t *bytes,
                                 int *protection);

/* The bounds of what is loaded. */
struct zk_elf_bounds {
    uintptr_t start;
    uintptr_t end;
};
struct zk_elf_bounds zk_elf_bounds(const struct zk_elf *elf);

#endif
