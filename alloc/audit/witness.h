/*
 * witness.h - for zk-audit, which must know what it has not seen: every process that the library is loaded into
 * says so, and one that becomes or starts another program says which. Only where ZK_ALLOC_AUDIT_WITNESS names a
 * folder; zk-audit sets it.
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

/* When the library is loaded, while the program's rights are what they were. */
void zk_witness_load(void);

/* The same, in a build without the audit, which says no more than this. */
void zk_witness_without(void);

/* Around an exec. path is as it was given, without a search along PATH; environment may be NULL for the present
 * one. Also in the child of a vfork: nothing is kept in memory. */
void zk_witness_exec(const char *path, char *const *environment);
void zk_witness_exec_failed(void);

/* child was started. */
void zk_witness_spawn(pid_t child, const char *path, char *const *environment);

#endif
