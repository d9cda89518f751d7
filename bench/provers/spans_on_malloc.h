/*
 * spans_on_malloc.h - included in front of each source of the model (-include), so that it allocates as the
 * prover does: by whatever malloc there is, in place of zkalloc.
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
