/*
 * audit.h - what the parts of zk-audit share: the runs that it makes of a program, what the library
 * reported about them, and the answer.
 *
 * Unknown text is "NA", an unknown number is UNKNOWN; both print as NA.
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

/* ---- common.c: small functions that do not return errors */

/* All strings of the reports; they are kept until the end. */
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
const char *base_name(const char *path);                  /* the last part of a path */
uint64_t sum(uint64_t a, uint64_t b);                     /* an UNKNOWN one is left out */
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

/* A place in the program: the scope that stands for a stack (blame.c). */
struct place {
    const char *module; /* full path of the first frame's object that is no C library */
    const char *symbol;
    const char *file;
    uint64_t line;
    const char
        *frame; /* module+0xoffset of the scope; NULL if the report itself names its places */
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

/* Makes a list of one, and returns its number. */
uint32_t use_add(struct use use);
const struct use *use_at(uint32_t number);

/* Appends a list to the one that ends in last; returns its new end. */
uint32_t uses_join(uint32_t last, uint32_t other_first, uint32_t other_last);

struct finding;

/* The row's next use, beginning with first_use; 0 after last_use, where uses of other rows may
 * follow in the list. */
uint32_t use_next(const struct finding *finding, uint32_t number);

/* The number of different stacks that made the blocks of the rows. */
size_t uses_stacks(const struct finding *const *findings, size_t count);

/* A row of a report. In a trap's row, the phases are those of the allocation and of the access. */
struct finding {
    enum kind kind;
    uint64_t size;
    uint64_t count;
    uint64_t
        first; /* of these, how many are in no earlier row; UNKNOWN if the report does not say */
    uint64_t asked; /* the size asked for, which decided the route */
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
    const char *where;  /* of made and accessed: equal text means the same place */
    const char *access_where;
};

struct findings {
    struct finding *at; /* once named, sorted by place, then size, then kind and access */
    size_t count;
};
int finding_compare(const struct finding *a, const struct finding *b);

/* How much of one range of sizes was allocated in phases. */
struct size_range {
    uint64_t from;
    uint64_t to;
    uint64_t count;
    uint64_t bytes;
};

/* What all processes of one run reported. */
struct report {
    struct findings findings;
    struct size_range *sizes;
    size_t size_count;
    uint64_t phases;
    uint64_t min_bytes; /* the smallest of all processes; UNKNOWN without a process */
    uint64_t min_bytes_most;
    uint64_t allocations; /* blocks asked for in phases; UNKNOWN if a process did not say */
    uint64_t lost;        /* findings and blocks not counted, for lack of memory */
    uint64_t
        arena_retained; /* census: bytes of the largest block retained in the arena; or UNKNOWN */
    /* The most memory that a trap would need at once, in the process that comes nearest to its
     * limit; and how much it may take. UNKNOWN if the report does not say. */
    uint64_t watched_bytes;
    uint64_t memory_limit;
    uint64_t address_limit;
    uint64_t mappings_limit;
    bool places_unseen; /* trap: some of the places that touch may be missing */
    bool kernel_unseen; /* trap: not all reads and writes of the kernel were seen */
    bool unsized;       /* read without its .phases: min_bytes is not known */
    size_t processes;   /* that wrote a report */
    size_t silent;      /* that ended without one */
    size_t running;     /* that have not ended yet */
};

/* Were there blocks or accesses that the trap could not watch? */
bool report_looked_away(const struct report *report);

/* Reads the folder that AUDIT_OUT named; trap: are its files those of a trap? Exits 3 with a line
 * when a file is no report. */
void report_read(const char *folder, bool trap, struct report *report, struct strings *strings);
void report_free(struct report *report);

struct audit;

/* Reads a report that was written without zk-audit, or a program's stderr that contains one ("-":
 * our stdin), into the run of its kind. Exits 2 with a line when there is none. */
void report_read_alone(const char *path, struct audit *audit, struct strings *strings);

/* ---- tsv.c: a table, by the names of its columns */

struct tsv {
    const char *path;
    FILE *file;
    char *header; /* the header line, split into names */
    char *row;
    size_t header_room;
    size_t row_room;
    char **names;
    char **fields;
    size_t columns;
};

/* False when there is no such file. Exits 3 with a line when the header lacks the last column: a
 * table may have no rows that would show that it is cut short. */
bool tsv_open(struct tsv *tsv, const char *path, const char *last);
void tsv_start(struct tsv *tsv, FILE *file, const char *path, const char *last); /* file is open */
bool tsv_next(struct tsv *tsv); /* the next row; false, and closed, at the end */
const char *tsv_text(const struct tsv *tsv, const char *name);
const char *tsv_text_or(const struct tsv *tsv, const char *name, const char *otherwise);
uint64_t tsv_number(const struct tsv *tsv, const char *name);

/* The same for an optional column: UNKNOWN if the table does not have it. */
uint64_t tsv_number_if_any(const struct tsv *tsv, const char *name);

/* ---- loadable.c */

/* A path of the library that LD_PRELOAD can contain: its own, or that of a link, which is removed
 * when we exit. Exits 2 with a line when that is impossible. */
const char *loadable_path(const char *library);

/* ---- run.c: one run of the program */

enum { TAIL_BYTES = 4096 };

/* Are further runs to confirm the bound? */
enum confirm { CONFIRM_CHEAP, CONFIRM_ALWAYS, CONFIRM_NEVER };

/* How the runs are to be made. */
struct options {
    char **command;     /* the program and its arguments */
    const char *chaos;  /* or NULL */
    uint64_t min_bytes; /* from --min-bytes, or UNKNOWN */
    uint64_t watch;     /* from --watch, the size from which on the trap watches; or UNKNOWN */
    uint64_t assumed;   /* MIN_BYTES if the program does not set its own */
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
    pid_t process;       /* the process whose report is requested, or 0 */
    enum confirm confirm;
    bool top_given;
    size_t top;
};

/* Programs that ran without the library: for each a line with the reason, and one that says what to
 * do. */
struct unseen {
    struct missed {
        const char *path;
        const char *why;    /* "it is statically linked" */
        const char *advice; /* what to do */
        /* It is the audited program, or what that became by exec; and `why` is known. */
        bool program;
    } * at;
    size_t count;
};

struct run {
    const char *name; /* the value of ZK_ALLOC_AUDIT */
    bool made;
    bool hidden;     /* its output went to tail */
    bool brief;      /* so short that no line about it is shown while it runs */
    int status;      /* as of waitpid */
    bool stdin_null; /* this run could not have stdin again, though there was one */
    int64_t took_ms;
    char tail[TAIL_BYTES];
    size_t tail_length;
    struct report report;
    struct unseen unseen;
};

/* Catches signals for the program, notes the offset of stdin, and sets the environment of both
 * runs. */
void runs_start(const struct options *options);

/* Makes the run and reads its report. The first run has our stdin, stdout and stderr. Exits 2 with
 * a line when the program cannot be started. */
void run_make(struct run *run, const struct options *options, struct strings *strings);

/* Restores the former effects of signals. */
void runs_end(void);

/* The signal that asked us to stop, or 0. */
int runs_interrupted(void);

bool run_failed(const struct run *run);
bool run_reported(const struct run *run);

/* ---- unseen.c: programs that the library was not loaded into */

/* Reads what the library's witness wrote into folder (alloc/audit/witness.h). first is the process
 * that was started from program. */
void unseen_read(const char *folder, long first, const char *program, struct unseen *unseen,
                 struct strings *strings);

/* The name of a known allocator that is linked into program, or NULL. It is guessed if only one of
 * its messages was found, but none of its functions, whose names a stripped program does not
 * have. */
const char *unseen_allocator(const char *program, bool *guessed);

/* ---- request.c: a report of a running process. Exits 2 with a line when it is under no audit. */
void report_request(pid_t process, struct audit *audit, struct strings *strings);

/* ---- folder.c: the folder that the library writes into; it is removed when we exit */
const char *folder_make(void);
void folder_remove(void);

/* ---- findings.c */

/* Joins the findings of both runs: each row of the census with what the trap saw of its blocks, and
 * the rows that only the trap has. Sorted by kind, then size downwards, then site. */
struct findings findings_join(const struct findings *census, const struct findings *trap);

/* Names the places, when frames have names, and merges the rows whose places are the same. */
void findings_name(struct findings *findings, struct strings *strings);

/* The blocks allocated at one line, for a person; those below MIN_BYTES are a group of their
 * own. */
struct group {
    const struct finding *made;
    uint64_t size_least;
    uint64_t size_most;
    uint64_t asked_most;
    uint64_t count;   /* UNKNOWN without a census */
    uint64_t bytes;   /* likewise */
    uint64_t touched; /* how many of the blocks; UNKNOWN if the trap does not say */
    uint64_t threads;
    const struct finding *touch; /* the access to the largest block, or NULL */
    size_t touches;              /* places that touch them */
    bool freed_late;
    const struct finding **findings; /* all findings of the group */
    size_t finding_count;
    size_t stacks; /* stacks that made the blocks */
    /* Why the group does not count (suppress.c), "" if no reason is given; NULL: it counts. */
    const char *hidden;
};
struct groups {
    struct group *at; /* sorted by risk: touched ones first, then by size */
    size_t count;
};
struct groups groups_of(const struct findings *census, const struct findings *trap,
                        uint64_t min_bytes);
void groups_free(struct groups *groups);

/* Is it about retained blocks? Findings about others are in no group. */
bool finding_in_group(const struct finding *finding);

/* ---- growth.c */

struct amount;

/* Do the group's blocks grow? rule says how: "by 1000 bytes in each phase". */
bool growth_of(const struct group *group, struct amount *rule);

/* ---- verdict.c: the answer */

enum verdict { SAFE, UNSAFE, NO_VERDICT };
extern const char *const verdict_names[]; /* as in --tsv */

/* What a run says about a bound: its value, or only one side of it, or nothing. */
enum exactness { NOTHING, EXACT, AT_LEAST, AT_MOST };
extern const char *const exactness_names[]; /* as in --tsv */
struct bound {
    uint64_t value; /* UNKNOWN for NOTHING */
    enum exactness is;
};

/* What is missing for a verdict, although there is a report. */
enum lack {
    LACKS_NOTHING,
    LACKS_REPORTS,     /* a process's report, or its MIN_BYTES */
    LACKS_ALLOCATIONS, /* no allocation was seen */
    LACKS_SIGHT,       /* only the trap ran, and it could not watch everything */
    LACKS_MEMORY,      /* the census could not list everything */
};

/* ---- confirm.c: further runs, which check the guaranteed bound against the actual routing */

enum confirmed {
    NOT_CONFIRMED, /* no further runs, and nothing is printed */
    CONFIRMED,
    CONFIRM_HIGHER,  /* at the bound, something was retained in the arena */
    CONFIRM_LOWER,   /* nothing was, but nothing at a byte less either */
    CONFIRM_FAILED,  /* a run did not end as the first one did */
    CONFIRM_IGNORED, /* the program sets MIN_BYTES itself */
    CONFIRM_COSTS,   /* a run takes long */
};
extern const char *const confirmed_names[]; /* as in --json; NULL for NOT_CONFIRMED */

struct confirmation {
    enum confirmed is;
    uint64_t bound; /* the bound that was checked; right only if `is` says so */
    uint64_t at;    /* bytes of the largest block retained in the arena at the bound ... */
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
        discarded; /* the same for blocks that were used after a discard; 0 if there were none */
    enum verdict verdict;
    enum lack lack;
    struct groups groups;
    bool apart; /* only suppressed groups are unsafe */
};
void audit_judge(struct audit *audit);

/* One byte more than the largest block of that kind, by the request that decided its route; 0 if
 * there is none. */
uint64_t run_above(const struct run *run, enum kind kind);

/* Makes the further runs, if the audit was judged unsafe and they are cheap or asked for. To be
 * called between runs_start and runs_end. */
void confirm_make(struct audit *audit, struct strings *strings);

bool audit_reported(const struct audit *audit);

/* Was there a trap run that watched all blocks of the group? If not, untouched blocks prove
 * nothing. */
bool audit_watched(const struct audit *audit, const struct group *group);

/* The bound to recommend; 0 when there is nothing to change. */
uint64_t audit_advice(const struct audit *audit);

/* The allocations that move to system when MIN_BYTES is raised from the present one to
 * min_bytes. */
struct cost {
    uint64_t bytes;
    uint64_t of_bytes; /* all bytes that go to the arena at present */
    uint64_t phases;
    /* An upper limit: a range of sizes that includes min_bytes is counted as a whole. */
    bool at_most;
};
struct cost audit_cost(const struct audit *audit, uint64_t min_bytes);

/* ---- lines.c: lines for a person, none wider than the terminal */

/* The size assumed without a terminal; and the width that even the narrowest is taken to have. */
enum { SCREEN_COLUMNS = 100, SCREEN_COLUMNS_LEAST = 40, SCREEN_LINES = 24 };
size_t screen_columns(void);

/* Where the screen is printed: on stderr if the program uses stdout. */
extern FILE *screen;

struct lines {
    char **at;
    size_t count;
    size_t columns; /* 0: those of the terminal */
};

/* Adds a line; text that is too long continues on the next lines. */
__attribute__((format(printf, 2, 3))) void lines_add(struct lines *lines, const char *format, ...);
void lines_free(struct lines *lines);

/* "1 block", "2 blocks". The text is in the struct, so the caller owns it. */
struct amount {
    char text[64];
};
struct amount amount(uint64_t number, const char *noun);
struct amount sizes_of(const struct group *group); /* "16400", "64 to 16400" */

/* Relative to the current folder, if the file is below it. */
const char *from_here(const char *file);

/* A place in about width columns: file:line (function), or as much of that as is known. */
struct location {
    char text[1024];
};
struct location location(const struct place *place, const char *site, size_t width);
size_t
location_columns_least(const struct place *place); /* with fewer, the place cannot be recognised */

/* ---- stacks.c: the whole stacks of a group, with inlined functions, outermost last */

/* A stack, and the blocks of it in all rows of a group. */
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

/* ---- notes.c: everything that a reader must know to judge the answer */
void notes_collect(const struct audit *audit, struct lines *lines);
void confirm_note(const struct audit *audit, struct lines *lines); /* confirm.c */

/* ---- forecast.c: after the census, warns if the trap will lack resources or take long */
void forecast_say(const struct audit *audit);

/* ---- screen.c, table.c: the answer, for people on stderr, and for machines on stdout */
void screen_print(const struct audit *audit, const struct lines *notes);
void screen_verdict(const struct audit *audit, struct lines *lines); /* its first lines ... */
void screen_advice(const struct audit *audit,
                   struct lines *lines); /* ... and its last, if there is a report */
/* Describes a group: "3 blocks of 64 bytes, 1 thread, 2 touched later". */
void screen_blocks(char *text, size_t room, const struct audit *audit, const struct group *group);
void table_print(const struct audit *audit);

#endif
