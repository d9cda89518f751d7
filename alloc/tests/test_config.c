/*
 * test_config.c - the switches: what is read from the environment, what zk_configure accepts and
 * refuses, and that a refusal changes nothing.
 */
#include "emulator.h"

static struct zk_config config_now(void)
{
    struct zk_config config;

    CHECK(zk_config(&config) == 0);
    return config;
}

static bool same(const struct zk_config *a, const struct zk_config *b)
{
    return a->recycle == b->recycle && a->min_bytes == b->min_bytes &&
           a->slab_bytes == b->slab_bytes && a->nesting == b->nesting && a->owner == b->owner &&
           a->realloc == b->realloc && a->copy == b->copy && a->poison_reset == b->poison_reset &&
           a->hugepage == b->hugepage && a->pretenure == b->pretenure && a->wipe == b->wipe;
}

/* No value is the default, except that of recycle. */
static struct zk_config unusual_config(void)
{
    return (struct zk_config){
        .recycle = ZK_RECYCLE_BLIND,
        .min_bytes = 123,
        .slab_bytes = (size_t)64 << 20,
        .nesting = ZK_NESTING_RECYCLE,
        .owner = ZK_OWNER_ANY,
        .realloc = ZK_REALLOC_MIGRATE,
        .copy = ZK_COPY_FORWARD,
        .poison_reset = true,
        .hugepage = ZK_HUGEPAGE_ALWAYS,
        .pretenure = ZK_PRETENURE_OFF,
        .wipe = ZK_WIPE_PHASE,
    };
}

/* ---- The environment ---- */

/* Also after each refusal. Not recycle, whose default is tested in another file. */
static void every_switch_has_its_default(void)
{
    struct zk_config config = config_now();

    CHECK(config.min_bytes == 4096);
    CHECK(config.slab_bytes == (size_t)8 << 30);
    CHECK(config.nesting == ZK_NESTING_REFUSE);
    CHECK(config.owner == ZK_OWNER_EXCLUSIVE);
    CHECK(config.realloc == ZK_REALLOC_STICKY);
    CHECK(config.copy == ZK_COPY_MEMMOVE);
    CHECK(!config.poison_reset);
    CHECK(config.hugepage == ZK_HUGEPAGE_NEVER);
    CHECK(config.pretenure == ZK_PRETENURE_LEARN);
    CHECK(config.wipe == ZK_WIPE_OFF);
}

static void the_value_of_0_is_the_default(void)
{
    struct zk_config config = config_now();
    struct zk_config zeros = {.min_bytes = ZK_DEFAULT_MIN_BYTES,
                              .slab_bytes = ZK_DEFAULT_SLAB_BYTES};

    CHECK(same(&config, &zeros));
}

static void min_bytes_is_the_number(void)
{
    CHECK(config_now().min_bytes == fresh_number);
}

static void slab_bytes_is_the_number(void)
{
    CHECK(config_now().slab_bytes == fresh_number);
}

static void nesting_is_the_number(void)
{
    CHECK((size_t)config_now().nesting == fresh_number);
}

static void owner_is_the_number(void)
{
    CHECK((size_t)config_now().owner == fresh_number);
}

static void realloc_is_the_number(void)
{
    CHECK((size_t)config_now().realloc == fresh_number);
}

static void copy_is_the_number(void)
{
    CHECK((size_t)config_now().copy == fresh_number);
}

static void poison_reset_is_the_number(void)
{
    CHECK((size_t)config_now().poison_reset == fresh_number);
}

static void pretenure_is_the_number(void)
{
    CHECK((size_t)config_now().pretenure == fresh_number);
}

static void wipe_is_the_number(void)
{
    CHECK((size_t)config_now().wipe == fresh_number);
}

static void hugepage_is_the_number(void)
{
    CHECK((size_t)config_now().hugepage == fresh_number);
}

static void recycle_is_the_number(void)
{
    CHECK((size_t)config_now().recycle == fresh_number);
}

#define TAKES(assignment, check, value)                                                            \
    FRESH_AS(assignment " is taken", check, .env = {assignment}, .number = (value))

/* One line on stderr shows the assignment as given; the default is kept. */
#define REFUSES(assignment)                                                                        \
    FRESH_AS(assignment " is refused", every_switch_has_its_default, .env = {assignment},          \
             .says = {"zkalloc: ", assignment, "default"})

static void a_refusal_is_said_once(void)
{
    struct zk_config config = config_now();

    CHECK(zk_configure(&config) == 0);
    begin_phase();
    end_phase();
    begin_phase();
    config_now();
}

