/*
 * stale_secret - a message that its owner has not completely written contains the last proof's
 * secret.
 *
 * An arena reuses the bytes of any block for any other, of whatever size, without clearing them.
 * The secret was freed, nothing is kept, and the allocator has made no mistake: pinned recycling
 * does it as well as blind. A program that sends a buffer of which it has written only the first
 * part sends the rest, too.
 */
#include "repro.h"

#include <stdlib.h>
#include <string.h>

enum { secret_bytes = 16 << 10, header_bytes = 64, pieces_most = 1024 };

enum wipe { WIPE_NEVER, WIPE_PHASE, WIPE_CALL };

/* A word of that proof's secret. */
static uint64_t secret_word(unsigned proof)
{
    return UINT64_C(0x5EC2E7005EC2E700) + proof;
}

static void *make(size_t bytes)
{
    void *block = zk_malloc(bytes);

    if (block == NULL)
        abort();
    return block;
}

static bool begin(struct repro_run *run)
{
    if (zk_begin_phase() == 0)
        return true;
    repro_refused(run, "begin");
    return false;
}

/* A phase of the prover: its witness is a large block, which is freed when the proof is done.
 * *proof is what is kept: a small block, allocated after the phase. */
static bool prove(struct repro_run *run, unsigned number, void **proof)
{
    size_t bytes = repro_user_bytes(run, secret_bytes);
    uint64_t word = secret_word(number);
    unsigned pieces = 0;
    unsigned char *witness;

    if (!begin(run))
        return false;
    witness = make(bytes);
    for (size_t i = 0; i + sizeof word <= bytes; i += sizeof word)
        memcpy(witness + i, &word, sizeof word);
    zk_end_phase();
    /* Allocates small blocks until one is after the witness: otherwise an ordinary malloc would
     * merge the freed witness with the free memory after it, and the message would come from
     * both. */
    *proof = NULL;
    do {
        void **piece = make(header_bytes);

        *piece = *proof;
        *proof = piece;
    } while ((uintptr_t)*proof < (uintptr_t)witness && ++pieces < pieces_most);
    zk_free(witness);
    if (repro_option(run, "wipe") == WIPE_CALL)
        /* Under blind recycling, it reports that this has to wait for the next begin. */
        zk_wipe_phase();
    return true;
}

/* Counts what the receiver finds in the part that the sender has not written. */
static size_t secret_in(const unsigned char *message, size_t bytes, unsigned number)
{
    uint64_t word = secret_word(number);
    size_t found = 0;

    __asm__ volatile("" : "+r"(message) : : "memory"); /* whatever is there is looked at */
    for (size_t i = header_bytes; i + sizeof word <= bytes; i += sizeof word)
        found += memcmp(message + i, &word, sizeof word) == 0 ? sizeof word : 0;
    return found;
}

/* The next phase: sends a message of a fixed size of which only the header is written. */
static bool answer(struct repro_run *run, unsigned number)
{
    size_t bytes = repro_user_bytes(run, secret_bytes) / 2 * 3;
    unsigned char *message;
    size_t found;

    if (!begin(run))
        return false;
    repro_note_retained(run);
    message = make(bytes);
    memset(message, 0, header_bytes);
    found = secret_in(message, bytes, number);
    if (found > 0)
        repro_wrong(
            run,
            "%zu bytes of the last proof's secret are sent in the part of a message that its owner has not written",
            found);
    zk_free(message);
    zk_end_phase();
    return true;
}

static void choose_wipe(const struct repro_run *run)
{
    struct zk_config config;

    if (repro_option(run, "wipe") != WIPE_PHASE)
        return;
    zk_config(&config);
    config.wipe = ZK_WIPE_PHASE;
    if (zk_configure(&config) != 0)
        abort();
}

static void body(struct repro_run *run)
{
    choose_wipe(run);
    for (unsigned number = 0; number < repro_cycles(run); number++) {
        void *proof;

        repro_cycle(run);
        if (!prove(run, number, &proof) || !answer(run, number))
            return;
        while (proof != NULL) {
            void *piece = proof;

            proof = *(void **)piece;
            zk_free(piece);
        }
    }
}

static const char *const wipes[] = {"never", "phase", "call", NULL};

static const struct repro_option options[] = {
    {"wipe", "ZK_ALLOC_WIPE=phase, or zk_wipe_phase after each proof", WIPE_NEVER, 0, 0, wipes},
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--wipe phase",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--wipe call", {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z37", "secrecy",
     "Recycled memory is handed out as it is: a block that its owner has not written holds the last proof's secret, "
     "whatever its size, under pinned recycling as well; no audit sees it, since nothing is retained",
     "high", "fixed by ZK_ALLOC_WIPE=phase, and by zk_wipe_phase after each proof", REPRO_PINNED,
     REPRO_CORRUPT},
    {"Z38", "secrecy",
     "With ZK_ALLOC_WIPE=phase nothing that a phase has freed is found in the next one's blocks",
     "info",
     "the switch; what system serves is not wiped: let the arena serve every size that holds a secret",
     REPRO_PINNED, REPRO_CLEAN, "--wipe phase"},
    {0},
};

const struct repro repro = {
    .id = "R49",
    .slug = "stale_secret",
    .class = "uninitialised memory",
    .title = "a message whose owner has not written all of it holds the last proof's secret",
    .seed = "-",
    .severity = "high",
    .explain =
        "malloc says nothing of what is in a block. A program that sends more of one than it has written, a\n"
        "struct with padding or a buffer of a fixed size, sends whatever was there before. With most\n"
        "allocators that is mostly the program's own data of the same kind: they keep sizes apart, and give\n"
        "large blocks back to the system, from where they come back as zeros.\n"
        "\n"
        "A phase arena does neither: that is what makes it fast. Its first block of a phase lies where the\n"
        "first one of the last phase lay, whatever the two are. Here that is a prover's witness, 16 KiB, which\n"
        "was freed when the proof was made; and a message of 24 KiB of which the header is written. The\n"
        "witness is in the message, all of it but what the header covers.\n"
        "\n"
        "Nothing is retained, so pinned recycling does the same, no audit has anything to report, and no\n"
        "MIN_BYTES helps: these blocks are what the arena is for. glibc is clean here for it keeps the hole\n"
        "that the witness leaves for something that fits; it promises nothing of the kind.\n"
        "\n"
        "--wipe phase (ZK_ALLOC_WIPE=phase) clears what is recycled, at the boundary and inside a phase;\n"
        "--wipe call (zk_wipe_phase) does at the end of a proof, when the secrets are freed. Blocks that\n"
        "come from system are not reached by either.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CORRUPT,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
