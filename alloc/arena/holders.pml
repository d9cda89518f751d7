/*
 * holders.pml - who holds a slab, across forks and the deaths of threads, as a model for spin: see thread.c,
 * zk_slab_claim and zk_slab_inherit in slab.c, lock.c and epoch.c.
 *
 * Threads take a record and a slab, move in it, give both back at their end, or die unseen and are buried by
 * another one. At any step of any thread the process is forked, with handlers (fork) or without (_Fork, the
 * system call): the child has a copy of everything, one thread, which goes on where it was, another epoch, and
 * in time a new thread. That one is made where the program is, never inside the allocator: what a signal's
 * handler has interrupted is finished by then. Parent and child share nothing from then on, and the parent goes
 * on as if nothing had been: so the model follows the child, which takes its place.
 *
 * What is true (alive, owner, lock_owner) is kept beside what the allocator knows, and compared:
 *
 *   - nothing that lives loses its slab, so no slab has two living holders;
 *   - what threads held that are not in the child is free when the survivor has settled, or retired if, and only
 *     if, it was in a move;
 *   - a lock is not held twice, nor refused for one who is not here; one of an earlier process is taken once, and
 *     said to be broken.
 *
 * scripts/spin.sh explores every interleaving, and shows that the model has teeth: each of these is an error.
 * KILL: death is told by asking for a thread of that number. ANYBODY: whoever comes first settles. EPOCHLESS: a
 * slab that is held by an earlier epoch can be claimed. HASTY: the handler settles in the middle of a claim.
 * UNMOVED: moves are not looked at. KEPT: a settle forgets the slabs. UNLOCKED: the lock knows no epochs.
 * With FORKS=2 a child is forked as well: 8 million states, and nothing is wrong there. With MORE=2 there are two new
 * threads: that has not been explored to its end. Steps are sequentially consistent here; a handler that interrupts a settle does not settle.
 */
#ifndef FORKS
#define FORKS 1
#endif
#ifndef SLABS
#define SLABS 2
#endif
#ifndef FIRST
#define FIRST 2 /* threads of the first process */
#endif
#ifndef MORE
#define MORE 1 /* that children make */
#endif
#define THREADS (FIRST + MORE)
#define NONE    255
#define DEAD    254 /* of a robust mutex: its owner died */

/* Where a thread is. */
#define BORN    0  /* has no record */
#define WATCH   1  /* locks its life */
#define WATCHED 2  /* says so */
#define OUT     3  /* in the program, without a slab */
#define TAKE    4  /* settles first */
#define LOOK    5  /* at slab i: reads the epoch */
#define CLAIM   6
#define BURY    7  /* reads the lock */
#define ALONE   8  /* takes it */
#define SEEK    9  /* looks at record i */
#define TOUCH   10 /* tries its life */
#define FREE_S  11 /* of the dead: gives its slab back */
#define FREE_R  12 /* and its record */
#define DONE    13 /* gives the lock back */
#define KEEP    14 /* enters its slab in its record */
#define IN      15 /* in the program, with a slab */
#define MOVE    16
#define ENDS    17 /* settles first */
#define LEAVE_1 18 /* forgets its record, and takes the slab out of it */
#define LEAVE_2 19 /* gives the slab back */
#define LEAVE_3 20 /* unlocks its life */
#define LEAVE_4 21 /* gives the record back */
#define GONE    22
#define SET     23 /* settles: what it holds itself */
#define SET_S   24 /* looks at slab i */
#define SET_T   25 /* and takes it */
#define SET_R   26 /* record i */
#define SET_E   27

typedef slab_t {
    byte held;     /* 0, or an epoch */
    bool retired;
    bool moves;
    byte owner     /* the truth */
};

