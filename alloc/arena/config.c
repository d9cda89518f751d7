/*
 * config.c - parses the switches. A bad value is refused with one line, and the default is kept.
 */
#include "config.h"
#include "observer.h"
#include "os.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

struct zk_config zk_settings = {
    .min_bytes = ZK_DEFAULT_MIN_BYTES,
    .slab_bytes = ZK_DEFAULT_SLAB_BYTES,
    .audit_depth = ZK_DEFAULT_AUDIT_DEPTH,
};

/* No x86-64 or aarch64 process has more address space than this for one slab. */
static const size_t slab_bytes_max = (size_t)1 << 46;

static const char *parse_bytes(const char *value, size_t *out)
{
    static const char wanted[] = "want bytes, such as 4096, 64K, 1M or 2G";
    unsigned shift = 0;
    unsigned long long number;
    char *end;

    if (!isdigit((unsigned char)*value))
        return wanted;
    errno = 0;
    number = strtoull(value, &end, 10);
    if (errno == ERANGE)
        return "too large";
    switch (*end) {
    case '\0':
        break;
    case 'k':
    case 'K':
        shift = 10;
        break;
    case 'm':
    case 'M':
        shift = 20;
        break;
    case 'g':
    case 'G':
        shift = 30;
        break;
    default:
        return wanted;
    }
    if (*end != '\0' && end[1] != '\0')
        return wanted;
    if (number > SIZE_MAX >> shift)
        return "too large";
    *out = (size_t)number << shift;
    return NULL;
}

/* Decimal digits with an optional fraction; not strtod, whose decimal point depends on the locale.
 */
static const char *parse_gigabytes(const char *value, size_t *out)
{
    double number = 0;
    double place = 1;
    bool fraction = false;
    bool digits = false;

    for (; *value != '\0'; value++) {
        if (*value == '.' && !fraction) {
            fraction = true;
        } else if (isdigit((unsigned char)*value)) {
            digits = true;
            number = number * 10 + (*value - '0');
            place *= fraction ? 10 : 1;
        } else {
            digits = false;
            break;
        }
    }
    if (!digits)
        return "want gigabytes, such as 8 or 0.5";
    number /= place;
    if (!(number <= (double)(slab_bytes_max >> 30)))
        return "too large";
    *out = (size_t)(number * (double)((size_t)1 << 30));
    return NULL;
}

/* Kept in a copy: the environment may change. */
static const char *parse_path(const char *value, const char **out)
{
    static char path[PATH_MAX - 64]; /* room for a process id and a suffix */

    if (*value == '\0')
        return "want stderr or a path";
    if (strlen(value) >= sizeof path)
        return "too long";
    if (strcmp(value, "stderr") == 0) {
        *out = NULL;
        return NULL;
    }
    memcpy(path, value, strlen(value) + 1);
    *out = path;
    return NULL;
}

/* N[:seed] */
static const char *parse_chaos(const char *value, struct zk_config *config)
{
#ifdef ZK_INTERPOSE
    static const char wanted[] = "want off, or N[:seed], both numbers";
    unsigned long long every;
    unsigned long long seed = 1;
    char *end;

    if (strcmp(value, "off") == 0) {
        config->chaos_every = 0;
        return NULL;
    }
    errno = 0;
    every = isdigit((unsigned char)*value) ? strtoull(value, &end, 10) : 0;
    if (every == 0 || every > INT32_MAX)
        return wanted;
    if (*end == ':' && isdigit((unsigned char)end[1]))
        seed = strtoull(end + 1, &end, 10);
    if (*end != '\0' || errno != 0)
        return wanted;
    config->chaos_every = every;
    config->chaos_seed = seed;
    return NULL;
#else
    (void)config;
    return strcmp(value, "off") == 0 ? NULL : "only libzkalloc-preload.so has it";
#endif
}

/* preload/begin_at.c finds the functions, and complains if it cannot. */
static const char *parse_function(void)
{
#ifdef ZK_INTERPOSE
    return NULL;
#else
    return "only libzkalloc-preload.so has it";
#endif
}

static const char *parse_depth(const char *value, unsigned *out)
{
    size_t depth;

    if (parse_bytes(value, &depth) != NULL || depth > ZK_AUDIT_DEPTH_MAX)
        return "want a number of frames, up to 32";
    *out = (unsigned)depth;
    return NULL;
}

/* The index of value among words (ended by NULL), or -1. */
static int parse_word(const char *value, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(value, words[i]) == 0)
            return i;
    return -1;
}

