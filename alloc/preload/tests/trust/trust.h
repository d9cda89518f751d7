/*
 * trust.h - what the programs in this folder share. Each shows one thing that a program may do under the
 * C library's malloc, and must be able to do under ours. It exits with 0 if so, with 1 and one line if
 * not, and with 77 and a line where that cannot be tried. Phases are begun only if the preload library is
 * there: without it, the same program is the control.
 */
#ifndef TRUST_H
#define TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- How a program ends ---- */

#define NEED(condition) need((condition), #condition, __FILE__, __LINE__)

/* Ends the process unless it holds. Any thread, and any child. */
void need(bool holds, const char *what, const char *file, int line);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void skip(const char *why);

/* First of all in main: who has not ended by then hangs, which is a failure; children end as well. */
void deadline(unsigned limit_s);

/* Since deadline was called, in children too. */
unsigned elapsed_ms(void);

/* A race is tried for some time: as long as it takes to lose it often, or, in the control, to show that it can be
 * run. */
bool time_left(void);

/* ---- The arena, if there is one ---- */

bool preloaded(void);
int begin_phase(void); /* 0 if there is none, as the next one */
int end_phase(void);
uint64_t phases(void);
size_t slab_bytes(void);   /* of each */
unsigned slab_count(void); /* how many threads can hold a slab, or could, if there were any */

/* ---- Blocks that are kept for some time, and checked before they are freed ---- */

enum { kept_blocks = 64 };

struct keeper {
    unsigned key;    /* what its bytes are made of: another one for each keeper */
    size_t size_max; /* of a block */
    void *block[kept_blocks];
    size_t bytes[kept_blocks];
    unsigned turn;
};

void keep(struct keeper *keeper, unsigned turns); /* one block a turn is checked and replaced */
void keep_no_more(struct keeper *keeper);

/* ---- Other processes ---- */

/* Waits for the child; whatever it does but exit with 0 is a failure. */
void child_succeeds(pid_t child);

struct run {
    int status;      /* as waitpid gives it */
    char said[4096]; /* what it wrote to stderr */
};

/* Runs this program again, in a process of its own, with another stderr from the start. */
void run_again(struct run *run, const char *const *arguments);

/* How many of the lines have that in them. */
unsigned lines_with(const char *text, const char *words);

/* What is resident of a process, or of this one if process is 0. */
size_t resident_bytes(pid_t process);

#endif
