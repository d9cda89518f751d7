/*
 * spans.h - the spans of workload_enter and workload_leave.
 */
#ifndef SPANS_H
#define SPANS_H

enum {
    SPANS_MOST = 512,    /* in one step */
    SPANS_STEPS_MOST = 8 /* one inside the other */
};

/* Makes the registry, in system memory. Before the first phase. count: spans in each step; with 0 there is no
 * registry, and a step costs nothing. Without memory: exit 3. */
void spans_set_up(unsigned count);

/* The proof that a panic is told of, from 1 on. */
void spans_set_proof(unsigned proof);

/* After the last phase. */
void spans_tear_down(void);

#endif
