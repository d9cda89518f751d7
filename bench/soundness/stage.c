/*
 * stage.c - the four provers, which are programs of their own (bench/prove_*.c): the main of each
 * is linked under another name, and hands over its workload when it calls workload_main, which this
 * file replaces.
 */
#include "stage.h"

#include "hashsig.h"
#include "mains.h"
#include "phase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { weak_queries = 2, weak_grinding_bits = 30 };

int __wrap_workload_main(const struct workload *workload, int argc, char **argv);

static const struct {
    int (*main)(int argc, char **argv);
    const char *name;
    enum protocol protocol;
    const struct field31 *field;
    unsigned log_size;
    unsigned claims;
} provers[PROVERS] = {
    [PROVER_FRI] = {prove_fri_main, "fri", PROTOCOL_STARK, &field31_babybear, 3, 1},
    [PROVER_HASHSIG] = {prove_hashsig_main, "hashsig", PROTOCOL_HASHSIG, &field31_koalabear, 0, 1},
    [PROVER_ROUNDS] = {prove_rounds_main, "rounds", PROTOCOL_STARK, &field31_koalabear, 3, 2},
    [PROVER_SUMCHECK] = {prove_sumcheck_main, "sumcheck", PROTOCOL_SUMCHECK, NULL, 3, 16},
};

static const struct workload *given;

int __wrap_workload_main(const struct workload *workload, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    given = workload;
    return 0;
}

const char *prover_name(enum prover prover)
{
    return provers[prover].name;
}

/* ---- The undamaged proof ---- */

const struct memory_block *stage_matrix_at(const struct stage *stage, const struct memory *memory,
                                           enum watch_moment moment, const void *context)
{
    const struct memory_block *newest;

    if (moment != WATCH_EXTENDED || memory->count == 0)
        return NULL;
    newest = &memory->blocks[memory->count - 1];
    if (newest->kind != WATCH_EXTENSION)
        return NULL;
    return stage->protocol == PROTOCOL_HASHSIG && context == NULL ? NULL : newest;
}

static void keep_matrix(struct stage *stage, const struct memory_block *block)
{
    struct stage_matrix *matrix = &stage->matrices[stage->matrix_count++];

    if (stage->matrix_count > STAGE_MATRICES_MOST) {
        fprintf(stderr, "soundness: %s: too many matrices: want STAGE_MATRICES_MOST raised\n",
                prover_name(stage->prover));
        exit(3);
    }
    matrix->bytes = workload_zeroed(block->bytes);
    matrix->count = block->bytes;
    memcpy(matrix->bytes, block->start, block->bytes);
}

static void record(void *self, struct memory *memory, enum watch_moment moment, void *context)
{
    struct stage *stage = self;
    const struct memory_block *matrix = stage_matrix_at(stage, memory, moment, context);

    if (moment == WATCH_GRINDING && stage->weakening.queries > 0)
        *(unsigned *)context = 0; /* as the liar does */
    if (matrix != NULL)
        keep_matrix(stage, matrix);
    for (size_t i = 0; i < memory->count; i++) {
        if (stage->count == STAGE_TARGETS_MOST) {
            fprintf(stderr, "soundness: %s: too many blocks: want STAGE_TARGETS_MOST raised\n",
                    prover_name(stage->prover));
            exit(3);
        }
        stage->targets[stage->count++] =
            (struct stage_target){memory->blocks[i].kind, moment, memory->event, (unsigned)i};
    }
}

static int by_kind_and_moment(const void *a, const void *b)
{
    const struct stage_target *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->moment != y->moment)
        return x->moment < y->moment ? -1 : 1;
    if (x->event != y->event)
        return x->event < y->event ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

static void make_undamaged(struct stage *stage)
{
    const bool grinds =
        stage->weakening.queries == 0 || left_out(stage->weakening.left_out, CHECK_GRINDING);
    const struct workload *workload = stage->workload;
    struct workload_proof *proof = &stage->undamaged;

    stage->targets = workload_zeroed(STAGE_TARGETS_MOST * sizeof *stage->targets);
    memory_observe(record, stage);
    *proof = workload->prove(stage->state, STAGE_INDEX);
    memory_observe(NULL, NULL);
    qsort(stage->targets, stage->count, sizeof *stage->targets, by_kind_and_moment);
    if (workload->verify(stage->state, STAGE_INDEX, proof->data, proof->bytes) == grinds &&
        workload->is_true(stage->state, STAGE_INDEX, proof->data, proof->bytes))
        return;
    fprintf(stderr, "soundness: %s: its undamaged proof is not what it should be\n",
            prover_name(stage->prover));
    exit(3);
}

void stage_set_up(struct stage *stage, enum prover prover, unsigned left_out, bool weak,
                  uint64_t seed)
{
    static struct phase_sample unread;
    struct workload_options options = {
        .log_size = provers[prover].log_size,
        .threads = 1,
        .seed = seed,
        .weakening = {.left_out = left_out},
    };
    struct memory none;

    if (weak && provers[prover].protocol != PROTOCOL_SUMCHECK) {
        options.weakening.queries = weak_queries;
        options.weakening.grinding_bits = weak_grinding_bits;
    }
    provers[prover].main(0, NULL);
    phase_measure(&unread);
    memory_keep(&none);
    *stage = (struct stage){
        .prover = prover,
        .protocol = provers[prover].protocol,
        .field = provers[prover].field,
        .claims = provers[prover].claims,
        .workload = given,
        .weakening = options.weakening,
    };
    stage->state = given->set_up(&options);
    make_undamaged(stage);
    memory_keep(&stage->before);
}

void stage_tear_down(struct stage *stage)
{
    memory_restore(&stage->before);
    stage->workload->tear_down(stage->state);
    free(stage->undamaged.data);
    for (size_t i = 0; i < stage->matrix_count; i++)
        free(stage->matrices[i].bytes);
    free(stage->targets);
}
