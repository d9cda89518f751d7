/*
 * call_frame.h - the layout that the instructions in call.c share with dispatch.c.
 */
#ifndef ZK_CALL_FRAME_H
#define ZK_CALL_FRAME_H

#define ZK_CALL_FRAME_BYTES  128
#define ZK_CALL_RED_ZONE     128 /* bytes below rsp that belong to the program */
#define ZK_CALL_STACK_BYTES  (ZK_CALL_FRAME_BYTES + ZK_CALL_RED_ZONE)
#define ZK_CALL_FAULT_NUMBER 0x5a6b /* not the number of any system call */

enum { ZK_CALL_SLOTS = 16 };

#if defined __x86_64__

#include <stdint.h>

/* Lies below the red zone of the program's stack while the program's call is made. */
struct zk_call_frame {
    uint64_t returns; /* address of the instruction after the program's */
    uint64_t number;
    uint64_t rdi, rsi, r8, r9, r10;
    uint64_t mask;      /* used in place of a mask that the program passes */
    uint64_t action[4]; /* likewise, for an action */
    uint64_t masked[2]; /* likewise, for pselect's pair */
    uint64_t in_call;   /* address of a word that is cleared after the call */
    uint64_t unused;
};
_Static_assert(sizeof(struct zk_call_frame) == ZK_CALL_FRAME_BYTES, "call.c has the number");

extern char zk_call_begin[], zk_call_end[], zk_call_stub[], zk_call_fault[];
extern char zk_call_clones[], zk_call_vforks[];
enum { ZK_CALL_CLONE_BYTES = 128, ZK_CALL_VFORK_BYTES = 16 };
void zk_call_return(void);

/* Where a call without a frame continues. */
extern _Atomic uintptr_t zk_call_slots[ZK_CALL_SLOTS];

#endif
#endif
