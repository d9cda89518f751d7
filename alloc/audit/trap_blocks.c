/*
 * trap_blocks.c - the table of blocks, in the order of their addresses, which is the order of their
 * birth.
 */
#include "os.h"
#include "trap_inside.h"

#include <stdatomic.h>
#include <string.h>

size_t zk_in_pages(size_t size)
{
    size_t page = zk_os_page_bytes();

    return size == 0 ? page : (size + page - 1) & ~(page - 1);
}

size_t zk_block_bytes(const struct zk_block *block)
{
    return zk_in_pages(block->size);
}

struct zk_block *zk_block_at(const void *p)
{
    struct zk_blocks *blocks = zk_trap.blocks;
    size_t low = 0;
    size_t high = blocks == NULL ? 0 : blocks->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (blocks->at[middle].start <= (const char *)p)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &blocks->at[low - 1];
}

struct zk_block *zk_block_around(const void *p)
{
    struct zk_block *block = zk_block_at(p);

    if (block == NULL || (const char *)p >= block->start + zk_block_bytes(block))
        return NULL;
    return block;
}

static size_t bytes_of_blocks(size_t room)
{
    return sizeof(struct zk_blocks) + room * sizeof(struct zk_block);
}

static struct zk_blocks *new_blocks(size_t room)
{
    struct zk_blocks *blocks = zk_os_map(bytes_of_blocks(room));

    if (blocks != NULL)
        blocks->room = room;
    return blocks;
}

static void replace_blocks(struct zk_blocks *by)
{
    struct zk_blocks *old = zk_trap.blocks;

    atomic_signal_fence(memory_order_seq_cst);
    zk_trap.blocks = by;
    atomic_signal_fence(memory_order_seq_cst);
    if (old != NULL)
        zk_os_unmap(old, bytes_of_blocks(old->room));
}

/* If there are many blocks, records of freed ones are dropped. */
static bool is_wanted(struct zk_block *block)
{
    return !block->freed || block->discarded || block->dead;
}

static bool grow(void)
{
    const struct zk_blocks *old = zk_trap.blocks;
    struct zk_blocks *more = new_blocks(old == NULL ? 4096 : 2 * old->room);

    if (more == NULL)
        return false;
    if (old != NULL) {
        memcpy(more->at, old->at, old->count * sizeof *more->at);
        more->count = old->count;
    }
    replace_blocks(more);
    return true;
}

static bool room_for_block(void)
{
    const size_t many = 1 << 16;
    const struct zk_blocks *blocks = zk_trap.blocks;

    if (blocks != NULL && blocks->count < blocks->room)
        return true;
    if (blocks == NULL || blocks->count < many || !zk_blocks_keep(is_wanted))
        return grow();
    return zk_trap.blocks->count < zk_trap.blocks->room / 2 || grow();
}

bool zk_block_add(const struct zk_block *block)
{
    if (!room_for_block())
        return false;
    zk_trap.blocks->at[zk_trap.blocks->count] = *block;
    atomic_signal_fence(memory_order_seq_cst);
    zk_trap.blocks->count++;
    return true;
}

bool zk_block_take_back(const struct zk_block *block)
{
    if (block != &zk_trap.blocks->at[zk_trap.blocks->count - 1])
        return false;
    zk_trap.blocks->count--;
    return true;
}

bool zk_blocks_keep(bool (*keep)(struct zk_block *block))
{
    struct zk_blocks *old = zk_trap.blocks;
    struct zk_blocks *kept = old == NULL ? NULL : new_blocks(old->room);

    for (size_t i = 0; old != NULL && i < old->count; i++) {
        bool wanted = keep(&old->at[i]);

        if (wanted && kept != NULL)
            kept->at[kept->count++] = old->at[i];
    }
    if (kept != NULL)
        replace_blocks(kept);
    return kept != NULL || old == NULL;
}