typedef thread_t {
    /* Its record. */
    byte held;
    byte slab;
    byte life;     /* NONE: unlocked; a thread; DEAD */
    bool watched;
    bool inherited;
    byte born;     /* the epoch, in which the system knows it by its number */
    /* Its own. */
    byte at;
    byte back;     /* after settling: to there */
    byte back_i;
    byte since;    /* the epoch in which it began to settle: another one by now if it is forked meanwhile */
    byte i;
    byte got;      /* a slab: claimed, to be given back */
    byte epoch;    /* as last read: that may be long ago */
    byte word;     /* of the lock, as last read */
    bool known;
    bool busy;
    bool forked;
    bool again;    /* has buried: a second look at the slabs */
    bool tried;    /* to take a slab: once is enough */
    bool alive     /* the truth */
};

slab_t slabs[SLABS];
thread_t threads[THREADS];
byte epoch = 1;
byte settled = 1;
byte lock;
byte lock_owner = NONE; /* the truth */
byte broken;            /* how often the lock was said to be */
byte forks;
byte started = FIRST;

#define ME       threads[t]
#define HIS      threads[ME.i]
#define SLAB     slabs[ME.i]
#define LIVES(x) (x != NONE && threads[x].alive)

/* Nobody who lives holds slab k. */
inline check_free()
{
    assert(!LIVES(slabs[k].owner))
}

inline settle_first(next)
{
    if
#ifdef ANYBODY
    :: settled != epoch ->
#else
    :: settled != epoch && (ME.forked || (ME.known && ME.born != epoch)) ->
#endif
        ME.back = next;
        ME.back_i = 0;
        ME.at = SET
    :: else -> ME.at = next
    fi
}

/* What a thread that is gone knew makes no difference any more: so it makes no states. */
inline forget_own(x)
{
    threads[x].alive = false;
    threads[x].at = GONE;
    threads[x].back = 0;
    threads[x].back_i = 0;
    threads[x].since = 0;
    threads[x].i = 0;
    threads[x].got = NONE;
    threads[x].epoch = 0;
    threads[x].word = 0;
    threads[x].busy = false;
    threads[x].forked = false;
    threads[x].again = false;
    threads[x].tried = false
}

/* The child of t, forked with handlers or without, goes on in the parent's place. */
inline become_child(handlers)
{
    forks++;
    epoch++;
    k = 0;
    do
    :: k < THREADS ->
        if
        :: k != t && threads[k].alive -> forget_own(k)
        :: else
        fi;
        k++
    :: else -> break
    od;
    if
    :: handlers ->
        ME.forked = true;
        if
#ifdef HASTY
        :: ME.known && ME.at < SET ->
#else
        :: ME.known && !ME.busy && ME.at < SET ->
#endif
            ME.back_i = ME.i;
            ME.back = ME.at;
            ME.at = SET
        :: else
        fi
    :: else
    fi;
    k = 0
}

/* What is in the program's hands: whether and how its thread ends, and in the child, when it makes another. */
inline may_end()
{
    if
    :: ME.at = ENDS
    :: forget_own(t); /* unseen */
        if
        :: ME.life == t && !ME.inherited -> ME.life = DEAD
        :: else
        fi
    :: epoch > 1 && started < THREADS ->
        threads[started].alive = true;
        run runner(started);
        started++
    fi
}

