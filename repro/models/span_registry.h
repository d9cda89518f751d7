/*
 * span_registry.h - model of the span store of Rust's tracing: pages of slots that are never freed,
 * and in the slots maps that are emptied and kept.
 *
 * Faithful to tracing-subscriber 0.3.16 (registry, stack, extensions) on sharded-slab 0.1.4 (pool),
 * 64-bit:
 *   registry        32768 bytes for 4096 shard pointers, and the record itself; allocated with it
 *   shard           40 (record) + 256 (32 heads of local free lists) + 1280 (32 page records of 40
 *                   bytes); one for each thread that ever makes a span, at its first
 *   page k          32 x 2^k slots of 96 bytes: 3072, 6144, 12288, 24576, 49152, 98304; at the first
 *                   span that finds all pages below it full; never freed
 *   current spans   16 bytes an entry: 4 entries at the thread's first enter, then doubling. 256 at
 *                   16 entered at once, 512 at 32, 8192 at 512; the capacity is kept. The stack's
 *                   header is in a bucket of 40-byte entries (thread_local 1.1.4), of which two are
 *                   made with the registry
 *   extensions      a map of type to box, 116 bytes for up to 3 types, 216 for up to 7; emptied and
 *                   kept when the span closes, and used by the next span in the slot
 *
 * Identifiers and lifecycle words have the crates' layout. Nothing is checked that the crates do
 * not check. Where they panic, a call returns a SPAN_PANIC_ status named after the panic, and
 * leaves the state as unwinding would.
 *
 * The releases of 2026 differ (crates.h): an entry of the map has 32 bytes instead of 24 (so 148
 * for up to 3 types, 280 for up to 7: TypeId has 16 bytes since Rust 1.72); entering and leaving a
 * span takes and drops no reference; an identifier whose page would be the one after the last is
 * not found, where 0.1.4 panics; a thread's bucket is made at its first use.
 *
 * Not modelled: the dispatcher and its layers (a span is removed as soon as its last reference is
 * closed), per-layer filters, and the heap memory of the queue for the numbers of ended threads,
 * which is static here. One numbering of threads serves both crates.
 */
#ifndef SPAN_REGISTRY_H
#define SPAN_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SPAN_REGISTRY_SLOT_BYTES = 96,
    SPAN_REGISTRY_FIRST_PAGE_SLOTS = 32,
    SPAN_REGISTRY_PAGES = 32,         /* of a shard */
    SPAN_REGISTRY_PAGES_BYTES = 1280, /* of a shard's page records: its largest block */
    SPAN_REGISTRY_THREADS = 4096,     /* that can make spans at the same time */
    SPAN_REGISTRY_STACK_ENTRY_BYTES = 16
};

enum span_status {
    SPAN_OK,
    SPAN_CLOSED,                    /* the reference was the last one: the span is gone */
    SPAN_NOT_FOUND,                 /* nothing has that identifier or type; no panic */
    SPAN_NO_MEMORY,                 /* where the real one aborts */
    SPAN_PANIC_CLONE_UNKNOWN,       /* tried to clone, but no span exists with that ID */
    SPAN_PANIC_CLONE_CLOSED,        /* tried to clone a span that already closed */
    SPAN_PANIC_DROP_UNKNOWN,        /* tried to drop a ref, but no such span exists */
    SPAN_PANIC_REFERENCE_OVERFLOW,  /* reference count overflow */
    SPAN_PANIC_WEIRD_LIFECYCLE,     /* weird lifecycle 0b10 */
    SPAN_PANIC_NO_ROOM,             /* unable to allocate another span */
    SPAN_PANIC_INDEX,               /* index out of bounds, of a free list or an identifier */
    SPAN_PANIC_THREADS,             /* more threads than there are shards */
    SPAN_PANIC_BORROWED,            /* the current spans are already borrowed */
    SPAN_PANIC_POISONED,            /* the extensions' lock is poisoned */
    SPAN_PANIC_DUPLICATE_EXTENSION, /* the span has an extension of that type; now it is poisoned */
};

/* A span's name and the place in the source that makes it: static in the program. */
struct span_metadata {
    const char *name;
    const char *target;
};

/* A type of extension: static in the program. Stands for Rust's TypeId and the vtable of Box<dyn
 * Any>. */
struct span_extension_type {
    uint64_t id;               /* any number that no other type has */
    size_t value_bytes;        /* more than 0 */
    void (*drop)(void *value); /* ends a value in place; or NULL */
};

struct span_registry;

/* An identifier is never 0. It holds the slot's address in its shard, the shard, and the slot's
 * generation. The identifier of a closed span is rejected until the generation, 13 bits, comes
 * round again. */

/* A new registry. NULL with ENOMEM. The caller frees it with span_registry_destroy. */
struct span_registry *span_registry_create(void);

