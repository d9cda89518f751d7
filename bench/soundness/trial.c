/*
 * trial.c - makes proofs in child processes. A child goes on until it dies, or until it has damaged
 * something that outlives a proof; then the next child takes over. The outcomes are in memory that
 * the children share with the parent.
 */
#include "trial.h"

#include "hashsig_protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { limit_s = 120, status_not_begun = 99 };

/* A table counts as far from the right one if more than 3 of 8 rows differ: up to that, at rate
 * 1/4, no other table is as near. */
enum { far_of = 8, far_least = 3 };

/* The proof in the making. */
struct making {
    const struct stage *stage;
    const struct trial *trial;
    struct forger forger;
    struct damage_sharing sharing;
    uint8_t *previous; /* the block of the previous proof */
    size_t previous_bytes;
    uint64_t random;
    bool far;              /* hashsig: the committed matrix is neither the table nor near it */
    size_t matrices;       /* committed to so far */
    size_t damaged_matrix; /* the last one that existed when the damage was done */
    bool opened_undamaged; /* a row that the undamaged proof's matrix has */
    bool opened_other;     /* a row that it has not */
};

/* In memory that is shared with children. */
struct progress {
    size_t next; /* the trial that is being run, or to be run next */
    struct verdict verdicts[];
};

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[OUTCOMES] = {"refused", "failed", "unchanged", "differs",
                                                "false"};

    return names[outcome];
}

const char *reason_name(enum reason reason)
{
    static const char *const names[REASONS] = {"-", "unopened", "unknown"};

    return names[reason];
}

/* ---- One proof, in a child ---- */

static void remember_block(void *self, struct memory *memory, enum watch_moment moment,
                           void *context)
{
    struct making *making = self;
    const struct stage_target *target = &making->trial->target;

    (void)moment;
    (void)context;
    if (memory->event == target->event) {
        const struct memory_block *block = &memory->blocks[target->position];

        making->previous = workload_zeroed(block->bytes);
        making->previous_bytes = block->bytes;
        memcpy(making->previous, block->start, block->bytes);
    }
}

/* Of two matrices of so many rows, how many rows differ? */
static size_t rows_that_differ(const uint8_t *a, const uint8_t *b, size_t rows, size_t row_bytes)
{
    size_t differ = 0;

    for (size_t row = 0; row < rows; row++)
        differ += memcmp(a + row * row_bytes, b + row * row_bytes, row_bytes) != 0;
    return differ;
}

static void look_at_table(struct making *making, const struct memory_block *block)
{
    const size_t row_bytes = HASHSIG_COLUMNS * sizeof(uint32_t), rows = block->bytes / row_bytes;
    const uint8_t *right = making->stage->matrices[0].bytes;

    making->far =
        rows_that_differ(block->start, right, rows, row_bytes) * far_of > rows * far_least;
}

/* A row has just been opened: is it the undamaged proof's? If a prover makes several proofs, those
 * after the damaged one have other statements. */
static void look_at_row(struct making *making, const struct memory *memory,
                        const struct fri_answer *answer)
{
    const size_t which = making->matrices - 1;
    const struct stage_matrix *matrix = &making->stage->matrices[which];
    const size_t row_bytes = matrix->count >> answer->fri->log_size;
    const size_t at = answer->index * row_bytes;

    for (size_t i = 0; i < memory->count && which <= making->damaged_matrix; i++) {
        const struct memory_block *block = &memory->blocks[i];

        if (block->kind != WATCH_EXTENSION || block->bytes != matrix->count)
            continue;
        if (memcmp(block->start + at, matrix->bytes + at, row_bytes) == 0)
            making->opened_undamaged = true;
        else
            making->opened_other = true;
    }
}

/* Records what is to be known, after an event's damage is done. */
static void look(struct making *making, const struct memory_block *matrix)
{
    if (matrix != NULL)
        making->matrices++;
    if (matrix != NULL && making->stage->protocol == PROTOCOL_HASHSIG)
        look_at_table(making, matrix);
}

static void on_event(void *self, struct memory *memory, enum watch_moment moment, void *context)
{
    struct making *making = self;
    const struct trial *trial = making->trial;
    const struct memory_block *matrix = stage_matrix_at(making->stage, memory, moment, context);

    if (moment == WATCH_ANSWERING)
        look_at_row(making, memory, context);
    forge_event(&making->forger, memory, moment, context);
    if (making->sharing.on)
        damage_share(memory, &making->sharing);
    if (trial->damaged && memory->event == trial->target.event) {
        making->damaged_matrix = making->matrices > 0 ? making->matrices - 1 : 0;
        damage_block(trial->damage, memory, &memory->blocks[trial->target.position],
                     making->previous, &making->random, &making->sharing);
    }
    look(making, matrix);
}

static struct workload_proof make(struct making *making)
{
    const struct stage *stage = making->stage;
    const struct trial *trial = making->trial;
    struct workload_proof proof;

