/* A body with an option of its own whose kept blocks are in the slabs of two other threads: both
 * slabs are filled, and both blocks written to. */
#include "bodies.h"

#include <pthread.h>

enum { threads = 2 };

struct team {
    pthread_barrier_t start;
    pthread_barrier_t end;
    void (*act)(void *arg);
    void *arg;
    pthread_mutex_t turn;
};

struct member {
    struct team *team;
    unsigned char *kept;
};

static void *serve(void *arg)
{
    struct member *member = arg;

    for (;;) {
        pthread_barrier_wait(&member->team->start);
        if (member->team->act == NULL)
            return NULL;
        member->team->act(member->team->arg == NULL ? member : member->team->arg);
        pthread_barrier_wait(&member->team->end);
    }
}

static void reach(void *arg, void (*act)(void *arg), void *act_arg)
{
    struct team *team = arg;

    team->act = act;
    team->arg = act_arg;
    pthread_barrier_wait(&team->start);
    if (act != NULL)
        pthread_barrier_wait(&team->end);
}

static void use(void *arg)
{
    struct member *member = arg;

    if (member->kept != NULL)
        member->kept[0] = 1;
}

static void make(void *arg)
{
    ((struct member *)arg)->kept = zk_malloc(500);
}

static void body(struct repro_run *run)
{
    static struct team team;
    struct member members[threads] = {{&team, NULL}, {&team, NULL}};
    pthread_t handles[threads];

    repro_note(run, "option %lu%s", repro_option(run, "depth"),
               repro_option(run, "flag") != 0 ? ", flag" : "");
    pthread_barrier_init(&team.start, NULL, threads + 1);
    pthread_barrier_init(&team.end, NULL, threads + 1);
    for (int i = 0; i < threads; i++)
        pthread_create(&handles[i], NULL, serve, &members[i]);
    repro_team(run, reach, &team);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        reach(&team, use, NULL);
        repro_check(run);
        reach(&team, make, NULL);
        repro_end(run);
    }
    reach(&team, NULL, NULL);
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
}

static const struct repro_option options[] = {
    {"depth", "how deep", 7, 1, 9, NULL}, {"flag", "or not", 0, 0, 0, NULL}, {0}};

TEST_REPRO_WITH("body_team", body, .options = options,
                .expect = {[REPRO_NONE] = REPRO_CORRUPT,
                           [REPRO_FLUSH] = REPRO_CORRUPT,
                           [REPRO_ROUTE] = REPRO_CLEAN,
                           [REPRO_SEED] = REPRO_CLEAN,
                           [REPRO_PINNED] = REPRO_CLEAN,
                           [REPRO_SYSTEM] = REPRO_CLEAN});
