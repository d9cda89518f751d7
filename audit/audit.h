/*
 * audit.h - what the parts of zk-audit share: the runs that it makes of a program, what the library
 * reported of them, and the answer.
 *
 * Text that is not known is "NA", a number that is not known is UNKNOWN; both print as NA.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define UNKNOWN UINT64_MAX
extern const char not_known[]; /* "NA" */

/* ---- common.c: small things, each of which cannot fail */

/* Every string of the reports; all of them live until the end. */
struct strings {
    char **at;
    size_t count;
};
const char *strings_add(struct strings *strings, const char *text);
void strings_free(struct strings *strings);

void *need(void *p);                                      /* exits 3 when p is NULL */
void *grow(void *array, size_t count, size_t item_bytes); /* room for one more than count */
bool known(const char *text);
const char *known_or(const char *text, const char *otherwise);
const char *base_name(const char *path);                  /* without its folders */
uint64_t sum(uint64_t a, uint64_t b);                     /* what is not known counts for nothing */
uint64_t most(uint64_t a, uint64_t b);                    /* likewise */
uint64_t least(uint64_t a, uint64_t b);                   /* likewise */
bool parse_bytes(const char *text, uint64_t *bytes);      /* 4096, 64K, 1M, 2G */
bool find_in_path(const char *name, char path[PATH_MAX]); /* a program, in one of PATH's folders */
const char *own_folder(void); /* of zk-audit; exits 3 without /proc. The next call overwrites it */
__attribute__((format(printf, 2, 3), noreturn)) void die(int status, const char *format, ...);

/* ---- reports.c: what the library wrote */

enum kind {
    TOUCHED,
    RETAINED,
    FREED_LATE,
    FREED,
    UNWATCHED,
    DISCARDED,
    KINDS,
};
extern const char *const kind_names[KINDS];

/* Where in the program: the scope that a stack is shown by (blame.c). */
struct place {
    const char *module; /* full path of what the first frame lies in that is no C library */
    const char *symbol;
    const char *file;
    uint64_t line;
    const char
        *frame; /* module+0xoffset of the scope; NULL in a report that names its places itself */
};

/* One of the stacks of a row. */
struct use {
    uint32_t made; /* traces */
    uint32_t accessed;
    uint64_t count;
    uint64_t bytes;
    const char *course; /* NA where there is none: course.h */
    uint32_t next;      /* 0: the last */
};

/* ---- uses.c */

/* A list of one; its number. */
uint32_t use_add(struct use use);
const struct use *use_at(uint32_t number);

/* Appends a list to the one that ends in last; returns where that ends now. */
uint32_t uses_join(uint32_t last, uint32_t other_first, uint32_t other_last);

struct finding;

/* The one after this of a row: from its first_use on. 0 behind the last_use; others may follow in the list, of other rows. */
uint32_t use_next(const struct finding *finding, uint32_t number);

/* How many different stacks made the blocks of the rows. */
size_t uses_stacks(const struct finding *const *findings, size_t count);

/* A row of a report. In a trap's row, the phases are those of the allocation and of the access. */
struct finding {
    enum kind kind;
    uint64_t size;
    uint64_t count;
    uint64_t
        first; /* of these, blocks that no row before has; UNKNOWN if the report does not tell */
    uint64_t asked; /* the size that decided the route */
    uint64_t bytes;
    uint64_t threads;
    uint64_t phase_first;
    uint64_t phase_last;
    const char
        *site; /* module+0xoffset;... innermost first; in a merged row, of one of its stacks */
    struct place made;
    const char *access; /* read or write */
    uint64_t offset;    /* of the access, in the block */
    const char *access_site;
    struct place accessed;
    uint32_t first_use; /* the stacks, from here ... */
    uint32_t last_use;  /* ... to here */
    const char *where;  /* of made and accessed: the same text is the same place */
    const char *access_where;
};

struct findings {
    struct finding *at; /* named ones are sorted by place, then size, then kind and access */
    size_t count;
};
int finding_compare(const struct finding *a, const struct finding *b);

/* How much was allocated in phases, of one range of sizes. */
struct size_range {
    uint64_t from;
    uint64_t to;
    uint64_t count;
    uint64_t bytes;
};

