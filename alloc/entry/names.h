/*
 * names.h - does a symbol have the name that somebody gave of a function? By what the symbol itself says: of a mangled
 * one (C++, and both of Rust's schemes), its path is read. What a path leaves out, arguments and parameters, is told
 * apart by the whole symbol.
 */
#ifndef ZK_NAMES_H
#define ZK_NAMES_H

#include <stddef.h>

enum zk_match {
    ZK_MATCH_NONE,
    ZK_MATCH_PART, /* of the path */
    ZK_MATCH_END,  /* its last components */
    ZK_MATCH_WHOLE,
};

/* The path of a symbol, such as my_prover::stark::prove, into room bytes of path; the symbol itself, less what a
 * compiler appends to a copy, where it is not mangled. */
void zk_name_path(const char *symbol, char *path, size_t room);

/* Thread-safe, and may be called in a signal handler. */
enum zk_match zk_name_match(const char *symbol, const char *wanted);

#endif