static void the_first_begin_reads_the_environment(void)
{
    begin_phase();
    arena_block(10);
    system_block(9);
}

static void good_values_beside_a_bad_one_are_taken(void)
{
    CHECK(config_now().min_bytes == 64);
    CHECK(config_now().owner == ZK_OWNER_EXCLUSIVE);
    CHECK(config_now().copy == ZK_COPY_FORWARD);
}

/* The environment is read once. */
static void a_later_setenv_changes_nothing(void)
{
    CHECK(config_now().min_bytes == 4096);
    setenv("ZK_ALLOC_MIN_BYTES", "0", 1);
    CHECK(config_now().min_bytes == 4096);
    begin_phase();
    system_block(4095);
}

/* ---- zk_configure ---- */

static void configure_replaces_all_that_the_environment_says(void)
{
    struct zk_config wanted = unusual_config();
    struct zk_config config;

    CHECK(zk_configure(&wanted) == 0);
    config = config_now();
    CHECK(same(&config, &wanted));
}

static void configure_may_be_called_again_before_the_first_begin(void)
{
    struct zk_config first = unusual_config();
    struct zk_config second = config_now();
    struct zk_config config;

    CHECK(zk_configure(&first) == 0);
    CHECK(zk_configure(&second) == 0);
    config = config_now();
    CHECK(same(&config, &second));
}

static void what_is_configured_is_in_force(void)
{
    struct zk_config config = unusual_config();

    CHECK(zk_configure(&config) == 0);
    begin_phase();
    system_block(122);
    arena_block(123);
    CHECK(stats_now().slab_bytes == (size_t)64 << 20);
    begin_phase(); /* nesting=recycle */
    CHECK(stats_now().phases == 2);
}

static void every_value_of_every_switch_can_be_configured(void)
{
    struct zk_config wanted = unusual_config();
    struct zk_config config;

    for (unsigned i = 0; i < 3u * 2 * 2 * 2 * 2 * 2; i++) {
        wanted.nesting = (enum zk_nesting)(i % 3);
        wanted.owner = (enum zk_owner)(i / 3 % 2);
        wanted.realloc = (enum zk_realloc_rule)(i / 6 % 2);
        wanted.copy = (enum zk_copy)(i / 12 % 2);
        wanted.poison_reset = i / 24 % 2 != 0;
        wanted.hugepage = (enum zk_hugepage)(i / 48 % 2);
        wanted.min_bytes = i;
        wanted.slab_bytes = i;
        CHECK(zk_configure(&wanted) == 0);
        config = config_now();
        CHECK(same(&config, &wanted));
    }
}

static void is_out_of_range(struct zk_config config)
{
    struct zk_config before = config_now();
    struct zk_config after;

    errno = 0;
    CHECK(zk_configure(&config) == -1 && errno == EINVAL);
    after = config_now();
    CHECK(same(&before, &after));
}

/* Each bad value comes with others that would be a change if they were accepted. */
static void values_out_of_range_are_refused_and_nothing_changes(void)
{
    struct zk_config config;

    config = unusual_config();
    config.recycle = (enum zk_recycle)99;
    is_out_of_range(config);
    config = unusual_config();
    config.nesting = (enum zk_nesting)(ZK_NESTING_RECYCLE + 1);
    is_out_of_range(config);
    config = unusual_config();
    config.owner = (enum zk_owner)(ZK_OWNER_ANY + 1);
    is_out_of_range(config);
    config = unusual_config();
    config.realloc = (enum zk_realloc_rule)(ZK_REALLOC_MIGRATE + 1);
    is_out_of_range(config);
    config = unusual_config();
    config.copy = (enum zk_copy)(ZK_COPY_FORWARD + 1);
    is_out_of_range(config);
    config = unusual_config();
    config.hugepage = (enum zk_hugepage)(ZK_HUGEPAGE_ALWAYS + 1);
    is_out_of_range(config);
    config = unusual_config();
    config.pretenure = (enum zk_pretenure)(ZK_PRETENURE_OFF + 1);
    is_out_of_range(config);
    config = unusual_config();
    config.wipe = (enum zk_wipe)(ZK_WIPE_PHASE + 1);
    is_out_of_range(config);
    config = unusual_config();
    config.nesting = (enum zk_nesting) - 1;
    is_out_of_range(config);
    config = unusual_config();
    config.slab_bytes = SIZE_MAX;
    is_out_of_range(config);
    config = unusual_config();
    config.slab_bytes = SIZE_MAX / 2 + 1;
    is_out_of_range(config);
}