static const char *parse_deepbind(const char *value, struct zk_config *config)
{
    static const char *const deepbind[] = {"mask", "leave", NULL};
    int word = parse_word(value, deepbind);

    if (word < 0)
        return "want mask or leave";
#ifndef ZK_INTERPOSE
    if (word != ZK_DEEPBIND_MASK)
        return "only libzkalloc-preload.so has it";
#endif
    config->deepbind = (enum zk_deepbind)word;
    return NULL;
}

const char *zk_config_parse(struct zk_config *config, const char *name, const char *value)
{
    static const char *const recycle[] = {"pinned", "blind", NULL};
    static const char *const nesting[] = {"refuse", "count", "recycle", NULL};
    static const char *const owner[] = {"exclusive", "any", NULL};
    static const char *const realloc_rule[] = {"sticky", "migrate", NULL};
    static const char *const copy[] = {"memmove", "forward", NULL};
    static const char *const flag[] = {"0", "1", NULL};
    static const char *const hugepage[] = {"never", "always", NULL};
    static const char *const audit[] = {"off", "census", "trap", NULL};
    static const char *const tools[] = {"tell", "ignore", NULL};
    static const char *const misuse[] = {"abort", "ignore", NULL};
    static const char *const pretenure[] = {"learn", "off", NULL};
    static const char *const wipe[] = {"off", "phase", NULL};
    int word;

    if (strcmp(name, "ZK_ALLOC_MIN_BYTES") == 0)
        return parse_bytes(value, &config->min_bytes);
    if (strcmp(name, "ZK_ALLOC_SLAB_GB") == 0)
        return parse_gigabytes(value, &config->slab_bytes);
    if (strcmp(name, "ZK_ALLOC_RECYCLE") == 0) {
        if ((word = parse_word(value, recycle)) < 0)
            return "want pinned or blind";
        config->recycle = (enum zk_recycle)word;
    } else if (strcmp(name, "ZK_ALLOC_NESTING") == 0) {
        if ((word = parse_word(value, nesting)) < 0)
            return "want refuse, count or recycle";
        config->nesting = (enum zk_nesting)word;
    } else if (strcmp(name, "ZK_ALLOC_OWNER") == 0) {
        if ((word = parse_word(value, owner)) < 0)
            return "want exclusive or any";
        config->owner = (enum zk_owner)word;
    } else if (strcmp(name, "ZK_ALLOC_REALLOC") == 0) {
        if ((word = parse_word(value, realloc_rule)) < 0)
            return "want sticky or migrate";
        config->realloc = (enum zk_realloc_rule)word;
    } else if (strcmp(name, "ZK_ALLOC_COPY") == 0) {
        if ((word = parse_word(value, copy)) < 0)
            return "want memmove or forward";
        config->copy = (enum zk_copy)word;
    } else if (strcmp(name, "ZK_ALLOC_POISON_RESET") == 0) {
        if ((word = parse_word(value, flag)) < 0)
            return "want 0 or 1";
        config->poison_reset = word != 0;
    } else if (strcmp(name, "ZK_ALLOC_HUGEPAGE") == 0) {
        if ((word = parse_word(value, hugepage)) < 0)
            return "want never or always";
        config->hugepage = (enum zk_hugepage)word;
    } else if (strcmp(name, "ZK_ALLOC_AUDIT") == 0) {
        if ((word = parse_word(value, audit)) < 0)
            return "want off, census or trap";
        if (word != ZK_AUDIT_OFF && !zk_observer_audits())
            return "this library was built without the audit (ZKALLOC_AUDIT=OFF)";
        config->audit = (enum zk_audit)word;
    } else if (strcmp(name, "ZK_ALLOC_AUDIT_OUT") == 0) {
        return parse_path(value, &config->audit_out);
    } else if (strcmp(name, "ZK_ALLOC_AUDIT_DEPTH") == 0) {
        return parse_depth(value, &config->audit_depth);
    } else if (strcmp(name, "ZK_ALLOC_CHAOS") == 0) {
        return parse_chaos(value, config);
    } else if (strcmp(name, "ZK_ALLOC_BEGIN_AT") == 0 || strcmp(name, "ZK_ALLOC_END_AT") == 0) {
        return parse_function();
    } else if (strcmp(name, "ZK_ALLOC_TOOLS") == 0) {
        if ((word = parse_word(value, tools)) < 0)
            return "want tell or ignore";
        config->tools = (enum zk_tools)word;
    } else if (strcmp(name, "ZK_ALLOC_MISUSE") == 0) {
        if ((word = parse_word(value, misuse)) < 0)
            return "want abort or ignore";
        config->misuse = (enum zk_misuse)word;
    } else if (strcmp(name, "ZK_ALLOC_PRETENURE") == 0) {
        if ((word = parse_word(value, pretenure)) < 0)
            return "want learn or off";
        config->pretenure = (enum zk_pretenure)word;
    } else if (strcmp(name, "ZK_ALLOC_WIPE") == 0) {
        if ((word = parse_word(value, wipe)) < 0)
            return "want off or phase";
        config->wipe = (enum zk_wipe)word;
    } else if (strcmp(name, "ZK_ALLOC_DEEPBIND") == 0) {
        return parse_deepbind(value, config);
    } else if (strcmp(name, "ZK_ALLOC_VERBOSE") == 0) {
        if ((word = parse_word(value, flag)) < 0)
            return "want 0 or 1";
        config->verbose = word != 0;
    } else if (strcmp(name, "ZK_ALLOC_AUDIT_WITNESS") == 0) {
        return NULL; /* see witness.h */
    } else {
        return "no such switch";
    }
    return NULL;
}