/* What the processes of one run reported, in one. */
struct report {
    struct findings findings;
    struct size_range *sizes;
    size_t size_count;
    uint64_t phases;
    uint64_t min_bytes; /* the smallest one that a process ran with; UNKNOWN without a process */
    uint64_t min_bytes_most;
    uint64_t allocations; /* blocks asked for in phases; UNKNOWN if a process did not tell */
    uint64_t lost;        /* findings and blocks that there was no memory to count */
    uint64_t
        arena_retained; /* census: bytes of the largest block that was retained in the arena; or UNKNOWN */
    /* What a trap would need of memory at once, in the process that comes nearest to its limit, at most; and what it may
     * take. UNKNOWN if the report does not tell. */
    uint64_t watched_bytes;
    uint64_t memory_limit;
    uint64_t address_limit;
    uint64_t mappings_limit;
    bool places_unseen; /* trap: of the places that touch, some may be missing */
    bool kernel_unseen; /* trap: what the kernel reads and writes was not all seen */
    bool unsized;       /* read alone, without its .phases: min_bytes is not known */
    size_t processes;   /* that wrote a report */
    size_t silent;      /* that ended without one */
    size_t running;     /* that have not ended yet */
};

/* Did the trap look away: blocks or accesses that it could not watch? */
bool report_looked_away(const struct report *report);

/* Reads the folder that AUDIT_OUT named; trap: whether its files are those of a trap. Exits 3 with
 * a line when a file is no report. */
void report_read(const char *folder, bool trap, struct report *report, struct strings *strings);
void report_free(struct report *report);

struct audit;

/* Reads a report that was written without zk-audit, or what a program's stderr had of one ("-": our stdin), into the
 * run that it is of. Exits 2 with a line when there is none. */
void report_read_alone(const char *path, struct audit *audit, struct strings *strings);

/* ---- tsv.c: a table, by the names of its columns */

struct tsv {
    const char *path;
    FILE *file;
    char *header; /* the line, cut into names */
    char *row;
    size_t header_room;
    size_t row_room;
    char **names;
    char **fields;
    size_t columns;
};

/* False when there is no such file. Exits 3 with a line when it has not even the last column: it may
 * have no rows to tell that by. */
bool tsv_open(struct tsv *tsv, const char *path, const char *last);
void tsv_start(struct tsv *tsv, FILE *file, const char *path, const char *last); /* file is open */
bool tsv_next(struct tsv *tsv); /* the next row; false, and closed, at the end */
const char *tsv_text(const struct tsv *tsv, const char *name);
const char *tsv_text_or(const struct tsv *tsv, const char *name, const char *otherwise);
uint64_t tsv_number(const struct tsv *tsv, const char *name);

/* The same of a column that a table need not have: UNKNOWN. */
uint64_t tsv_number_if_any(const struct tsv *tsv, const char *name);

/* ---- loadable.c */

/* The library, by a path that can stand in LD_PRELOAD: its own, or that of a link that is there until we exit. Exits 2
 * with a line when there can be none. */
const char *loadable_path(const char *library);

/* ---- run.c: one run of the program */

enum { TAIL_BYTES = 4096 };

/* Are there to be further runs that confirm the bound? */
enum confirm { CONFIRM_CHEAP, CONFIRM_ALWAYS, CONFIRM_NEVER };

/* How the runs are to be made. */
struct options {
    char **command;     /* the program and its arguments */
    const char *chaos;  /* or NULL */
    uint64_t min_bytes; /* asked for, or UNKNOWN */
    uint64_t watch;     /* from where on the trap watches, if asked for, or UNKNOWN */
    uint64_t assumed;   /* MIN_BYTES of a program that does not set its own */
    bool census;
    bool trap;
    bool tsv;
    bool stacks;
    bool resolve; /* command is a list of reports */
    bool json;
    const char *sarif; /* files to write, or NULL */
    const char *folded;
    const char *html;
    const char *write_suppressions;
    uint64_t fail_above; /* or UNKNOWN */
    pid_t process;       /* that is asked for its report, or 0 */
    enum confirm confirm;
    bool top_given;
    size_t top;
};

/* Programs that were run without the library, with the reason: a line for each, and one that says what to do. */
struct unseen {
    struct missed {
        const char *path;
        const char *why;    /* "it is statically linked" */
        const char *advice; /* what to do */
        bool program;       /* the one that we were to run, or what that became; and why is known */
    } * at;
    size_t count;
};

struct run {
    const char *name; /* the value of ZK_ALLOC_AUDIT */
    bool made;
    bool hidden;     /* its output went to tail */
    bool brief;      /* it takes no longer than to be told of, while it runs */
    int status;      /* as of waitpid */
    bool stdin_null; /* there was a stdin, and this run could not have it */
    int64_t took_ms;
    char tail[TAIL_BYTES];
    size_t tail_length;
    struct report report;
    struct unseen unseen;
};