proctype runner(byte t)
{
    byte k;

    do
    :: atomic { forks < FORKS && ME.at != GONE -> become_child(true) }
    :: atomic { forks < FORKS && ME.at != GONE -> become_child(false) }
    :: atomic {
        ME.at == BORN -> /* the record is the thread's alone here: claim_record is zk_slab_claim once more */
            if
            :: ME.held == 0 ->
                ME.held = epoch;
                ME.born = epoch;
                ME.known = true;
                ME.at = WATCH
            :: else -> forget_own(t)
            fi
        }
    :: atomic {
        ME.at == WATCH ->
            if
            :: !ME.inherited && ME.life == NONE -> ME.life = t; ME.at = WATCHED
            :: else -> ME.at = OUT
            fi
        }
    :: atomic { ME.at == WATCHED -> ME.watched = true; ME.at = OUT }
    :: atomic {
        ME.at == OUT ->
            if
            :: !ME.tried -> ME.at = TAKE; ME.tried = true
            :: may_end()
            fi
        }
    :: atomic { ME.at == TAKE -> settle_first(LOOK); ME.i = 0; ME.again = false }

    /* zk_slab_claim for each slab, and again when the dead are buried */
    :: atomic {
        ME.at == LOOK ->
            ME.busy = true;
            ME.epoch = epoch;
            if
            :: ME.i < SLABS -> ME.at = CLAIM
            :: ME.i == SLABS && !ME.again -> ME.at = BURY
            :: else -> ME.busy = false; ME.i = 0; ME.at = OUT
            fi
        }
    :: atomic {
        ME.at == CLAIM ->
            if
#ifdef EPOCHLESS
            :: SLAB.held != epoch && !SLAB.retired ->
#else
            :: SLAB.held == 0 ->
#endif
                k = ME.i;
                check_free();
                assert(!SLAB.retired);
                SLAB.held = ME.epoch;
                SLAB.owner = t;
                ME.got = ME.i;
                ME.i = 0;
                ME.at = KEEP
            :: else -> ME.i++; ME.at = LOOK
            fi
        }
    :: atomic { ME.at == KEEP -> ME.slab = ME.got; ME.busy = false; ME.at = IN }

    /* bury_the_dead: zk_lock_try, and each record */
    :: atomic {
        ME.at == BURY ->
            ME.word = lock;
            ME.epoch = epoch;
            ME.again = true;
            ME.i = 0;
#ifdef UNLOCKED
            ME.at = (ME.word == 0 -> ALONE : LOOK);
#else
            ME.at = (ME.word == epoch -> LOOK : ALONE);
#endif
            assert(ME.at == ALONE || LIVES(lock_owner))
        }
    :: atomic {
        ME.at == ALONE ->
            if
            :: lock == ME.word ->
                assert(!LIVES(lock_owner));
                if
                :: ME.word != 0 -> broken++; assert(broken <= forks)
                :: else -> assert(lock_owner == NONE)
                fi;
                lock = ME.epoch;
                lock_owner = t;
                ME.word = 0;
                ME.at = SEEK
            :: else -> ME.at = LOOK
            fi
        }
    :: atomic {
        ME.at == SEEK ->
            if
            :: ME.i == THREADS -> ME.at = DONE
#ifdef KILL
            :: ME.i < THREADS && HIS.held == epoch && HIS.known &&
               !(HIS.alive && HIS.born == epoch) -> ME.at = FREE_S
            :: else -> ME.i++
#else
            :: ME.i < THREADS && HIS.held == epoch && HIS.watched -> ME.at = TOUCH
            :: else -> ME.i++
#endif
            fi
        }
    :: atomic {
        ME.at == TOUCH ->
            if
            :: HIS.life == DEAD -> HIS.life = t; ME.at = FREE_S
            :: else -> ME.i++; ME.at = SEEK /* busy, or given back a moment ago */
            fi
        }
    :: atomic {
        ME.at == FREE_S ->
            if
            :: HIS.slab != NONE ->
                k = HIS.slab;
                check_free();
                slabs[HIS.slab].held = 0;
                slabs[HIS.slab].owner = NONE;
                HIS.slab = NONE
            :: else
            fi;
            ME.at = FREE_R
        }
    :: atomic {
        ME.at == FREE_R ->
            assert(!HIS.alive);
            HIS.watched = false;
            HIS.life = NONE;
            HIS.held = 0;
            ME.i++;
            ME.at = SEEK
        }
    :: atomic {
        ME.at == DONE ->
            assert(lock_owner == t);
            lock = 0;
            lock_owner = NONE;
            ME.i = 0;
            ME.at = LOOK
        }

    /* A slab is held. */
    :: atomic {
        ME.at == IN ->
            if
            :: slabs[ME.slab].moves = true; ME.at = MOVE
            :: may_end()
            fi
        }
    :: atomic {
        ME.at == MOVE ->
            assert(slabs[ME.slab].owner == t);
            slabs[ME.slab].moves = false;
            ME.at = ENDS
        }

    /* thread_ends */
    :: atomic { ME.at == ENDS -> settle_first(LEAVE_1); ME.i = 0 }
    :: atomic {
        ME.at == LEAVE_1 ->
            ME.known = false;
            ME.got = ME.slab;
            ME.slab = NONE;
            ME.at = LEAVE_2
        }
    :: atomic {
        ME.at == LEAVE_2 ->
            if
            :: ME.got != NONE ->
                assert(slabs[ME.got].owner == t && slabs[ME.got].held != 0);
                slabs[ME.got].held = 0;
                slabs[ME.got].owner = NONE;
                ME.got = NONE
            :: else
            fi;
            ME.at = LEAVE_3
        }
    :: atomic {
        ME.at == LEAVE_3 ->
            if
            :: ME.watched -> ME.watched = false; ME.life = (ME.life == t -> NONE : ME.life)
            :: else
            fi;
            ME.at = LEAVE_4
        }
    :: atomic { ME.at == LEAVE_4 -> ME.held = 0; forget_own(t) }
    :: ME.at == GONE -> break

    /* zk_thread_settle, in the child */
    :: atomic { ME.at == SET -> ME.i = 0; ME.since = epoch; ME.at = SET_S }
    :: atomic {
        ME.at == SET_S ->
            if
            :: ME.i == SLABS -> ME.i = 0; ME.at = SET_R
            :: ME.i < SLABS &&
               (SLAB.held == 0 || SLAB.held == epoch || SLAB.retired) -> ME.i++
            :: else -> ME.at = SET_T
            fi
        }
    :: atomic {
        ME.at == SET_T ->
            if
            :: ME.i == ME.slab -> SLAB.held = epoch
#ifndef KEPT
            :: else ->
                k = ME.i;
                check_free();
                if
#ifndef UNMOVED
                :: SLAB.moves -> SLAB.retired = true
#endif
                :: else -> SLAB.held = 0
                fi
#else
            :: else
#endif
            fi;
            ME.i++;
            ME.at = SET_S
        }
    :: atomic {
        ME.at == SET_R ->
            if
            :: ME.i == THREADS -> ME.at = SET_E
            :: ME.i < THREADS ->
                if
                :: ME.i != t && HIS.held != 0 && HIS.held != ME.since ->
                    assert(!HIS.alive);
                    HIS.slab = NONE;
                    HIS.watched = false;
                    HIS.inherited = true;
                    HIS.held = 0
                :: else
                fi;
                ME.i++
            fi
        }
    :: atomic {
        ME.at == SET_E ->
            if
            :: ME.known ->
                ME.watched = false;
                ME.inherited = true;
                ME.held = ME.since
            :: else
            fi;
            settled = ME.since;
            ME.i = 0;
            do
            :: ME.i < SLABS && ME.since == epoch ->
                assert(SLAB.held == 0 || SLAB.held == epoch || SLAB.retired);
                assert(SLAB.retired == (SLAB.moves && !LIVES(SLAB.owner)));
                ME.i++
            :: else -> break
            od;
            ME.i = ME.back_i;
            ME.at = ME.back;
            ME.back = 0;
            ME.back_i = 0
        }
    od
}

init {
    byte k;

    atomic {
        do
        :: k < SLABS -> slabs[k].owner = NONE; k++
        :: else -> break
        od;
        k = 0;
        do
        :: k < THREADS ->
            threads[k].slab = NONE;
            threads[k].life = NONE;
            threads[k].got = NONE;
            k++
        :: else -> break
        od;
        k = 0;
        do
        :: k < FIRST -> threads[k].alive = true; run runner(k); k++
        :: else -> break
        od
    }
}
