/*
 * holders.pml - a spin model of who holds a slab, across forks and the deaths of threads: see thread.c, zk_slab_claim
 * and zk_slab_inherit in slab.c, lock.c and epoch.c.
 *
 * Threads take a record and a slab, change chunks in the slab (a "move"), and give both back at their end; or they die
 * unseen and are buried by another thread. At any step of any thread the process may be forked, with fork handlers
 * (fork) or without (_Fork, the raw system call). The child has a copy of everything, a new epoch, one thread, which
 * continues where it was, and later a new thread. That one is created by the program, never inside the allocator, so
 * whatever a signal handler had interrupted is finished by then. Parent and child share nothing after the fork, and the
 * parent continues as if it had not happened: so the model follows the child, which takes the parent's place.
 *
 * The model keeps the truth (alive, owner, lock_owner) beside what the allocator knows, and compares them:
 *
 *   - no living thread loses its slab, so no slab has two living holders;
 *   - once the surviving thread has settled, the slabs of threads that do not exist in the child are free, or
 *     retired if and only if they were in a move;
 *   - a lock is never held twice, nor refused because of a holder that does not exist; a lock held in an earlier
 *     process is taken over once, and reported as broken.
 *
 * scripts/spin.sh explores every interleaving. To show that the model can fail, it also runs it with each of these
 * defects, and spin must find an error. KILL: death is detected by asking for a thread of that number. ANYBODY:
 * whichever thread comes first settles. EPOCHLESS: a slab held in an earlier epoch can be claimed. HASTY: the handler
 * settles in the middle of a claim. UNMOVED: moves are ignored. KEPT: settling forgets the slabs. UNLOCKED: the lock
 * knows no epochs. With FORKS=2 the child is forked as well: 8 million states, no error. With MORE=2 there are two new
 * threads: that has not been explored to the end. Steps are sequentially consistent here; a handler that interrupts a
 * settle does not settle.
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
#define MORE 1 /* created in children */
#endif
#define THREADS (FIRST + MORE)
#define NONE    255
#define DEAD    254 /* state of a robust mutex whose owner died */

/* Where a thread is. */
#define BORN    0  /* has no record */
#define WATCH   1  /* locks its `life` mutex */
#define WATCHED 2  /* sets watched */
#define OUT     3  /* in the program, without a slab */
#define TAKE    4  /* settles first */
#define LOOK    5  /* at slab i: reads the epoch */
#define CLAIM   6
#define BURY    7  /* reads the lock */
#define ALONE   8  /* takes the lock */
#define SEEK    9  /* looks at record i */
#define TOUCH   10 /* tries that record's mutex */
#define FREE_S  11 /* gives the dead thread's slab back */
#define FREE_R  12 /* and the record */
#define DONE    13 /* releases the lock */
#define KEEP    14 /* enters its slab in its record */
#define IN      15 /* in the program, with a slab */
#define MOVE    16
#define ENDS    17 /* settles first */
#define LEAVE_1 18 /* forgets its record, and takes the slab out of it */
#define LEAVE_2 19 /* gives the slab back */
#define LEAVE_3 20 /* unlocks its mutex */
#define LEAVE_4 21 /* gives the record back */
#define GONE    22
#define SET     23 /* settles: starts */
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
    byte born;     /* the epoch in which the kernel knows the thread by its number */
    /* Its own. */
    byte at;
    byte back;     /* where to continue after settling */
    byte back_i;
    byte since;    /* the epoch in which it began to settle; a fork may come meanwhile */
    byte i;
    byte got;      /* a slab: just claimed, or about to be given back */
    byte epoch;    /* as last read, perhaps long ago */
    byte word;     /* of the lock, as last read */
    bool known;
    bool busy;
    bool forked;
    bool again;    /* has looked for the dead, and looks at the slabs a second time */
    bool tried;    /* has tried to take a slab: it does so once */
    bool alive     /* the truth */
};

slab_t slabs[SLABS];
thread_t threads[THREADS];
byte epoch = 1;
byte settled = 1;
byte lock;
byte lock_owner = NONE; /* the truth */
byte broken;            /* how often the lock was reported as broken */
byte forks;
byte started = FIRST;

#define ME       threads[t]
#define HIS      threads[ME.i]
#define SLAB     slabs[ME.i]
#define LIVES(x) (x != NONE && threads[x].alive)

/* No living thread holds slab k. */
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

/* Resets the variables of a thread that is gone: they no longer matter, and should not multiply the
 * states. */
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

/* The child of t, forked with handlers or without, continues in the parent's place. */
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

/* What the program decides: whether and how its thread ends and, in the child, when it creates another. */
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
        ME.at == BORN -> /* a record for each thread: claim_record is like zk_slab_claim */
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

    /* zk_slab_claim for each slab, and again once the dead are buried */
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
            :: else -> ME.i++; ME.at = SEEK /* locked, or its thread has just given it back */
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
