/*
 * also.h - gives a function a second name where we replace malloc (ZK_INTERPOSE): zk_free is also
 * free.
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
