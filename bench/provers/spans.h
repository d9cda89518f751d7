/*
 * spans.h - the spans of workload_enter and workload_leave.
 */
#ifndef SPANS_H
#define SPANS_H

enum {
    SPANS_MOST = 512,    /* in one step */
    SPANS_STEPS_MOST = 8 /* one inside the other */
};

/* Creates the registry, in system memory. To be called before the first phase. count: spans in each
 * step; with 0 there is no registry, and a step costs nothing. Exits with 3 without memory. */
void spans_set_up(unsigned count);

/* The number of the proof, from 1, which is named if the registry panics. */
void spans_set_proof(unsigned proof);

/* To be called after the last phase. */
void spans_tear_down(void);

#endif
