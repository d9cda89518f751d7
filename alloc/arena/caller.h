/*
 * caller.h - who called a public function.
 */
#ifndef ZK_CALLER_H
#define ZK_CALLER_H

#include <stdint.h>

/* The return address of the call, and the caller's canonical frame address (CFA). Taken in the public function
 * itself, so that no frame of the allocator shows up in a call stack, whatever is inlined. */
struct zk_caller {
    uintptr_t returns;
    uintptr_t frame;
};
#define ZK_CALLER                                                                                  \
    ((struct zk_caller){(uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_dwarf_cfa()})

#endif
