/*
 * test_misuse_large.c - frees of addresses inside blocks that span chunks: of chunks that the block does not start in, so
 * that its own chunk's books show nothing.
 */
#include "fresh.h"
#include "slab.h"

static void next_phase(void)
{
    end_phase();
    begin_phase();
}

/* Runs phases that would reuse the memory of anything wrongly taken for dead. */
static void use_what_is_free(size_t block_bytes, size_t bytes)
{
    for (unsigned phase = 0; phase < 3; phase++) {
        next_phase();
        for (size_t used = 0; used < bytes; used += granules(block_bytes))
            memset(arena_block(block_bytes), 0xee, block_bytes);
    }
}

/* The block grows over the chunk that bumping is in, from which nothing has been served yet. */
static void freed_inside_what_has_grown(void)
{
    const size_t chunk = zk_chunk_bytes();
    char *p;

    begin_phase();
    p = arena_block(chunk + chunk / 2);
    CHECK(zk_realloc(p, 4 * chunk) == p);
    fill(p, 4 * chunk, 1);
    zk_free(p + chunk + chunk / 4);
    use_what_is_free(5000, 8 * chunk);
    CHECK(is_filled(p, 4 * chunk, 1));
    zk_free(p);
    use_what_is_free(5000, 8 * chunk);
    CHECK(stats_now().misuses > 0);
}

/* As many frees as blocks, and one lives. The next block that is served spans its chunk. */
static void freed_inside_beside_large_blocks(void)
{
    const size_t chunk = zk_chunk_bytes();
    char *before;
    char *kept;

    begin_phase();
    before = arena_block(6 * chunk);
    kept = arena_block(5 * chunk);
    zk_free(before);
    zk_free(kept + ZK_GRANULE);
    next_phase();
    arena_block(20 * chunk);
    CHECK(!"reached");
}

/* A list of blocks, linked by their first bytes. */
struct link {
    struct link *next;
};

/* Blocks of the smallest size, up to the first that starts at `last` or above. */
static struct link *fill_up_to(const char *last)
{
    struct link *blocks = NULL;

    do {
        struct link *made = arena_block(ZK_GRANULE);

        made->next = blocks;
        blocks = made;
    } while ((char *)blocks < last);
    return blocks;
}

/* The block dies; then the smallest blocks are served from its memory, and one of them starts at the address that was
 * freed. All others are freed: as many addresses as there are blocks, and their sum is right too. */
static void freed_where_a_block_starts_later(void)
{
    char *large;
    char *wrong;
    struct link *kept;

    begin_phase();
    large = arena_block(8 * zk_chunk_bytes());
    wrong = slab_start_of(large) + 2 * zk_chunk_bytes() + 1600;
    zk_free(wrong);
    zk_free(large);
    next_phase();
    kept = fill_up_to(wrong);
    CHECK((char *)kept == wrong);
    for (struct link *next, *each = kept->next; each != NULL; each = next) {
        next = each->next;
        zk_free(each);
    }
    fill(kept, ZK_GRANULE, 2);
    use_what_is_free(ZK_GRANULE, 4 * zk_chunk_bytes());
    CHECK(is_filled(kept, ZK_GRANULE, 2));
}

#define GOES_ON                                                                                    \
    .env = {ALL_SIZES, SLAB_64M, UNTENURED, "ZK_ALLOC_MISUSE=ignore"},                             \
    .says = {"zkalloc: free(0x", "ignored"}

static const struct CMUnitTest tests[] = {
    FRESH(freed_inside_beside_large_blocks, .env = {ALL_SIZES, SLAB_64M, UNTENURED},
          .status = 128 + SIGABRT, .says = {"zkalloc: free(0x", "16 bytes inside"}),
    FRESH_AS("what has grown is named", freed_inside_what_has_grown,
             .env = {ALL_SIZES, SLAB_64M, UNTENURED}, .status = 128 + SIGABRT,
             .says = {"zkalloc: free(0x", " bytes inside of one of ", "aborting"}),
    FRESH(freed_inside_what_has_grown, GOES_ON),
    FRESH(freed_where_a_block_starts_later, GOES_ON),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
