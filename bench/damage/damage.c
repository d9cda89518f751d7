/*
 * damage.c - can a prover whose memory was damaged make a proof that verifies, and of something false?
 *
 * Linked to a prover in the place of its driver (-Wl,--wrap, see CMakeLists.txt): it knows which blocks of the
 * proof in the making are alive, and at a random moment overwrites 17 random bytes at a random place in them,
 * as many as a stale push of a job queue does. Each proof is made in a child, on one thread, so that a run is
 * determined by its seed.
 *
 * A proof begins with what it claims: the end to which the rounds lead. The undamaged proof tells the true one.
 */
#include "workload.h"

#include "phase.h"

#include <errno.h>
#include <getopt.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    stray_bytes = 17,
    claim_bytes =
        16 * 4, /* at least; all that matters is that a claim that differs, differs here */
    limit_s = 60,
    blocks_most = 4096
};

enum outcome { UNHARMED, OTHER_PROOF, FALSE_PROOF, REJECTED, DIED, OUTCOMES };

static const char *const meanings[OUTCOMES] = {
    [UNHARMED] = "are the undamaged ones, byte for byte: nobody read the bytes again",
    [OTHER_PROOF] = "differ, and verify for the true end",
    [FALSE_PROOF] = "verify for a false end",
    [REJECTED] = "are rejected by the verifier",
    [DIED] = "were not made: the prover crashed, or did not end",
};
static const char *const names[OUTCOMES] = {"unharmed", "other", "false", "rejected", "died"};

/* The proof in the making. One thread. */
static struct {
    bool on;
    uint64_t events; /* allocations and frees so far */
    uint64_t strike; /* the event at which damage is done; 0: never */
    uint64_t random;
    struct {
        char *start;
        size_t bytes;
    } blocks[blocks_most];
    size_t count;
    size_t bytes; /* of all */
} making;

void *__real_workload_alloc(size_t bytes);
void *__wrap_workload_alloc(size_t bytes);
void *__real_workload_zeroed(size_t bytes);
void *__wrap_workload_zeroed(size_t bytes);
void __real_free(void *p);
void __wrap_free(void *p);
int __wrap_workload_main(const struct workload *workload, int argc, char **argv);

static void damage(void)
{
    size_t at = (size_t)(workload_random(&making.random) % making.bytes);
    size_t i = 0;

    for (; at >= making.blocks[i].bytes; i++)
        at -= making.blocks[i].bytes;
    for (size_t end = at + stray_bytes; at < end && at < making.blocks[i].bytes; at++)
        making.blocks[i].start[at] = (char)workload_random(&making.random);
}

static void count_event(void)
{
    making.events++;
    if (making.events == making.strike && making.count == 0)
        making.strike++; /* there is nothing to damage yet */
    else if (making.events == making.strike)
        damage();
}

static void *remember(void *p, size_t bytes)
{
    if (!making.on)
        return p;
    count_event();
    if (making.count < blocks_most) {
        making.blocks[making.count].start = p;
        making.blocks[making.count++].bytes = bytes;
        making.bytes += bytes;
    }
    return p;
}

void *__wrap_workload_alloc(size_t bytes)
{
    return remember(__real_workload_alloc(bytes), bytes);
}

void *__wrap_workload_zeroed(size_t bytes)
{
    return remember(__real_workload_zeroed(bytes), bytes);
}

void __wrap_free(void *p)
{
    if (making.on && p != NULL) {
        count_event();
        for (size_t i = making.count; i-- > 0;) {
            if (making.blocks[i].start != p)
                continue;
            making.bytes -= making.blocks[i].bytes;
            making.blocks[i] = making.blocks[--making.count];
            break;
        }
    }
    __real_free(p);
}

static struct workload_proof make(const struct workload *workload, void *state, uint64_t strike,
                                  uint64_t random)
{
    struct workload_proof proof;

    making.events = making.count = making.bytes = 0;
    making.strike = strike;
    making.random = random;
    making.on = true;
    proof = workload->prove(state, 0);
    making.on = false;
    return proof;
}

