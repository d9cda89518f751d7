/*
 * zero.c - zeroes where memory was used before. Small blocks are overwritten. A large one may be given back to the
 * kernel instead, whose zero pages cost nothing as long as nobody touches them, and a page fault each if somebody does:
 * several times what it costs to overwrite a page. So the slab learns which kind of program this is. Memory is looked
 * at in pieces. A piece of which little has been written is given back. One that has been in use is overwritten; but now
 * and then a part of one is given back all the same, and when it is to be zeroed again, its bytes tell whether it was
 * written. If it was not, all are given back from then on, until a part is found that was; if it was, the next try comes
 * later.
 */
#include "os.h"
#include "slab.h"
#include "steps.h"
#include "thread.h"

#include <string.h>

enum {
    wait_least = 4,
    wait_most = 256,
    patience_least = 64,
    patience_most = 1 << 20,
};
static const size_t piece_bytes = (size_t)4 << 20;   /* at least a page */
static const size_t tried_bytes = (size_t)256 << 10; /* of a piece: whole pages */

static size_t random_below(struct zk_zeroing *zeroing, size_t limit)
{
    /* Knuth's, of the MMIX; the low bits are poor. */
    zeroing->random = zeroing->random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(zeroing->random >> 33) % limit;
}

/* Has the program written most of these whole pages? Some are looked at, at random, so that no stride of the program's
 * decides. mincore(2) would tell of all of them, but it is on few sandboxes' lists. */
static bool is_used(struct zk_zeroing *zeroing, const char *start, const char *end)
{
    enum { enough = 8 }; /* of one kind */
    size_t page = zk_os_page_bytes();
    size_t pages = (size_t)(end - start) / page;
    size_t used = 0;
    size_t unused = 0;

    while (used < enough && unused < enough) {
        const char *p = start + random_below(zeroing, pages) * page;

        if (p[0] != 0 || memcmp(p, p + 1, page - 1) != 0)
            used++;
        else
            unused++;
    }
    return used > unused;
}

/* What was tried has to be zeroed again. */
static void judge(struct zk_zeroing *zeroing, bool used)
{
    unsigned wait = zeroing->wait < wait_least ? wait_least : 4 * zeroing->wait;

    zeroing->tried = NULL;
    zeroing->passed = 0;
    zeroing->wait = !used ? 1 : wait < wait_most ? wait : wait_most;
}

/* Judges what was tried if [start, end), which is to be zeroed, has at least half of it. */
static void judge_if_back(struct zk_zeroing *zeroing, const char *start, const char *end)
{
    const char *tried = zeroing->tried;

    if (tried == NULL || tried >= end || start >= tried + tried_bytes)
        return;
    if (start < tried)
        start = tried;
    if (end > tried + tried_bytes)
        end = tried + tried_bytes;
    if ((size_t)(end - start) >= tried_bytes / 2)
        judge(zeroing, is_used(zeroing, start, end));
}

/* After so many bytes of pieces that have been in use, one is tried. */
static bool is_due(struct zk_zeroing *zeroing, size_t bytes)
{
    bool waits = zeroing->tried != NULL;
    size_t wait = waits ? zeroing->patience : zeroing->wait == 1 ? 0 : zeroing->wait;

    if (zeroing->passed < wait * piece_bytes || bytes < tried_bytes) {
        zeroing->passed += bytes;
        return false;
    }
    /* A try that the program has not come back to is given up; more patience with the next one, should it come from a
     * block of very many pieces. */
    if (!waits)
        zeroing->patience = patience_least;
    else if (zeroing->patience < patience_most)
        zeroing->patience *= 2;
    zeroing->passed = 0;
    return true;
}

static void overwrite(char *start, const char *end)
{
    memset(start, 0, (size_t)(end - start));
}

static void give_back(char *start, char *end)
{
    if (!zk_os_discard(start, (size_t)(end - start)))
        overwrite(start, end);
}

/* Whole pages of one piece. */
static void zero_pages(struct zk_zeroing *zeroing, char *start, char *end)
{
    size_t bytes = (size_t)(end - start);
    bool used = is_used(zeroing, start, end);
    char *tried = NULL;

    judge_if_back(zeroing, start, end);
    if (used && is_due(zeroing, bytes))
        zeroing->tried = tried = start + ((bytes - tried_bytes) / 2 & ~(zk_os_page_bytes() - 1));
    if (!used || zeroing->wait == 1) {
        give_back(start, end);
    } else if (tried != NULL) {
        overwrite(start, tried);
        give_back(tried, tried + tried_bytes);
        overwrite(tried + tried_bytes, end);
    } else {
        overwrite(start, end);
    }
}

static void zero_large(struct zk_zeroing *zeroing, char *p, char *end)
{
    struct zk_pages pages = zk_os_whole_pages(p, end);

    overwrite(p, pages.start);
    for (char *start = pages.start; start < pages.end;) {
        size_t bytes = piece_bytes - (uintptr_t)start % piece_bytes;

        if (bytes > (size_t)(pages.end - start))
            bytes = (size_t)(pages.end - start);
        zero_pages(zeroing, start, start + bytes);
        start += bytes;
    }
    overwrite(pages.end, end);
}

/* From the slab's dirty mark on, they are the kernel's zero pages. */
void zk_clear(char *p, size_t bytes)
{
    struct slab *slab = zk_thread_slab();
    char *end = p + bytes;

    if (p >= slab->dirty || slab->wipes)
        return;
    if (end > slab->dirty)
        end = slab->dirty;
    if ((size_t)(end - p) < ZK_LARGE_FROM)
        memset(p, 0, (size_t)(end - p));
    else
        zero_large(&slab->zeroing, p, end);
}