/* Catches signals for the program, notes where stdin stands, and sets what both runs find in the
 * environment. */
void runs_start(const struct options *options);

/* Makes the run and reads its report. The first run has our stdin, stdout and stderr. Exits 2 with
 * a line when the program cannot be started. */
void run_make(struct run *run, const struct options *options, struct strings *strings);

/* Signals do to us what they did before. */
void runs_end(void);

/* The signal that asked us to stop, or 0. */
int runs_interrupted(void);

bool run_failed(const struct run *run);
bool run_reported(const struct run *run);

/* ---- unseen.c: what the library was not loaded into */

/* Reads what the library's witness wrote into folder (alloc/audit/witness.h). first is the process that was started,
 * from program. */
void unseen_read(const char *folder, long first, const char *program, struct unseen *unseen,
                 struct strings *strings);

/* The allocator that is linked into program, by its name; NULL if none is known. Guessed, if there is a text of its but none of
 * its functions' names, which a stripped program has not. */
const char *unseen_allocator(const char *program, bool *guessed);

/* ---- request.c: a report of a process that runs. Exits 2 with a line when it is under no audit. */
void report_request(pid_t process, struct audit *audit, struct strings *strings);

/* ---- folder.c: the folder that the library writes into; none is left when we exit */
const char *folder_make(void);
void folder_remove(void);

/* ---- findings.c */

/* One list of both runs': each row of the census with what the trap saw of it, and what only the
 * trap has. Sorted by kind, then size downwards, then site. */
struct findings findings_join(const struct findings *census, const struct findings *trap);

/* Puts names to places, when frames have them, and makes one row of those that have the same. */
void findings_name(struct findings *findings, struct strings *strings);

/* The blocks of one line, for a person: those below MIN_BYTES apart. */
struct group {
    const struct finding *made;
    uint64_t size_least;
    uint64_t size_most;
    uint64_t asked_most;
    uint64_t count;   /* UNKNOWN without a census */
    uint64_t bytes;   /* likewise */
    uint64_t touched; /* of the blocks; UNKNOWN if the trap does not tell */
    uint64_t threads;
    const struct finding *touch; /* the access to the largest block, or NULL */
    size_t touches;              /* places that touch */
    bool freed_late;
    const struct finding **findings; /* all of it */
    size_t finding_count;
    size_t stacks;      /* that made the blocks */
    const char *hidden; /* why it does not count (suppress.c), "" for no reason; or NULL */
};
struct groups {
    struct group *at; /* by risk: touched ones first, then by size */
    size_t count;
};
struct groups groups_of(const struct findings *census, const struct findings *trap,
                        uint64_t min_bytes);
void groups_free(struct groups *groups);

/* Does it tell of retained blocks? What tells of others is in no group. */
bool finding_in_group(const struct finding *finding);

/* ---- growth.c */

struct amount;

/* Do the group's blocks grow? rule tells how: "by 1000 bytes in each phase". */
bool growth_of(const struct group *group, struct amount *rule);

/* ---- verdict.c: the answer */

enum verdict { SAFE, UNSAFE, NO_VERDICT };
extern const char *const verdict_names[]; /* as in --tsv */

/* What a run says of a bound: its value, or only one side of it, or nothing. */
enum exactness { NOTHING, EXACT, AT_LEAST, AT_MOST };
extern const char *const exactness_names[]; /* as in --tsv */
struct bound {
    uint64_t value; /* UNKNOWN for NOTHING */
    enum exactness is;
};

/* Why there is no verdict, though there is a report. */
enum lack {
    LACKS_NOTHING,
    LACKS_REPORTS,     /* of a process, or of its MIN_BYTES */
    LACKS_ALLOCATIONS, /* none was seen */
    LACKS_SIGHT,       /* the trap, which was alone, could not watch all */
    LACKS_MEMORY,      /* the census could not list all */
};

/* ---- confirm.c: further runs, which ask routing whether the guaranteed bound is right */

enum confirmed {
    NOT_CONFIRMED, /* and nothing is said of it */
    CONFIRMED,
    CONFIRM_HIGHER,  /* at the bound, something was retained in the arena */
    CONFIRM_LOWER,   /* nothing was, nor at a byte less */
    CONFIRM_FAILED,  /* a run ended otherwise than the first */
    CONFIRM_IGNORED, /* the program sets MIN_BYTES itself */
    CONFIRM_COSTS,   /* a run takes long */
};
extern const char *const confirmed_names[]; /* as in --json; NULL for NOT_CONFIRMED */

