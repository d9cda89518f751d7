/*
 * spans_on_malloc.h - included before each source of the model (-include), so that the model
 * allocates as the prover does: with the program's malloc instead of zkalloc.
 */
#ifndef SPANS_ON_MALLOC_H
#define SPANS_ON_MALLOC_H

#define zk_malloc                                    malloc
#define zk_calloc                                    calloc
#define zk_realloc                                   realloc
#define zk_aligned_alloc                             aligned_alloc
#define zk_free                                      free
#define zk_free_sized(p, bytes)                      free(p)
#define zk_realloc_sized(p, old_bytes, align, bytes) realloc(p, bytes)

#endif