static void is_busy(void)
{
    struct zk_config wanted = unusual_config();
    struct zk_config before = config_now();
    struct zk_config after;

    errno = 0;
    CHECK(zk_configure(&wanted) == -1 && errno == EBUSY);
    after = config_now();
    CHECK(same(&before, &after));
}

static void the_first_begin_fixes_the_configuration(void)
{
    begin_phase();
    is_busy();
    end_phase();
    is_busy();
}

static void config_shows_the_slab_bytes_that_were_granted(void)
{
    size_t asked = config_now().slab_bytes;
    size_t granted;

    begin_phase();
    granted = config_now().slab_bytes;
    CHECK(granted >= asked && granted - asked < MIB); /* whole chunks */
    CHECK(granted == stats_now().slab_bytes);
}

/* ---- Effects of switches that are not tested in other files ---- */

/* The VmFlags of the mapping that p lies in. */
static bool mapping_has_flag(const void *p, const char *flag)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    bool inside = false;
    bool found = false;
    char line[1024];

    if (maps == NULL)
        skip_because("no /proc/self/smaps");
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from;
        uintptr_t to;

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2)
            inside = from <= (uintptr_t)p && (uintptr_t)p < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    fclose(maps);
    return found;
}

static void skip_without_huge_pages(void)
{
    const size_t bytes = (size_t)4 * MIB;
    char *p;

    if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) != 0)
        skip_because("this kernel has no transparent huge pages");
    p = mapped_pages(bytes);
    CHECK(madvise(p, bytes, MADV_HUGEPAGE) == 0);
    if (!mapping_has_flag(p, " hg"))
        skip_because("MADV_HUGEPAGE says yes here and does nothing"); /* in qemu */
    CHECK(munmap(p, bytes) == 0);
}

static void hugepage_always_advises_for_huge_pages(void)
{
    skip_without_huge_pages();
    begin_phase();
    CHECK(mapping_has_flag(arena_block(4096), " hg"));
}

static void hugepage_never_advises_against_huge_pages(void)
{
    skip_without_huge_pages();
    begin_phase();
    CHECK(mapping_has_flag(arena_block(4096), " nh"));
}

