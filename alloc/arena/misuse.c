/*
 * misuse.c - like the C library, ends a program that frees what is not a live block, with one line on
 * stderr.
 */
#include "misuse.h"
#include "config.h"
#include "os.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic uint64_t misuses;

uint64_t zk_misuses(void)
{
    return atomic_load(&misuses);
}

void zk_misuse(const void *p, const char *what, ...)
{
    char text[300];
    va_list args;

    if (atomic_fetch_add(&misuses, 1) == 0) {
        va_start(args, what);
        vsnprintf(text, sizeof text, what, args);
        va_end(args);
        zk_os_say("free(%p): %s: %s", p, text,
                  zk_settings.misuse == ZK_MISUSE_ABORT
                      ? "aborting (ZK_ALLOC_MISUSE=ignore goes on, and keeps what is damaged)"
                      : "ignored, as are further ones, by ZK_ALLOC_MISUSE=ignore");
    }
    if (zk_settings.misuse == ZK_MISUSE_ABORT)
        abort();
}
