/*
 * also.h - where we are malloc (ZK_INTERPOSE), a function has a second name.
 */
#ifndef ZK_ALSO_H
#define ZK_ALSO_H

#ifdef ZK_INTERPOSE
#define ZK_ALSO(name, function)                                                                    \
    extern __typeof__(function) name                                                               \
        __attribute__((alias(#function), visibility("default"), copy(function)))
#else
#define ZK_ALSO(name, function) extern __typeof__(function) function
#endif

#endif
