/*
 * kernel.h - KERNEL marks a function whose loops are worth compiling twice: for AVX2, and for whatever the
 * compiler aims at. The dynamic linker chooses. Where there is no such linker, or under AddressSanitizer
 * (which does not run that early), it is compiled once.
 *
 * A kernel must not contain a parallel region: the compiler takes its body out, and forgets to clone that.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&       \
    !defined(__SANITIZE_ADDRESS__)
#define KERNEL __attribute__((target_clones("avx2", "default")))
#else
#define KERNEL
#endif

#endif
