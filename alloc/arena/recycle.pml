/*
 * recycle.pml - a spin model of the counts by which pinned recycling knows that nothing lives in a
 * chunk: see recycle.c, zk_slab_free_elsewhere in marks.c, walk in reclaim.c and enter_chunk in
 * slab.c.
 *
 * There is one holder, which alone allocates and recycles, and there are freers, which count in two
 * steps, the chunk first. The model keeps the truth (live, life) beside what the allocator counts,
 * and compares them:
 *
 *   - a chunk that is reclaimed has no live block;
 *   - no free is counted in a later life of the chunk than that of its block.
 *
 * scripts/spin.sh explores every interleaving. To show that the model can fail, it also runs it with
 * SWAPPED (the slab is counted first) and with UNCHECKED (a chunk is reused when its blocks are
 * dead, whether or not their counts have been seen): spin must find an error in each. Steps are
 * sequentially consistent here; recycle.c argues why the weaker orders in the code suffice.
 */
#define CHUNKS 2
#define BLOCKS 2 /* at most, per chunk */
#ifndef PHASES
#define PHASES 3 /* 4 takes 200 million states and some minutes; 3 find every error above */
#endif
#define FREERS 2

/* The books. */
byte blocks[CHUNKS];    /* entered in the chunk's present life */
byte freed[CHUNKS];     /* of these, freed by the holder */
byte elsewhere[CHUNKS]; /* of these, freed by freers */
bool pinned[CHUNKS];
byte slab_left;         /* over all chunks and lives: entered - freed - freed elsewhere */

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
            elsewhere[c] = 0; /* enter_chunk; accesses that only the holder makes are one step */
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