/* In the child. */
static enum outcome judge(const struct workload *workload, const void *state,
                          const struct workload_proof *proof,
                          const struct workload_proof *undamaged)
{
    size_t bytes = proof->bytes;

    if (bytes == undamaged->bytes && memcmp(proof->data, undamaged->data, bytes) == 0)
        return UNHARMED;
    if (!workload->verify(state, 0, proof->data, bytes))
        return REJECTED;
    return memcmp(proof->data, undamaged->data, claim_bytes) == 0 ? OTHER_PROOF : FALSE_PROOF;
}

static enum outcome outcome_of(const struct workload *workload, void *state, uint64_t strike,
                               uint64_t random, const struct workload_proof *undamaged)
{
    pid_t child = fork();
    int status;

    if (child < 0) {
        fprintf(stderr, "%s: fork: %s\n", workload->name, strerror(errno));
        exit(3);
    }
    if (child == 0) {
        struct workload_proof proof;

        alarm(limit_s);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(DIED);
        proof = make(workload, state, strike, random);
        _exit((int)judge(workload, state, &proof, undamaged));
    }
    if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) < OUTCOMES)
        return (enum outcome)WEXITSTATUS(status);
    return DIED;
}

static unsigned number(const struct workload *workload, const char *text, unsigned most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || value == 0 || value > most) {
        fprintf(stderr, "%s: %s: want a number from 1 to %u\n", workload->name, text, most);
        exit(2);
    }
    return (unsigned)value;
}

static void usage(const struct workload *workload)
{
    printf("usage: %s_damaged [--proofs N] [--log-size N] [--seed N] [--tsv]\n"
           "Makes N proofs (400), overwrites 17 bytes of the prover's memory during each, at "
           "random, and\n"
           "tells what became of them. Exit status: 0 none verifies for a false end, 1 one does, 2 "
           "usage.\n",
           workload->name);
}

struct command {
    struct workload_options how;
    unsigned proofs;
    bool tsv;
};

static struct command parse(const struct workload *workload, int argc, char **argv)
{
    static const struct option options[] = {
        {"proofs", required_argument, NULL, 'n'}, {"log-size", required_argument, NULL, 'l'},
        {"seed", required_argument, NULL, 's'},   {"tsv", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    struct command command = {
        .how = {.iterations = 1, .log_size = 6, .threads = 1, .seed = 1},
        .proofs = 400,
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter == 'n') {
            command.proofs = number(workload, optarg, 1000000);
        } else if (letter == 'l') {
            command.how.log_size = number(workload, optarg, workload->log_size_most);
        } else if (letter == 's') {
            command.how.seed = number(workload, optarg, 1000000000);
        } else if (letter == 't') {
            command.tsv = true;
        } else {
            usage(workload);
            exit(letter == 'h' ? 0 : 2);
        }
    }
    return command;
}

static void print(const struct command *command, const unsigned counts[OUTCOMES])
{
    if (!command->tsv)
        printf("%u proofs, with 17 bytes of the prover's memory overwritten while each was made:\n",
               command->proofs);
    for (int i = 0; i < OUTCOMES; i++) {
        if (command->tsv)
            printf("%s\t%u\n", names[i], counts[i]);
        else
            printf("  %6u %s\n", counts[i], meanings[i]);
    }
}

int __wrap_workload_main(const struct workload *workload, int argc, char **argv)
{
    static struct phase_sample unread;
    const struct command command = parse(workload, argc, argv);
    unsigned counts[OUTCOMES] = {0};
    uint64_t random = command.how.seed;
    struct workload_proof undamaged;
    uint64_t events;
    void *state;

    omp_set_num_threads(1);
    phase_measure(&unread);
    state = workload->set_up(&command.how);
    undamaged = make(workload, state, 0, 0);
    events = making.events;
    for (unsigned i = 0; i < command.proofs; i++) {
        uint64_t strike = 1 + workload_random(&random) % events;

        counts[outcome_of(workload, state, strike, workload_random(&random), &undamaged)]++;
    }
    print(&command, counts);
    free(undamaged.data);
    workload->tear_down(state);
    return counts[FALSE_PROOF] == 0 ? 0 : 1;
}
