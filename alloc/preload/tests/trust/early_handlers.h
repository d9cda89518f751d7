/*
 * early_handlers.h - a library that registers fork handlers when it is loaded. If it is linked, it starts
 * before any preloaded library: its child handler is the first to run, and its prepare handler the last.
 */
#ifndef EARLY_HANDLERS_H
#define EARLY_HANDLERS_H

struct handlers {
    void (*prepare)(void); /* NULL for none; likewise the others */
    void (*parent)(void);
    void (*child)(void);
};

extern struct handlers early_handlers __attribute__((visibility("default")));

#endif
