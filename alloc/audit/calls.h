/*
 * calls.h - what a system call does with its arguments, as far as it cannot be told from their values.
 */
#ifndef ZK_CALLS_H
#define ZK_CALLS_H

#include <stdbool.h>
#include <stdint.h>

/* What the second argument points to, and how many, which is the third. */
enum zk_call_inside {
    ZK_CALL_PLAIN,
    ZK_CALL_READS_PARTS, /* struct iovec */
    ZK_CALL_WRITES_PARTS,
    ZK_CALL_READS_MESSAGE, /* one struct msghdr */
    ZK_CALL_WRITES_MESSAGE,
    ZK_CALL_READS_MESSAGES, /* struct mmsghdr */
    ZK_CALL_WRITES_MESSAGES,
    ZK_CALL_HIDES, /* addresses that the kernel uses later */
};

struct zk_call_shape {
    uint8_t written;  /* a bit for each argument: the kernel writes there; else it reads */
    uint8_t bytes_of; /* 1 + the argument that is a buffer, whose bytes are ... */
    uint8_t bytes_in; /* ... in this one; with 0 bytes it is not accessed */
    enum zk_call_inside inside;
};

const struct zk_call_shape *zk_call_shape(long number);

/* call_addresses.c: a bit for each argument that may be an address which the kernel accesses; failed: with EFAULT, and so
 * at one of them. A call that is not known may access all six. */
unsigned zk_call_addresses(long number, const uint64_t arguments[6], bool failed);

#endif