struct confirmation {
    enum confirmed is;
    uint64_t bound; /* that was asked for; not known to be right if `is` says otherwise */
    uint64_t at;    /* bytes of the largest block that was retained in the arena at the bound ... */
    uint64_t below; /* ... and at a byte less */
    uint64_t above; /* the guaranteed bound of the last of these runs */
};

struct audit {
    const struct options *options;
    struct confirmation confirmation;
    struct run census;
    struct run trap;
    uint64_t min_bytes; /* the present one; UNKNOWN without a report */
    struct bound guaranteed;
    struct bound touched;
    uint64_t
        discarded; /* the same of blocks that were used after they had been discarded; 0 if none was */
    enum verdict verdict;
    enum lack lack;
    struct groups groups;
    bool apart; /* nothing is unsafe but what is suppressed */
};
void audit_judge(struct audit *audit);

/* One more than the largest block of that kind, by the request that decided its route; 0 if there is none. */
uint64_t run_above(const struct run *run, enum kind kind);

/* Where the audit has been judged unsafe, and it is cheap or asked for: makes the runs. Between runs_start and runs_end. */
void confirm_make(struct audit *audit, struct strings *strings);

bool audit_reported(const struct audit *audit);

/* Was there a trap run that watched all blocks of the group? Else it does not tell that none is touched. */
bool audit_watched(const struct audit *audit, const struct group *group);

/* The bound to recommend; 0 when there is nothing to change. */
uint64_t audit_advice(const struct audit *audit);

/* What moves to system when MIN_BYTES is raised from the present one to min_bytes. */
struct cost {
    uint64_t bytes;
    uint64_t of_bytes; /* that go to the arena at present */
    uint64_t phases;
    bool at_most; /* a range of sizes lies across min_bytes, and is counted in whole */
};
struct cost audit_cost(const struct audit *audit, uint64_t min_bytes);

/* ---- lines.c: lines for a person, none wider than the terminal */

/* Without a terminal; and what even the narrowest has. */
enum { SCREEN_COLUMNS = 100, SCREEN_COLUMNS_LEAST = 40, SCREEN_LINES = 24 };
size_t screen_columns(void);

/* Where the screen is printed: stderr, where the program has stdout. */
extern FILE *screen;

struct lines {
    char **at;
    size_t count;
    size_t columns; /* 0: those of the terminal */
};

/* What is too long for a line goes on in the next ones. */
__attribute__((format(printf, 2, 3))) void lines_add(struct lines *lines, const char *format, ...);
void lines_free(struct lines *lines);

/* "1 block", "2 blocks": into a buffer that is the caller's. */
struct amount {
    char text[64];
};
struct amount amount(uint64_t number, const char *noun);
struct amount sizes_of(const struct group *group); /* "16400", "64 to 16400" */

/* Relative to the folder that we are in, if it lies there. */
const char *from_here(const char *file);

/* A place in about width columns: file:line (function), or what is known of it. */
struct location {
    char text[1024];
};
struct location location(const struct place *place, const char *site, size_t width);
size_t
location_columns_least(const struct place *place); /* with fewer, nobody knows where that is */

/* ---- stacks.c: the whole stacks of a group, with what was inlined, outermost last */

/* A stack, and what all rows of a group have of it. */
struct part {
    uint32_t trace;
    uint64_t count; /* UNKNOWN if none of them counts blocks */
    uint64_t bytes;
};
struct parts {
    struct part *at; /* most bytes first; the caller frees it */
    size_t count;
};
struct parts group_stacks(const struct group *group, bool accesses);
void stacks_add(const struct group *group, struct lines *lines);
void access_stacks_add(const struct group *group, struct lines *lines);

/* ---- notes.c: whatever a reader must know to trust the answer */
void notes_collect(const struct audit *audit, struct lines *lines);
void confirm_note(const struct audit *audit, struct lines *lines); /* confirm.c */

/* ---- forecast.c: what the trap will need, by what the census found, where that is not to be had or takes long */
void forecast_say(const struct audit *audit);

/* ---- screen.c, table.c: the answer, for people on stderr, and for machines on stdout */
void screen_print(const struct audit *audit, const struct lines *notes);
void screen_verdict(const struct audit *audit, struct lines *lines); /* what it says first ... */
void screen_advice(const struct audit *audit,
                   struct lines *lines); /* ... and last, if there is a report */
/* Of a group: "3 blocks of 64 bytes, 1 thread, 2 touched later". */
void screen_blocks(char *text, size_t room, const struct audit *audit, const struct group *group);
void table_print(const struct audit *audit);

#endif
