/*
 * witness.h - tells zk-audit which processes it would otherwise miss: every process that the library is loaded
 * into says so, and one that becomes or starts another program says which. Only if ZK_ALLOC_AUDIT_WITNESS names
 * a folder, which zk-audit sets.
 *
 * A process writes lines into FOLDER/PID.witness, fields separated by tabs:
 *     loaded                   the library is in this process
 *     exec    KEPT PATH        it is about to become PATH; KEPT is 1 if the new environment has what the
 *                              library needs, 0 if not
 *     failed                   it did not
 *     spawn   PID  KEPT PATH   it has started a child
 *     without PATH             the library is in this process, whose file is PATH, and built without an audit
 */
#ifndef ZK_WITNESS_H
#define ZK_WITNESS_H

#include <sys/types.h>

/* Called when the library is loaded, before the program can give up privileges. */
void zk_witness_load(void);

/* The same, in a build without the audit, which calls nothing else here. */
void zk_witness_without(void);

/* Called around an exec. path is as the program gave it, not searched for in PATH; environment may be NULL for
 * the current one. Also safe in the child of a vfork, since nothing is kept in memory. */
void zk_witness_exec(const char *path, char *const *environment);
void zk_witness_exec_failed(void);

/* Called when child has been started. */
void zk_witness_spawn(pid_t child, const char *path, char *const *environment);

#endif
