/*
 * touch.h - under the trap, touches what the kernel is about to read or write: an inaccessible page
 * would make the system call fail with EFAULT, although without the trap it works. The trap handles
 * the fault instead, and counts it for the line that made the call.
 */
#ifndef ZK_TOUCH_H
#define ZK_TOUCH_H

#include "audit.h"
#include "dispatch.h"
#include "os.h"
#include "region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zk_direction { ZK_KERNEL_READS, ZK_KERNEL_WRITES };

static inline bool zk_touches(const void *p)
{
    return zk_auditing(ZK_AUDIT_TRAP) && !zk_dispatch_is_on() && zk_region_holds(p);
}

/* Touches one byte in each page. */
static inline void zk_touch(const void *buffer, size_t bytes, enum zk_direction direction)
{
    size_t page = zk_os_page_bytes();
    unsigned char *at = (unsigned char *)(uintptr_t)buffer;
    unsigned char *end = at + bytes;

    if (!zk_touches(buffer))
        return;
    for (; at < end; at += page - ((uintptr_t)at & (page - 1)))
        if (direction == ZK_KERNEL_WRITES)
            __atomic_fetch_or(at, 0, __ATOMIC_RELAXED); /* a write that changes nothing */
        else
            (void)*(volatile unsigned char *)at;
}

static inline void zk_touch_string(const char *text)
{
    if (zk_touches(text))
        while (*(const volatile char *)text != '\0')
            text++;
}

#endif
