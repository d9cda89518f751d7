/*
 * names.h - does a symbol match the name that a user gave for a function? Decided by the symbol alone: if it is
 * mangled (C++, and both of Rust's schemes), its path is extracted. Arguments and template parameters are not part of
 * a path; functions that differ only in these are told apart by the whole symbol.
 */
#ifndef ZK_NAMES_H
#define ZK_NAMES_H

#include <stddef.h>

enum zk_match {
    ZK_MATCH_NONE,
    ZK_MATCH_PART, /* a part of the path */
    ZK_MATCH_END,  /* the last components of the path */
    ZK_MATCH_WHOLE,
};

/* Writes the path of a symbol, such as my_prover::stark::prove, into room bytes of path; if the symbol is not
 * mangled, the symbol itself, without a suffix that a compiler appends to a clone. */
void zk_name_path(const char *symbol, char *path, size_t room);

/* Thread-safe, and may be called in a signal handler. */
enum zk_match zk_name_match(const char *symbol, const char *wanted);

#endif
