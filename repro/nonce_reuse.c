/*
 * nonce_reuse - signatures of two phases have the same nonce: all verify, and the key is computed from them.
 *
 * The nonces come from a thread's random generator, whose state was overwritten at a boundary
 * (random_state): each phase finds it in the same state, made of the same data. Two signatures with
 * one nonce are two equations in two unknowns, one of which is the key.
 */
#include "models/crates.h"
#include "models/modular.h"
#include "models/schnorr.h"
#include "models/thread_random.h"
#include "repro.h"

/* The signer's key; it is in static memory, and no allocator is involved. */
static const uint64_t key = UINT64_C(0x1BADC0DE5EED1234);
_Static_assert(UINT64_C(0x1BADC0DE5EED1234) < SCHNORR_ORDER, "a key is below the group's order");

static struct schnorr_signature sign(uint64_t message)
{
    uint64_t high = thread_random();
    uint64_t low = thread_random();

    return schnorr_sign(key, message, mod_reduce(high, low, SCHNORR_ORDER));
}

/* What anybody who has two signatures can do. */
static void attack(struct repro_run *run, struct schnorr_signature before,
                   struct schnorr_signature now, unsigned phase)
{
    if (schnorr_key_of(before, now) == key)
        repro_wrong(
            run,
            "all signatures verify, and the signer's key was computed from those of phases %u and %u",
            phase - 1, phase);
}

static void body(struct repro_run *run)
{
    const uint64_t public_key = schnorr_public(key);
    struct schnorr_signature before = {0, 0};

    crates_choose((enum crates)repro_option(run, "crates"));
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        struct schnorr_signature now;

        if (!repro_begin(run))
            return;
        now = sign(phase);
        if (!schnorr_verify(public_key, phase, now))
            repro_wrong(run, "the signature of phase %u does not verify", phase);
        if (phase > 0)
            attack(run, before, now, phase);
        before = now;
        repro_end(run);
    }
    thread_random_end();
}

static const struct repro_option options[] = {
    CRATES_OPTION,
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--crates 2026",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 369",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z34", "secrecy",
     "Signatures of two phases whose nonces come from an overwritten generator have the same nonce: "
     "all verify, and the signing key is computed from two of them",
     "critical",
     "fixed by routing from MIN_BYTES 369 on (rand 0.8.5; 353 with 0.9.5); by nonces that are derived from the key and the message",
     REPRO_NONE, REPRO_CORRUPT},
    {0},
};

const struct repro repro = {
    .id = "R47",
    .slug = "nonce_reuse",
    .class = "random generator",
    .title = "signatures of two phases have one nonce: all verify, and the key is computed",
    .seed = "-",
    .severity = "critical",
    .explain =
        "A Schnorr signature is nonce + challenge * key, modulo the group's order, beside the challenge,\n"
        "which is a hash of the nonce's commitment, the public key and the message. One signature hides\n"
        "the key behind the nonce. Two signatures with the same nonce do not: their difference is\n"
        "(challenge - challenge') * key, and both challenges are public. ECDSA is the same in this.\n"
        "\n"
        "The nonce comes from the thread's random generator, which was made by the first signature, inside\n"
        "the first phase, and whose 368 bytes are the next phase's data from then on (random_state). A\n"
        "prover's data start the same way in each phase: zeros, a table of roots, the same public column. So\n"
        "the generator starts each phase in the same state, and gives the same nonce.\n"
        "\n"
        "Nothing fails. Every signature verifies here, and is checked to. The signature of the second\n"
        "phase and that of the third then give the key: it is computed, and compared with the signer's.\n"
        "\n"
        "The group is a toy of 62 bits; nothing is made of that, no logarithm is taken, and with any other\n"
        "group the same two lines compute the key.\n"
        "\n"
        "Under pinned recycling the generator's state is kept. Nonces that are derived from the key and\n"
        "the message (RFC 6979, Ed25519) need no generator, and are not affected.\n",
    .body = body,
    .filler = 0x2A2A2A2A2A2A2A2Au,
    .options = options,
    .variants = variants,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
