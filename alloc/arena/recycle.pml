/*
 * recycle.pml - the counts by which pinned recycling tells that nothing lives in a chunk, as a model
 * for spin: see recycle.c, and zk_slab_free_elsewhere, walk and enter_chunk in slab.c.
 *
 * One holder, who alone allocates and recycles; freers, who count in two steps, the chunk first.
 * What the program knows (live, life) is kept beside what the allocator counts, and compared:
 *
 *   - a chunk that is reclaimed has no live block;
 *   - no count falls on a later life of the chunk than its block's.
 *
 * scripts/spin.sh explores every interleaving, and shows that the model has teeth: with SWAPPED (the
 * slab is counted first) and with UNCHECKED (a chunk is taken when its blocks are dead, whether or
 * not their counts have been seen) spin finds an error. Steps are sequentially consistent here; what
 * weaker orders add is argued in recycle.c.
 */
#define CHUNKS 2
#define BLOCKS 2 /* at most, in a chunk */
#ifndef PHASES
#define PHASES 3 /* at 4 it takes 200 million states and some minutes; 3 have all that is wrong */
#endif
#define FREERS 2

/* The books. */
byte blocks[CHUNKS];    /* entered in the chunk's present life */
byte freed[CHUNKS];     /* of those, by the holder */
byte elsewhere[CHUNKS]; /* of those, by freers */
bool pinned[CHUNKS];
byte slab_left;         /* of all chunks and lives: entered - freed - freed elsewhere */

/* The truth. */
byte live[CHUNKS];
byte life[CHUNKS];

chan handed = [2] of { byte, byte }; /* blocks to free: chunk, life */

inline count_in_chunk(c, l)
{
    atomic {
        assert(life[c] == l); /* no late count */
        elsewhere[c]++
    }
}

inline count_in_slab()
{
    slab_left--
}

active [FREERS] proctype freer()
{
    byte c;
    byte l;

end:
    do
    :: atomic { handed?c, l -> live[c]-- } /* its last use is over */
#ifdef SWAPPED
       count_in_slab();
       count_in_chunk(c, l)
#else
       count_in_chunk(c, l);
       count_in_slab()
#endif
    od
}

active proctype holder()
{
    byte phase;
    byte c;
    byte n;
    byte kept[CHUNKS]; /* blocks that the holder itself will free */

    do
    :: phase < PHASES ->
        /* Allocates in the chunks that are not pinned, in order; stops anywhere. */
        c = 0;
        do
        :: c < CHUNKS && pinned[c] -> c++
        :: c < CHUNKS && !pinned[c] ->
            elsewhere[c] = 0; /* enter_chunk; what only the holder reads and writes is one step */
            atomic {
                freed[c] = 0;
                assert(live[c] == 0);
                blocks[c] = 0;
                life[c]++;
                n = 0
            }
            do
            :: n < BLOCKS ->
                atomic { n++; blocks[c]++; slab_left++; live[c]++ }
                if
                :: handed!c, life[c]
                :: kept[c]++
                fi
            :: break
            od;
            c++
        :: break
        od;

        /* Frees of the holder, of this phase and earlier ones. */
        c = 0;
        do
        :: c < CHUNKS && kept[c] > 0 ->
            atomic { kept[c]--; live[c]--; freed[c]++ }
            slab_left--
        :: c < CHUNKS -> c++
        :: c == CHUNKS -> break
        od;

        /* zk_slab_reclaim */
        c = 0;
        if
        :: slab_left == 0 ->
            do
            :: c < CHUNKS ->
                assert(live[c] == 0);
                pinned[c] = false;
                c++
            :: else -> break
            od
        :: else ->
            do
            :: c < CHUNKS ->
                atomic {
#ifdef UNCHECKED
                    pinned[c] = (live[c] != 0);
#else
                    pinned[c] = (blocks[c] - freed[c] - elsewhere[c] != 0);
#endif
                    assert(pinned[c] || live[c] == 0)
                }
                c++
            :: else -> break
            od
        fi;
        phase++
    :: else -> break
    od
}
