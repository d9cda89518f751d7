/*
 * stark.h - proofs that the prover has a trace that satisfies an AIR with given public inputs (a
 * STARK).
 *
 *  1. The prover commits to the columns' values on a coset that is 2^log_blowup times as long as the trace.
 *  2. A challenge combines all constraints; the prover commits to their quotient by the polynomials that
 *     vanish where they must hold, cut into chunks.
 *  3. A challenge is the point z, outside of all cosets; the prover sends the values of all columns at z, and
 *     of the trace's at the next row's point too. The verifier checks the constraints there.
 *  4. A challenge combines the quotients (f(x) - f(z)) / (x - z) of all columns f, and FRI shows that what they
 *     combine to is of low degree, so that the values sent are those of what was committed to.
 *
 * Not zero-knowledge, like most STARKs in use today. The security is that of FRI (fri.h); the other
 * challenges are drawn from about 2^124.
 */
#ifndef STARK_H
#define STARK_H

#include "air.h"
#include "bytes.h"
#include "fri.h"
#include "ntt.h"
#include "transcript.h"

enum { STARK_LOG_CHUNKS_MOST = 2 };

/* What prover and verifier agree on. */
struct stark {
    const struct air *air;
    const struct ntt *ntt; /* for at least log_rows + log_blowup; the verifier does not use it */
    unsigned log_rows;     /* of the trace, from 1 on */
    struct fri_parameters fri; /* log_blowup is at least air_log_chunks */
};

/* Continues the transcript and the proof. The trace is row-major, in a block of workload_alloc,
 * which is freed; the transcript has absorbed the inputs. On all OpenMP threads. */
void stark_prove(const struct stark *stark, uint32_t *trace, const uint32_t *inputs,
                 struct transcript *transcript, struct bytes_writer *proof);

/* Reads a proof. Does it prove that there is a trace with these inputs? It may be any bytes. */
bool stark_verify(const struct stark *stark, const uint32_t *inputs, struct transcript *transcript,
                  struct bytes_reader *proof);

/* The context of WATCH_OPENED: everything that is sent about the point z, before the quotient is
 * sent. */
struct stark_opening {
    const struct stark *stark;
    const uint32_t *inputs;
    const struct transcript *transcript; /* as it is before the quotient's values */
    struct extension alpha;              /* combines the constraints */
    struct extension z;
    struct extension *this_row;
    struct extension *next_row;
    struct extension *quotient;
};

/* How far the constraints at z are from the quotient there: 0 if they hold. */
struct extension stark_gap(const struct stark *stark, const uint32_t *inputs,
                           struct extension alpha, struct extension z,
                           const struct extension *this_row, const struct extension *next_row,
                           const struct extension *quotient);

/* ---- What both sides compute ---- */

/* Absorbs the statement: the AIR, the sizes, the inputs. */
void stark_absorb_statement(const struct stark *stark, const uint32_t *inputs,
                            struct transcript *transcript);

/* The coset's shift. */
uint32_t stark_shift(const struct stark *stark);

/* The point of a row of the trace. */
uint32_t stark_point_of(const struct stark *stark, enum air_row row);

/* Is that boundary enforced? Not if the check of the end is left out (checks.h). */
bool stark_binds(const struct stark *stark, const struct air_boundary *boundary);

/* The size of a proof, which is the same for all. */
size_t stark_proof_bytes(const struct stark *stark);

/* Columns of the committed quotient. */
size_t stark_quotient_columns(const struct stark *stark);

#endif
