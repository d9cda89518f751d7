/*
 * trust.h - shared by the programs in this folder. Each does one thing that a program may do with the C
 * library's malloc, and must be able to do with ours. It exits with 0 if that works, with 1 and one line
 * if not, and with 77 and a line if it cannot be tried. Phases are begun only with the preload library:
 * without it, the same program is the control.
 */
#ifndef TRUST_H
#define TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- How a program ends ---- */

#define NEED(condition) need((condition), #condition, __FILE__, __LINE__)

/* Ends the process unless the condition holds. Any thread, and any child. */
void need(bool holds, const char *what, const char *file, int line);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void skip(const char *why);

/* Call first in main: a program that has not ended by then hangs, and fails; its children are killed
 * as well. */
void deadline(unsigned limit_s);

/* Since deadline was called, in children too. */
unsigned elapsed_ms(void);

/* Is there time for another try at a race? Enough for it to go wrong often or, in the control, to show that it
 * runs. */
bool time_left(void);

/* ---- The arena, if there is one ---- */

bool preloaded(void);
int begin_phase(void); /* 0 without an arena; likewise end_phase */
int end_phase(void);
uint64_t phases(void);
size_t slab_bytes(void);   /* bytes of each slab */
unsigned slab_count(void); /* how many threads can hold a slab, or could if there were an arena */

/* ---- Blocks that are kept for a while, and checked before they are freed ---- */

enum { kept_blocks = 64 };

struct keeper {
    unsigned key;    /* determines the bytes: different for each keeper */
    size_t size_max; /* of the largest block */
    void *block[kept_blocks];
    size_t bytes[kept_blocks];
    unsigned turn;
};

void keep(struct keeper *keeper, unsigned turns); /* one block a turn is checked and replaced */
void keep_no_more(struct keeper *keeper);

/* ---- Other processes ---- */

/* Waits for the child; anything but an exit with 0 is a failure. */
void child_succeeds(pid_t child);

struct run {
    int status;      /* as waitpid returns it */
    char said[4096]; /* what it wrote to stderr */
};

/* Runs this program again, in a process of its own, with another stderr from the start. */
void run_again(struct run *run, const char *const *arguments);

/* How many lines of text contain words. */
unsigned lines_with(const char *text, const char *words);

/* Resident memory of a process, or of this one if process is 0. */
size_t resident_bytes(pid_t process);

#endif
