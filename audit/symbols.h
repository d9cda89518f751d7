/*
 * symbols.h - names by the symbol tables alone, where nothing better is installed.
 */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include <stdint.h>

/* The symbol that lies offset bytes into the file at path, as the loader lays it out (an address less the load bias);
 * until symbols_close. NULL when libdw is not installed, or the file is not there or says nothing. */
const char *symbol_find(const char *path, uint64_t offset);

/* Lets go of the files that were looked into. */
void symbols_close(void);

#endif