const char *zk_config_check(const struct zk_config *config)
{
    if ((unsigned)config->recycle > ZK_RECYCLE_BLIND)
        return "recycle";
    if (config->slab_bytes > slab_bytes_max)
        return "slab_bytes";
    if ((unsigned)config->nesting > ZK_NESTING_RECYCLE)
        return "nesting";
    if ((unsigned)config->owner > ZK_OWNER_ANY)
        return "owner";
    if ((unsigned)config->realloc > ZK_REALLOC_MIGRATE)
        return "realloc";
    if ((unsigned)config->copy > ZK_COPY_FORWARD)
        return "copy";
    if ((unsigned)config->hugepage > ZK_HUGEPAGE_ALWAYS)
        return "hugepage";
    if ((unsigned)config->audit > ZK_AUDIT_TRAP)
        return "audit";
    if (config->audit_depth > ZK_AUDIT_DEPTH_MAX)
        return "audit_depth";
    if ((unsigned)config->tools > ZK_TOOLS_IGNORE)
        return "tools";
    if ((unsigned)config->misuse > ZK_MISUSE_IGNORE)
        return "misuse";
    if ((unsigned)config->deepbind > ZK_DEEPBIND_LEAVE)
        return "deepbind";
    if ((unsigned)config->pretenure > ZK_PRETENURE_OFF)
        return "pretenure";
    if ((unsigned)config->wipe > ZK_WIPE_PHASE)
        return "wipe";
    return NULL;
}

/* What the settings will be, while they are being written. */
static struct {
    struct zk_config wanted;
    _Atomic bool writing;
} replacement;

static void publish(const struct zk_config *config)
{
    replacement.wanted = *config;
    atomic_store(&replacement.writing, true);
    zk_settings = replacement.wanted;
    atomic_store(&replacement.writing, false);
}

void zk_config_mend(void)
{
    const struct zk_config wanted = replacement.wanted;

    if (atomic_load(&replacement.writing))
        publish(&wanted);
}

/* Looks up what the trap needs, while the program may still do so. */
static void prepare_trap(void)
{
    if (zk_settings.audit == ZK_AUDIT_TRAP)
        zk_os_mappings_max();
}

void zk_config_replace(const struct zk_config *config)
{
    struct zk_config wanted = *config;

    wanted.chaos_every = zk_settings.chaos_every; /* fixed when the library was loaded */
    wanted.chaos_seed = zk_settings.chaos_seed;
    wanted.deepbind = zk_settings.deepbind; /* likewise */
    publish(&wanted);
    prepare_trap();
}

void zk_config_load(void)
{
    static const char prefix[] = "ZK_ALLOC_";
    static bool loaded; /* set at the end: a child forked before that loads them itself */
    struct zk_config config = zk_settings;

    if (loaded)
        return;
    if (getauxval(AT_SECURE) != 0 || environ == NULL) {
        loaded = true; /* setuid: the environment is not to be trusted */
        return;
    }
    for (char **entry = environ; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        char name[64];
        const char *wrong;

        if (equals == NULL || strncmp(*entry, prefix, sizeof prefix - 1) != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(equals - *entry), *entry);
        wrong = zk_config_parse(&config, name, equals + 1);
        if (wrong != NULL)
            zk_os_say("%s=%.64s refused: %s; the default is kept", name, equals + 1, wrong);
    }
    publish(&config);
    prepare_trap();
    loaded = true;
}
