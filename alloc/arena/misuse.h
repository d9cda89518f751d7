/*
 * misuse.h - the program has freed what is no live block.
 */
#ifndef ZK_MISUSE_H
#define ZK_MISUSE_H

#include <stdint.h>

/* Says what was freed, "free(p): ...", the first time; and ends the program, unless the settings let it go on. */
__attribute__((format(printf, 2, 3))) void zk_misuse(const void *p, const char *what, ...);

/* How often it was let go on. */
uint64_t zk_misuses(void);

#endif
