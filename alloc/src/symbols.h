/*
 * symbols.h - from an address in a file to the function and the source line it belongs to.
 */
#ifndef ZK_SYMBOLS_H
#define ZK_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

struct zk_symbol {
    char function[256]; /* "" if unknown */
    char file[512];     /* the source file as the compiler was given it; "" if unknown */
    unsigned line;      /* 0 if unknown */
};

/* What lies offset bytes into the file at path, as the loader lays it out (an address less the
 * load bias). A return address wants 1 taken off first. False, and all unknown, when libdw is not
 * installed, or the file is not there or says nothing. Allocates; one thread at a time. */
bool zk_symbol_find(const char *path, uintptr_t offset, struct zk_symbol *out);

/* Lets go of the files that were looked into. */
void zk_symbols_close(void);

#endif
