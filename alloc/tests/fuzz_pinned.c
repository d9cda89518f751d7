/*
 * fuzz_pinned.c - the oracle's operations, from libFuzzer's bytes. One process runs all inputs:
 * each ends with everything freed, and the oracle checks that the slabs are as good as new then.
 *
 * scripts/fuzz.sh SECONDS builds and runs it. An input that fails is kept in build-fuzz/; to run it
 * again: build-fuzz/alloc/fuzz_pinned FILE.
 */
#include "oracle.h"

enum { ops_most = 400 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct oracle_setup setup = {
        .recycle = ZK_RECYCLE_PINNED,
        .nesting = ZK_NESTING_RECYCLE,
        .slab_bytes = (size_t)2 << 20,
        .threads = 3,
    };
    static struct oracle oracle = {.aborts = true};
    struct oracle_op ops[ops_most];

    if (oracle.setup.threads == 0)
        oracle_start(&oracle, &setup);
    oracle.progress = 0;
    oracle_run(&oracle, ops, oracle_decode(bytes, size, &setup, ops, ops_most));
    return 0;
}
