/*
 * kernel.h - KERNEL marks a function whose loops are worth compiling twice: for AVX2, and for the
 * compiler's default target. The dynamic linker chooses one at load time. If it cannot, or under
 * AddressSanitizer (which is not ready that early), the function is compiled once.
 *
 * A kernel must not contain a parallel region: the compiler moves its body to another function,
 * which it does not clone.
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