/* Frees the registry, its shards, pages and extensions. No other thread may use it any more. */
void span_registry_destroy(struct span_registry *registry);

/* ---- Spans: any thread ---- */

/* Makes a span with one reference, a child of the one that the calling thread is in (to which it
 * then holds a reference), in the calling thread's shard. SPAN_OK, and the identifier in *id.
 * Errors: those of span_registry_clone for the parent, NO_MEMORY, NO_ROOM, INDEX, THREADS,
 * BORROWED, WEIRD_LIFECYCLE. A slot whose lifecycle word shows references is not used, and its page
 * counts as full. */
enum span_status span_registry_new_span(struct span_registry *registry,
                                        const struct span_metadata *metadata, uint64_t *id);

/* The same with no parent. */
enum span_status span_registry_new_root(struct span_registry *registry,
                                        const struct span_metadata *metadata, uint64_t *id);

/* The same as a child of parent. */
enum span_status span_registry_new_child(struct span_registry *registry,
                                         const struct span_metadata *metadata, uint64_t parent,
                                         uint64_t *id);

/* One reference more. Errors: CLONE_UNKNOWN, CLONE_CLOSED, WEIRD_LIFECYCLE. */
enum span_status span_registry_clone(struct span_registry *registry, uint64_t id);

/* Drops a reference: SPAN_OK if there are others, SPAN_CLOSED if not. Then the slot drops its
 * reference to the parent, empties its extensions, and goes to the local free list of its page if
 * the shard is the calling thread's, else to the remote one. Errors: DROP_UNKNOWN,
 * REFERENCE_OVERFLOW, WEIRD_LIFECYCLE; also from the parent, and the slot is then lost. */
enum span_status span_registry_close(struct span_registry *registry, uint64_t id);

/* The metadata and the parent (0: none) of a span. Either may be NULL. Errors: NOT_FOUND,
 * WEIRD_LIFECYCLE. */
enum span_status span_registry_data(struct span_registry *registry, uint64_t id,
                                    const struct span_metadata **metadata, uint64_t *parent);

/* ---- The current span: of the calling thread ---- */

/* Pushes the span on the thread's stack; takes a reference unless the span is on it already (in the
 * crates of 2026: never, so the slot is not touched). Searches all entries. Errors: those of
 * span_registry_clone, and then the entry stays; NO_MEMORY, BORROWED, THREADS. */
enum span_status span_registry_enter(struct span_registry *registry, uint64_t id);

/* Takes the topmost entry of the span off the stack, and drops the reference if it had one: SPAN_OK
 * or SPAN_CLOSED. NOT_FOUND when no entry is the span's; the real one does not report that, and
 * never drops the reference. Errors: those of span_registry_close, BORROWED, THREADS. */
enum span_status span_registry_exit(struct span_registry *registry, uint64_t id);

/* The span that the thread is in. NOT_FOUND when it is in none, or in one that no longer exists.
 * Errors: BORROWED, THREADS, WEIRD_LIFECYCLE. */
enum span_status span_registry_current(struct span_registry *registry, uint64_t *id);

/* ---- Extensions: any thread ---- */

/* Copies type->value_bytes from value into a box of the span. Errors: NOT_FOUND, NO_MEMORY,
 * POISONED, WEIRD_LIFECYCLE; DUPLICATE_EXTENSION when there is one of that type: it has been
 * replaced, and the lock is poisoned. Does not return while the lock is held, or when the map has
 * no EMPTY byte. */
enum span_status span_registry_insert_extension(struct span_registry *registry, uint64_t id,
                                                const struct span_extension_type *type,
                                                const void *value);

/* Copies the span's extension of that type to *value. Errors: NOT_FOUND (the span, or the
 * extension), POISONED, WEIRD_LIFECYCLE. Does not return under the conditions above. */
enum span_status span_registry_get_extension(struct span_registry *registry, uint64_t id,
                                             const struct span_extension_type *type, void *value);

/* ---- For tests and reports: while no other thread uses the registry ---- */

/* Spans that exist, in all shards, counted by their slots. */
size_t span_registry_span_count(const struct span_registry *registry);

/* Pages whose slots are allocated, in all shards. */
size_t span_registry_page_count(const struct span_registry *registry);

/* Bytes of page k of a shard. */
size_t span_registry_page_bytes(unsigned page);

/* Bytes of the calling thread's stack of current spans, 0 before its first enter. */
size_t span_registry_stack_bytes(struct span_registry *registry);

/* Bytes of the extension map of a span; 0 when there is no map, or no span. */
size_t span_registry_extension_bytes(struct span_registry *registry, uint64_t id);

/* The status in a few words, for a report. */
const char *span_status_text(enum span_status status);

#endif
