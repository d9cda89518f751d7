/*
 * early_handlers.h - a library that registers fork handlers when it is loaded. Linked, it starts before any
 * library that is preloaded: in the child, its handler is the first to run, and in the parent's prepare
 * the last.
 */
#ifndef EARLY_HANDLERS_H
#define EARLY_HANDLERS_H

struct handlers {
    void (*prepare)(void); /* NULL for none, as the others */
    void (*parent)(void);
    void (*child)(void);
};

extern struct handlers early_handlers __attribute__((visibility("default")));

#endif