static const struct CMUnitTest tests[] = {
    FRESH(every_switch_has_its_default),
    FRESH(the_value_of_0_is_the_default),

    TAKES("ZK_ALLOC_MIN_BYTES=0", min_bytes_is_the_number, 0),
    TAKES("ZK_ALLOC_MIN_BYTES=4095", min_bytes_is_the_number, 4095),
    TAKES("ZK_ALLOC_MIN_BYTES=4k", min_bytes_is_the_number, 4096),
    TAKES("ZK_ALLOC_MIN_BYTES=16K", min_bytes_is_the_number, 16384),
    TAKES("ZK_ALLOC_MIN_BYTES=1M", min_bytes_is_the_number, 1048576),
    TAKES("ZK_ALLOC_MIN_BYTES=2m", min_bytes_is_the_number, 2097152),
    TAKES("ZK_ALLOC_MIN_BYTES=1G", min_bytes_is_the_number, 1073741824),
    TAKES("ZK_ALLOC_MIN_BYTES=3g", min_bytes_is_the_number, 3221225472),
    TAKES("ZK_ALLOC_MIN_BYTES=18446744073709551615", min_bytes_is_the_number, SIZE_MAX),
    TAKES("ZK_ALLOC_MIN_BYTES=17179869183G", min_bytes_is_the_number, ((size_t)17179869183) << 30),
    REFUSES("ZK_ALLOC_MIN_BYTES="),
    REFUSES("ZK_ALLOC_MIN_BYTES=abc"),
    REFUSES("ZK_ALLOC_MIN_BYTES=-1"),
    REFUSES("ZK_ALLOC_MIN_BYTES=+1"),
    REFUSES("ZK_ALLOC_MIN_BYTES=k"),
    REFUSES("ZK_ALLOC_MIN_BYTES=8192 "),
    REFUSES("ZK_ALLOC_MIN_BYTES= 8192"),
    REFUSES("ZK_ALLOC_MIN_BYTES=0x1000"),
    REFUSES("ZK_ALLOC_MIN_BYTES=4.5k"),
    REFUSES("ZK_ALLOC_MIN_BYTES=4kB"),
    REFUSES("ZK_ALLOC_MIN_BYTES=16E"),
    REFUSES("ZK_ALLOC_MIN_BYTES=18446744073709551616"),
    REFUSES("ZK_ALLOC_MIN_BYTES=99999999999999999999"),
    REFUSES("ZK_ALLOC_MIN_BYTES=17179869184G"),

    TAKES("ZK_ALLOC_SLAB_GB=2", slab_bytes_is_the_number, (size_t)2 << 30),
    TAKES("ZK_ALLOC_SLAB_GB=0", slab_bytes_is_the_number, 0),
    TAKES("ZK_ALLOC_SLAB_GB=0.5", slab_bytes_is_the_number, (size_t)512 << 20),
    TAKES("ZK_ALLOC_SLAB_GB=1.25", slab_bytes_is_the_number, (size_t)1280 << 20),
    TAKES("ZK_ALLOC_SLAB_GB=0.0009765625", slab_bytes_is_the_number, (size_t)1 << 20),
    REFUSES("ZK_ALLOC_SLAB_GB="),
    REFUSES("ZK_ALLOC_SLAB_GB=."),
    REFUSES("ZK_ALLOC_SLAB_GB=nan"),
    REFUSES("ZK_ALLOC_SLAB_GB=inf"),
    REFUSES("ZK_ALLOC_SLAB_GB=1e3"),
    REFUSES("ZK_ALLOC_SLAB_GB=-1"),
    REFUSES("ZK_ALLOC_SLAB_GB=0x2"),
    REFUSES("ZK_ALLOC_SLAB_GB=1.2.3"),
    REFUSES("ZK_ALLOC_SLAB_GB=1,5"),
    REFUSES("ZK_ALLOC_SLAB_GB=2 "),
    REFUSES("ZK_ALLOC_SLAB_GB=2G"),
    REFUSES("ZK_ALLOC_SLAB_GB=99999999999"),
    REFUSES("ZK_ALLOC_SLAB_GB=17179869184"), /* 2^64 bytes */
    FRESH_AS(
        "ZK_ALLOC_SLAB_GB of 400 digits is refused", every_switch_has_its_default,
        .env =
            {
                "ZK_ALLOC_SLAB_GB="
                "99999999999999999999999999999999999999999999999999999999999999999999999999999999"
                "99999999999999999999999999999999999999999999999999999999999999999999999999999999"
                "99999999999999999999999999999999999999999999999999999999999999999999999999999999"
                "99999999999999999999999999999999999999999999999999999999999999999999999999999999"
                "99999999999999999999999999999999999999999999999999999999999999999999999999999999",
            },
        .says = {"ZK_ALLOC_SLAB_GB=999", "default"}),

    TAKES("ZK_ALLOC_RECYCLE=blind", recycle_is_the_number, ZK_RECYCLE_BLIND),
    REFUSES("ZK_ALLOC_RECYCLE=yes"),
    REFUSES("ZK_ALLOC_RECYCLE="),

    TAKES("ZK_ALLOC_NESTING=refuse", nesting_is_the_number, ZK_NESTING_REFUSE),
    TAKES("ZK_ALLOC_NESTING=count", nesting_is_the_number, ZK_NESTING_COUNT),
    TAKES("ZK_ALLOC_NESTING=recycle", nesting_is_the_number, ZK_NESTING_RECYCLE),
    REFUSES("ZK_ALLOC_NESTING="),
    REFUSES("ZK_ALLOC_NESTING=Count"),
    REFUSES("ZK_ALLOC_NESTING=counted"),
    REFUSES("ZK_ALLOC_NESTING=1"),

    TAKES("ZK_ALLOC_OWNER=exclusive", owner_is_the_number, ZK_OWNER_EXCLUSIVE),
    TAKES("ZK_ALLOC_OWNER=any", owner_is_the_number, ZK_OWNER_ANY),
    REFUSES("ZK_ALLOC_OWNER="),
    REFUSES("ZK_ALLOC_OWNER=all"),

    TAKES("ZK_ALLOC_REALLOC=sticky", realloc_is_the_number, ZK_REALLOC_STICKY),
    TAKES("ZK_ALLOC_REALLOC=migrate", realloc_is_the_number, ZK_REALLOC_MIGRATE),
    REFUSES("ZK_ALLOC_REALLOC="),
    REFUSES("ZK_ALLOC_REALLOC=migrates"),

    TAKES("ZK_ALLOC_COPY=memmove", copy_is_the_number, ZK_COPY_MEMMOVE),
    TAKES("ZK_ALLOC_COPY=forward", copy_is_the_number, ZK_COPY_FORWARD),
    REFUSES("ZK_ALLOC_COPY="),
    REFUSES("ZK_ALLOC_COPY=memcpy"),

    TAKES("ZK_ALLOC_POISON_RESET=0", poison_reset_is_the_number, 0),
    TAKES("ZK_ALLOC_POISON_RESET=1", poison_reset_is_the_number, 1),
    REFUSES("ZK_ALLOC_POISON_RESET="),
    REFUSES("ZK_ALLOC_POISON_RESET=2"),
    REFUSES("ZK_ALLOC_POISON_RESET=yes"),

    TAKES("ZK_ALLOC_HUGEPAGE=never", hugepage_is_the_number, ZK_HUGEPAGE_NEVER),
    TAKES("ZK_ALLOC_HUGEPAGE=always", hugepage_is_the_number, ZK_HUGEPAGE_ALWAYS),
    REFUSES("ZK_ALLOC_HUGEPAGE="),
    REFUSES("ZK_ALLOC_HUGEPAGE=1"),

    TAKES("ZK_ALLOC_PRETENURE=learn", pretenure_is_the_number, ZK_PRETENURE_LEARN),
    TAKES("ZK_ALLOC_PRETENURE=off", pretenure_is_the_number, ZK_PRETENURE_OFF),
    REFUSES("ZK_ALLOC_PRETENURE="),
    REFUSES("ZK_ALLOC_PRETENURE=on"),

    TAKES("ZK_ALLOC_WIPE=off", wipe_is_the_number, ZK_WIPE_OFF),
    TAKES("ZK_ALLOC_WIPE=phase", wipe_is_the_number, ZK_WIPE_PHASE),
    REFUSES("ZK_ALLOC_WIPE="),
    REFUSES("ZK_ALLOC_WIPE=1"),

    REFUSES("ZK_ALLOC_MINBYTES=0"),
    REFUSES("ZK_ALLOC_MIN_BYTE=0"),
    REFUSES("ZK_ALLOC_MIN_BYTES_=0"),
    REFUSES("ZK_ALLOC_min_bytes=0"),
    REFUSES("ZK_ALLOC_=0"),
    FRESH_AS("a name of 100 letters is refused", every_switch_has_its_default,
             .env = {"ZK_ALLOC_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=1"},
             .says = {"ZK_ALLOC_AAAAAAAA", "default"}),

    FRESH(a_refusal_is_said_once, .env = {BLIND, "ZK_ALLOC_COPY=memcpy"},
          .says = {"ZK_ALLOC_COPY=memcpy"}),
    FRESH(the_first_begin_reads_the_environment, .env = {BLIND, SLAB_64M, "ZK_ALLOC_MIN_BYTES=10"}),
    FRESH(good_values_beside_a_bad_one_are_taken,
          .env = {"ZK_ALLOC_MIN_BYTES=64", "ZK_ALLOC_OWNER=nobody", "ZK_ALLOC_COPY=forward"},
          .says = {"ZK_ALLOC_OWNER=nobody"}),
    FRESH_AS("every bad value gets a line of its own", every_switch_has_its_default,
             .env = {"ZK_ALLOC_MIN_BYTES=x", "ZK_ALLOC_OWNER=y", "ZK_ALLOC_COPY=z"}, .lines = 3,
             .says = {"ZK_ALLOC_MIN_BYTES=x", "ZK_ALLOC_OWNER=y", "ZK_ALLOC_COPY=z"}),
    FRESH(a_later_setenv_changes_nothing, .env = {SLAB_64M}),

    FRESH(configure_replaces_all_that_the_environment_says,
          .env = {"ZK_ALLOC_MIN_BYTES=1", "ZK_ALLOC_SLAB_GB=1", "ZK_ALLOC_NESTING=count"}),
    FRESH(configure_may_be_called_again_before_the_first_begin),
    FRESH(what_is_configured_is_in_force),
    FRESH(every_value_of_every_switch_can_be_configured),
    FRESH(values_out_of_range_are_refused_and_nothing_changes),
    FRESH(the_first_begin_fixes_the_configuration, .env = {SLAB_64M}),
    FRESH(config_shows_the_slab_bytes_that_were_granted, .env = {"ZK_ALLOC_SLAB_GB=0.1"}),

    FRESH(hugepage_always_advises_for_huge_pages, .env = {SLAB_64M, "ZK_ALLOC_HUGEPAGE=always"}),
    FRESH(hugepage_never_advises_against_huge_pages, .env = {SLAB_64M}),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
