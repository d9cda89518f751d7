/*
 * static_client.c - proofs of two phases, for libbench_static.so: blocks keep their contents,
 * whether or not the program does what it did in its first proof.
 *
 *     static_client same     every proof is like the first: the blocks of the second come back in the third,
 *                            and what is freed is used again
 *     static_client differ   sizes differ at random, blocks stay over a proof, a new thread comes
 *
 * Exit status 1 and a line for each check that fails.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((weak)) int zk_begin_phase(void);
__attribute__((weak)) int zk_end_phase(void);

enum { blocks = 300, proofs = 12, kept = 20 };

struct block {
    unsigned char *p;
    size_t bytes;
};

static unsigned failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Every block is filled with a value of its own. */
static void fill(const struct block *block, unsigned tag)
{
    memset(block->p, (int)(tag % 255 + 1), block->bytes);
}

static void check_filled(const struct block *block, unsigned tag)
{
    for (size_t i = 0; i < block->bytes; i++)
        if (block->p[i] != tag % 255 + 1) {
            CHECK(!"a block has lost its bytes");
            return;
        }
}

static bool is_zero(const struct block *block)
{
    for (size_t i = 0; i < block->bytes; i++)
        if (block->p[i] != 0)
            return false;
    return true;
}

/* Uses each way to allocate in turn. */
static struct block make(unsigned i, size_t bytes)
{
    struct block block = {NULL, bytes};
    void *p = NULL;

    switch (i % 4) {
    case 0:
        block.p = malloc(bytes);
        break;
    case 1:
        block.p = calloc(1, bytes);
        CHECK(block.p != NULL && is_zero(&block));
        break;
    case 2:
        CHECK(posix_memalign(&p, (size_t)64 << i % 7, bytes) == 0);
        CHECK(((uintptr_t)p & (((size_t)64 << i % 7) - 1)) == 0);
        block.p = p;
        break;
    default:
        block.p = malloc(bytes / 2 + 1);
        if (block.p != NULL) {
            memset(block.p, 7, bytes / 2 + 1);
            block.p = realloc(block.p, bytes);
            CHECK(block.p != NULL && block.p[0] == 7 && block.p[bytes / 2] == 7);
        }
    }
    if (block.p == NULL)
        abort();
    CHECK(malloc_usable_size(block.p) >= bytes);
    return block;
}

struct work {
    struct block made[blocks];
    uint64_t seed;
    bool differ;
    bool free_all;
};

/* Every third is freed as soon as the next is there; the rest lives to the end of the phase. */
static void *run_part(void *arg)
{
    struct work *work = arg;
    uint64_t sizes = 42;
    uint64_t changes = work->seed;

    for (unsigned i = 0; i < blocks; i++) {
        size_t bytes = (size_t)1 << next_random(&sizes) % 16;

        bytes += next_random(&sizes) % bytes;
        if (work->differ && next_random(&changes) % 8 == 0)
            bytes = next_random(&changes) % 65536 + 1;
        work->made[i] = make(i, bytes);
        fill(&work->made[i], i);
        if (i % 3 == 1) {
            check_filled(&work->made[i - 1], i - 1);
            free(work->made[i - 1].p);
            work->made[i - 1].p = NULL;
        }
    }
    for (unsigned i = 0; i < blocks; i++) {
        if (work->made[i].p == NULL)
            continue;
        check_filled(&work->made[i], i);
        if (work->free_all) {
            free(work->made[i].p);
            work->made[i].p = NULL;
        }
    }
    return NULL;
}

/* ---- The other thread: runs one part each time, and leaves its blocks to main ------------------------------ */

static struct {
    pthread_barrier_t meet;
    struct work work;
    bool stop;
} other;

static void *run_other(void *arg)
{
    for (;;) {
        pthread_barrier_wait(&other.meet);
        if (other.stop)
            return arg;
        run_part(&other.work);
        pthread_barrier_wait(&other.meet);
    }
}

static void free_others(void)
{
    for (unsigned i = 0; i < blocks; i++) {
        if (other.work.made[i].p != NULL)
            check_filled(&other.work.made[i], i);
        free(other.work.made[i].p);
    }
}

/* One phase, the same in all proofs unless they differ. */
static void run_phase(struct work *work, unsigned proof)
{
    zk_begin_phase();
    work->seed = other.work.seed = proof * 7919 + 1;
    work->differ = other.work.differ;
    work->free_all = true;
    pthread_barrier_wait(&other.meet);
    run_part(work);
    pthread_barrier_wait(&other.meet);
    free_others();
    zk_end_phase();
}

/* The second phase of a proof: blocks that stay until the next proof is over, if proofs differ. */
static void run_second(struct block *keep, struct block *seen, unsigned proof)
{
    bool differ = other.work.differ;

    zk_begin_phase();
    for (unsigned i = 0; i < kept; i++) {
        struct block block = make(0, 5000);

        fill(&block, i);
        if (!differ && proof > 1)
            CHECK(block.p == seen[i].p);
        seen[i] = block;
        if (!differ || i % 2 == 0) {
            free(block.p);
            continue;
        }
        check_filled(&keep[i], 200 + i);
        free(keep[i].p);
        keep[i] = block;
        fill(&keep[i], 200 + i);
    }
    zk_end_phase();
    if (!differ && proof > 0) /* each got the same buffer as the one before */
        CHECK(seen[0].p == seen[kept - 1].p);
}

int main(int argc, char **argv)
{
    static struct work mine;
    static struct work late = {.seed = 5, .free_all = true};
    static struct block keep[kept];
    static struct block seen[kept];
    pthread_t thread;
    pthread_t late_thread;

    if (argc != 2 || zk_begin_phase == NULL) {
        fputs("usage: LD_PRELOAD=libbench_static.so static_client same|differ\n", stderr);
        return 2;
    }
    other.work.differ = strcmp(argv[1], "differ") == 0;
    pthread_barrier_init(&other.meet, NULL, 2);
    if (pthread_create(&thread, NULL, run_other, NULL) != 0)
        return 2;
    for (unsigned proof = 0; proof < proofs; proof++) {
        run_phase(&mine, proof);
        run_second(keep, seen, proof);
    }
    zk_begin_phase();
    if (other.work.differ && pthread_create(&late_thread, NULL, run_part, &late) == 0)
        pthread_join(late_thread, NULL);
    zk_end_phase();
    other.stop = true;
    pthread_barrier_wait(&other.meet);
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < kept; i++)
        free(keep[i].p);
    return failures != 0;
}
