/*
 * load.h - starts the library, once, before its first use. Whatever has to be looked up is looked up here, so
 * that nothing later takes the loader's lock or opens a file.
 */
#ifndef ZK_LOAD_H
#define ZK_LOAD_H

/* Called by a constructor, or by the first call if that comes earlier. Defined in start/, which puts the parts
 * together; the arena does not depend on them. */
void zk_load(void);

#endif
