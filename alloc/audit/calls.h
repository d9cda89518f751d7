/*
 * calls.h - what a system call does with its arguments, where their values do not tell.
 */
#ifndef ZK_CALLS_H
#define ZK_CALLS_H

#include <stdbool.h>
#include <stdint.h>

/* What the second argument points to; the third says how many of them. */
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
    uint8_t written;  /* a bit for each argument: set if the kernel writes there, else it reads */
    uint8_t bytes_of; /* 1 + the index of an argument that is a buffer; its length is ... */
    uint8_t bytes_in; /* ... the argument with this index; if that is 0, it is not accessed */
    enum zk_call_inside inside;
};

const struct zk_call_shape *zk_call_shape(long number);

/* call_addresses.c: a bit for each argument that may be an address which the kernel accesses; failed: the call has
 * failed with EFAULT, so it did access one of them. An unknown call may access all six. */
unsigned zk_call_addresses(long number, const uint64_t arguments[6], bool failed);

#endif
