/*
 * next.h - the function of the same name that there would be without us. All are looked up when the library is
 * loaded: to look one up takes the loader's lock, and who holds that may be waiting for a thread that is in one
 * of our functions.
 */
#ifndef ZK_NEXT_H
#define ZK_NEXT_H

/* One function, and where what was found is kept. */
struct zk_next {
    const char *name;
    void **found;
};

/* Looks up those on a list that have not been found. */
void zk_next_find(const struct zk_next *first, const struct zk_next *end);

/* Looks all of them up, once: by the constructor, or by the first call of one that comes before that. */
void zk_next_load(void);

/* At file scope: next_NAME, of NAME's type. */
#define NEXT(name)                                                                                 \
    static __typeof__(name) *next_##name;                                                          \
    static const struct zk_next entry_##name                                                       \
        __attribute__((section("zk_next"), used)) = {#name, (void **)(void *)&next_##name}

/* In the function, before it is called. */
#define NEED(name)                                                                                 \
    do {                                                                                           \
        if (__builtin_expect(next_##name == NULL, 0))                                              \
            zk_next_load();                                                                        \
    } while (0)

#endif
