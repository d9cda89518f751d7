/*
 * checksum.h - FNV-1a of 64 bits, to detect truncated files and differing results. It gives no
 * protection against forgery.
 */
#ifndef SOUNDNESS_CHECKSUM_H
#define SOUNDNESS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t checksum_start(void)
{
    return 0xcbf29ce484222325;
}

static inline uint64_t checksum_add(uint64_t checksum, const void *bytes, size_t count)
{
    const uint8_t *from = bytes;

    for (size_t i = 0; i < count; i++)
        checksum = (checksum ^ from[i]) * 0x100000001b3;
    return checksum;
}

#endif
