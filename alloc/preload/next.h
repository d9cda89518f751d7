/*
 * next.h - finds the functions of the same names that would be called without us. All are looked up when the
 * library is loaded: a lookup takes the loader's lock, whose holder may be waiting for a thread that is in one
 * of our functions.
 */
#ifndef ZK_NEXT_H
#define ZK_NEXT_H

/* One function, and where to store its address. */
struct zk_next {
    const char *name;
    void **found;
};

/* Looks up those in a list that have not been found yet. */
void zk_next_find(const struct zk_next *first, const struct zk_next *end);

/* Looks up all of them, once. Called by the constructor, or by the first call of one of our functions if
 * that comes earlier. */
void zk_next_load(void);

/* At file scope: defines next_NAME, a pointer to a function of NAME's type. */
#define NEXT(name)                                                                                 \
    static __typeof__(name) *next_##name;                                                          \
    static const struct zk_next entry_##name                                                       \
        __attribute__((section("zk_next"), used)) = {#name, (void **)(void *)&next_##name}

/* In the function, before it uses next_NAME. */
#define NEED(name)                                                                                 \
    do {                                                                                           \
        if (__builtin_expect(next_##name == NULL, 0))                                              \
            zk_next_load();                                                                        \
    } while (0)

#endif