    if (trial->damaged && damage_needs_previous(trial->damage)) {
        memory_restore(&stage->before);
        memory_observe(remember_block, making);
        proof = stage->workload->prove(stage->state, STAGE_INDEX - 1);
        free(proof.data);
    }
    memory_restore(&stage->before);
    memory_observe(on_event, making);
    proof = stage->workload->prove(stage->state, STAGE_INDEX);
    memory_observe(NULL, NULL);
    return proof;
}

static enum outcome outcome_of(const struct making *making, const struct workload_proof *proof)
{
    const struct stage *stage = making->stage;
    const struct workload *workload = stage->workload;

    if (proof->bytes == 0)
        return OUTCOME_FAILED;
    if (proof->bytes == stage->undamaged.bytes &&
        memcmp(proof->data, stage->undamaged.data, proof->bytes) == 0)
        return OUTCOME_UNCHANGED;
    if (!workload->verify(stage->state, STAGE_INDEX, proof->data, proof->bytes))
        return OUTCOME_REFUSED;
    if (making->far || !workload->is_true(stage->state, STAGE_INDEX, proof->data, proof->bytes))
        return OUTCOME_FALSE;
    return OUTCOME_DIFFERS;
}

static struct verdict run_one(const struct stage *stage, const struct trial *trial)
{
    struct making *making = workload_zeroed(sizeof *making);
    struct workload_proof proof;
    struct verdict verdict = {0};

    making->stage = stage;
    making->trial = trial;
    making->random = trial->random;
    making->forger.tactic = trial->tactic;
    making->forger.protocol = stage->protocol;
    making->forger.field = stage->field;
    making->forger.claim = trial->claim;
    making->forger.random = ~trial->random;
    proof = make(making);
    verdict.outcome = (uint8_t)outcome_of(making, &proof);
    if (verdict.outcome == OUTCOME_DIFFERS)
        verdict.reason =
            making->opened_undamaged && !making->opened_other ? REASON_UNOPENED : REASON_UNKNOWN;
    free(proof.data);
    free(making->previous);
    free(making);
    return verdict;
}

/* Does the damage change what the next proof in this process reads? */
static bool taints(const struct stage *stage, const struct trial *trial)
{
    if (trial->tactic == TACTIC_LIE && stage->protocol == PROTOCOL_HASHSIG)
        return true;
    return trial->damaged &&
           (trial->target.kind == WATCH_TABLES || trial->target.kind == WATCH_WITNESS);
}

_Noreturn static void run_in_child(const struct stage *stage, const struct trial *trials,
                                   size_t count, struct progress *progress)
{
    bool tainted = false;

    if (freopen("/dev/null", "w", stderr) == NULL)
        _exit(status_not_begun);
    while (progress->next < count && !tainted) {
        const struct trial *trial = &trials[progress->next];

        alarm(limit_s);
        progress->verdicts[progress->next] = run_one(stage, trial);
        tainted = taints(stage, trial);
        progress->next++;
    }
    _exit(0);
}

/* ---- All of them ---- */

static void give_up(const char *what)
{
    fprintf(stderr, "soundness: %s: %s\n", what, strerror(errno));
    exit(3);
}

void trial_run(const struct stage *stage, const struct trial *trials, size_t count,
               struct verdict *verdicts)
{
    const size_t bytes = sizeof(struct progress) + count * sizeof *verdicts;
    struct progress *progress =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (progress == MAP_FAILED)
        give_up("mmap");
    while (progress->next < count) {
        const pid_t child = fork();
        int status;

        if (child < 0)
            give_up("fork");
        if (child == 0)
            run_in_child(stage, trials, count, progress);
        if (waitpid(child, &status, 0) != child)
            give_up("waitpid");
        if (WIFEXITED(status) && WEXITSTATUS(status) == status_not_begun)
            give_up("/dev/null");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            progress->verdicts[progress->next++] = (struct verdict){.outcome = OUTCOME_FAILED};
    }
    memcpy(verdicts, progress->verdicts, count * sizeof *verdicts);
    munmap(progress, bytes);
}

/* Runs those of the trials that are for one stage. */
static void run_on(const struct stage *stage, bool weak, const struct trial *trials, size_t count,
                   struct verdict *verdicts)
{
    struct trial *some = workload_zeroed(count * sizeof *some);
    struct verdict *these = workload_zeroed(count * sizeof *these);
    size_t chosen = 0;

    for (size_t i = 0; i < count; i++)
        if (trials[i].prover == stage->prover && trial_is_weak(trials[i].tactic) == weak)
            some[chosen++] = trials[i];
    trial_run(stage, some, chosen, these);
    chosen = 0;
    for (size_t i = 0; i < count; i++)
        if (trials[i].prover == stage->prover && trial_is_weak(trials[i].tactic) == weak)
            verdicts[i] = these[chosen++];
    free(some);
    free(these);
}

void trial_run_both(const struct stage stages[2], const struct trial *trials, size_t count,
                    struct verdict *verdicts)
{
    for (unsigned weak = 0; weak < 2; weak++)
        run_on(&stages[weak], weak == 1, trials, count, verdicts);
}
