/*
 * zero.c - zeroes where memory was used before. Small blocks are overwritten. A large one may be given back to the
 * kernel instead, whose zero pages cost nothing as long as nobody touches them, and a page fault each if somebody does:
 * several times what it costs to overwrite a page. So the slab learns which kind of program this is. Memory is looked
 * at in pieces. A piece of which little is in memory is given back. One that has been in use is overwritten; but now and
 * then one is given back all the same, and when it is to be zeroed again, the kernel knows whether it was touched. If it
 * was not, all are given back from then on, until one is found that was; if it was, the next try comes later.
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
    least_tried = 256 << 10, /* bytes that say something of the others */
};
static const uintptr_t piece_bytes = (uintptr_t)4 << 20; /* at least a page */

/* The piece was given back, and has to be zeroed again. */
static void judge(struct zk_zeroing *zeroing, bool touched)
{
    unsigned wait = zeroing->wait < wait_least ? wait_least : 4 * zeroing->wait;

    zeroing->tried_bytes = 0;
    zeroing->passed = 0;
    zeroing->wait = !touched ? 1 : wait < wait_most ? wait : wait_most;
}

/* Judges the piece that was tried if what is to be zeroed, [start, start + bytes), has at least half of it. Another
 * block's part of the memory says nothing. */
static void judge_if_back(struct zk_zeroing *zeroing, const char *start, size_t bytes)
{
    const char *end = start + bytes;
    const char *tried_end = zeroing->tried + zeroing->tried_bytes;
    size_t both;

    if (zeroing->tried_bytes == 0 || zeroing->tried >= end || start >= tried_end)
        return;
    if (start < zeroing->tried)
        start = zeroing->tried;
    both = (size_t)((end < tried_end ? end : tried_end) - start);
    if (both >= zeroing->tried_bytes / 2)
        judge(zeroing, zk_os_resident(start, both) > both / 2);
}

/* Is a piece that has been in use given back all the same? */
static bool is_tried(struct zk_zeroing *zeroing, char *start, size_t bytes)
{
    bool all = zeroing->wait == 1;
    bool waits = zeroing->tried_bytes != 0;
    unsigned wait = waits ? zeroing->patience : all ? 0 : zeroing->wait;

    if (zeroing->passed < wait || bytes < least_tried) {
        zeroing->passed++;
        return all;
    }
    /* A try that the program has not come back to is given up; more patience with the next one, should it come from a
     * block of very many pieces. */
    if (!waits)
        zeroing->patience = patience_least;
    else if (zeroing->patience < patience_most)
        zeroing->patience *= 2;
    zeroing->tried = start;
    zeroing->tried_bytes = bytes;
    zeroing->passed = 0;
    return true;
}

/* Whole pages of one piece. */
static void zero_pages(struct zk_zeroing *zeroing, char *start, size_t bytes)
{
    bool touched = zk_os_resident(start, bytes) > bytes / 2;

    judge_if_back(zeroing, start, bytes);
    if ((touched && !is_tried(zeroing, start, bytes)) || !zk_os_discard(start, bytes))
        memset(start, 0, bytes);
}

static void zero_large(struct zk_zeroing *zeroing, char *p, char *end)
{
    size_t page = zk_os_page_bytes();
    char *first_page = p + (-(uintptr_t)p & (page - 1));
    char *last_page = end - ((uintptr_t)end & (page - 1));

    memset(p, 0, (size_t)(first_page - p));
    for (char *start = first_page; start < last_page;) {
        size_t bytes = piece_bytes - (uintptr_t)start % piece_bytes;

        if (bytes > (size_t)(last_page - start))
            bytes = (size_t)(last_page - start);
        zero_pages(zeroing, start, bytes);
        start += bytes;
    }
    memset(last_page, 0, (size_t)(end - last_page));
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
