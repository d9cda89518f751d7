/*
 * vtable_object - a large object with a table of functions: wrong data, right dispatch.
 *
 * A boxed trait object, or an object with virtual functions, is a pointer to data and a pointer to
 * a table. The table is in read-only memory and survives anything; the data are in the arena.
 */
#include "models/virtual_object.h"
#include "repro.h"

#include <inttypes.h>
#include <stdlib.h>

enum { payload_bytes = 8192, payload_byte = 3 };
enum variant { DATA, POINTER };

static const uint64_t sentinel = 0x0123456789ABCDEFu;
static const char *const variants[] = {"data", "pointer", NULL};

static void check_fields(struct repro_run *run, const struct virtual_object *object)
{
    uint64_t bumps = virtual_object_bumps();
    uint64_t found = virtual_object_sentinel(object);
    uint64_t sum = virtual_object_payload_sum(object);

    virtual_object_bump(object);
    if (virtual_object_bumps() != bumps + 1)
        repro_wrong(run, "a call did not find its function");
    else if (found != sentinel || sum != (uint64_t)payload_bytes * payload_byte)
        repro_wrong(run, "every call finds its function; the sentinel reads %" PRIx64, found);
}

static void body(struct repro_run *run)
{
    enum variant variant = (enum variant)repro_option(run, "variant");
    struct virtual_object kept = {0};

    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (kept.data != NULL && variant == DATA)
            check_fields(run, &kept);
        else if (kept.data != NULL && virtual_object_chase(&kept) != ~sentinel)
            repro_wrong(run, "the number behind the pointer is not the one that was stored");
        /* If the bytes belong to the new phase, this object must not free them: it is just
         * replaced. */
        if (kept.data != NULL && virtual_object_sentinel(&kept) == sentinel)
            virtual_object_deinit(&kept);
        if (virtual_object_init(&kept, payload_bytes, payload_byte, sentinel) != 0)
            abort();
        repro_end(run);
    }
}

static const struct repro_option options[] = {
    {"variant", "what a method does", DATA, 0, 0, variants},
    {0},
};

static const struct repro_finding findings[] = {
    {"F24", "user_visible", "A large object behind a virtual table: wrong data, right dispatch",
     "high", "open under blind recycling at any MIN_BYTES up to the object's size"},
    {0},
};

const struct repro repro = {
    .id = "R15",
    .slug = "vtable_object",
    .class = "retained user data",
    .title = "a large object behind a table of functions: wrong data, right dispatch",
    .seed = "F24",
    .severity = "high",
    .explain =
        "An object behind a table of functions (Rust's Box<dyn Trait>, C++'s virtual functions through a\n"
        "fat pointer) has its code in read-only memory. Whatever happens to its data, a call finds its\n"
        "function. So a program that keeps such an object across a boundary does not crash: the method\n"
        "runs, on fields that the next phase has written, and returns a wrong answer with confidence. A\n"
        "method that does not look at the fields even returns the right one.\n"
        "\n"
        "Here an object of 8208 bytes is made in one phase and called in the next: its sentinel reads\n"
        "filler, the sum over its payload is wrong, and a method that only counts its calls counts on.\n"
        "\n"
        "--variant pointer: a method follows a pointer that is one of the fields. That pointer is made of\n"
        "filler; on x86-64 and aarch64 it is not even an address, and the program dies.\n",
    .body = body,
    .filler = 0x5555555555555555u,
    .options = options,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
    .variants = (const struct repro_variant[]){{"--variant pointer",
                                                {[REPRO_NONE] = REPRO_CRASH,
                                                 [REPRO_FLUSH] = REPRO_CRASH,
                                                 [REPRO_ROUTE] = REPRO_CRASH,
                                                 [REPRO_SEED] = REPRO_CRASH,
                                                 [REPRO_PINNED] = REPRO_CLEAN,
                                                 [REPRO_SYSTEM] = REPRO_CLEAN}},
                                               {0}},
    .findings = findings,
};
