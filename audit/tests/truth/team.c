/* A team of threads works in each phase: libgomp keeps the team's description, with 224 bytes for
 * each thread. */
#include "phases.h"

#include <omp.h>

int main(void)
{
    int sum = 0;

    for (int i = 0; i < 3; i++) {
        begin();
#pragma omp parallel reduction(+ : sum)
        sum += omp_get_thread_num();
        end();
    }
    return sum < 0;
}
