/*
 * misuse.h - what to do when the program frees something that is not a live block.
 */
#ifndef ZK_MISUSE_H
#define ZK_MISUSE_H

#include <stdint.h>

/* The first time, writes "free(p): ..." to stderr. Then aborts, unless the settings say to go on. */
__attribute__((format(printf, 2, 3))) void zk_misuse(const void *p, const char *what, ...);

/* How many misuses there have been so far. */
uint64_t zk_misuses(void);

#endif
