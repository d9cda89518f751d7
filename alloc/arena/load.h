/*
 * load.h - the start of the library: once, before its first use. Whatever has to be looked up or asked of the
 * system is looked up and asked here, so that nothing later takes the loader's lock, or opens a file.
 */
#ifndef ZK_LOAD_H
#define ZK_LOAD_H

/* By a constructor, or by the first call if that comes earlier. The arena asks for it, and does not know who puts its
 * parts together: see start/. */
void zk_load(void);

#endif
