/*
 * symbols.h - names from the symbol tables alone, where nothing better is installed.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdint.h>

/* The symbol at offset in the file at path, where offset is an address minus the load bias. Valid
 * until symbols_close. NULL when libdw is not installed, or the file does not exist or has no
 * symbol there. */
const char *symbol_find(const char *path, uint64_t offset);

/* Closes the files that were read. */
void symbols_close(void);

#endif
