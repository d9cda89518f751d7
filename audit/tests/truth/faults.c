/* Uses SIGSEGV itself, and sets its handler after the first phase has begun: a write barrier by
 * mprotect, and a guard against stack overflow; with all signals blocked meanwhile. A block crosses
 * the phases. */
#define _GNU_SOURCE
#include "phases.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static char *page;
static volatile int faults;
static volatile int overflows;
static sigjmp_buf back;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if ((char *)info->si_addr >= page && (char *)info->si_addr < page + 4096) {
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
        faults++;
        return;
    }
    overflows++;
    siglongjmp(back, 1);
}

__attribute__((noinline)) static int deep(int depth)
{
    volatile char frame[4096];

    frame[0] = (char)depth;
    return deep(depth + 1) + frame[0];
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction now;
    stack_t stack = {.ss_size = 65536};
    char *kept = NULL;

    stack.ss_sp = malloc(stack.ss_size);
    sigaltstack(&stack, NULL);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 4; i++) {
        begin();
        if (i == 0)
            kept = memset(malloc(8888), 1, 8888); /* PLANT:block */
        if (i == 1)
            sigaction(SIGSEGV, &action, NULL);
        if (i > 0) {
            kept[5]++; /* STALE:block */
            mprotect(page, 4096, PROT_NONE);
            page[7] = 1;
            if (sigsetjmp(back, 1) == 0)
                deep(0);
        }
        end();
    }
    sigaction(SIGSEGV, NULL, &now);
    return faults == 3 && overflows == 3 && kept[5] == 4 && now.sa_sigaction == on_fault ? 0 : 1;
}
