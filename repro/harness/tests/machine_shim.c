/*
 * machine_shim.c - a preload library that lies about the machine: how many processors it has, and how
 * large its pages are.
 *
 *     MACHINE_PROCESSORS=256 MACHINE_PAGE_BYTES=65536 LD_PRELOAD=.../libmachine_shim.so PROGRAM
 *
 * The page size that it reports is a multiple of the real one, so what is rounded to it is rounded
 * to both. The kernel goes on to count in its own pages (mprotect, mincore).
 */
#include <dlfcn.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* The variable's value; 0 where it is not set, and then the real value is reported. Not cached,
 * since it may be needed before any constructor has run. */
static long told(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? strtol(text, NULL, 10) : 0;
}

static long true_sysconf(int name)
{
    long (*next)(int name) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");

    return next(name);
}

static long page_bytes(void)
{
    long bytes = told("MACHINE_PAGE_BYTES");

    return bytes != 0 ? bytes : true_sysconf(_SC_PAGESIZE);
}

static long processors(int name)
{
    long count = told("MACHINE_PROCESSORS");

    return count != 0 ? count : true_sysconf(name);
}

__attribute__((visibility("default"))) long sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return page_bytes();
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return processors(name);
    case _SC_PHYS_PAGES:
    case _SC_AVPHYS_PAGES:
        return true_sysconf(name) / (page_bytes() / true_sysconf(_SC_PAGESIZE));
    default:
        return true_sysconf(name);
    }
}

__attribute__((visibility("default"))) int getpagesize(void)
{
    return (int)page_bytes();
}

__attribute__((visibility("default"))) unsigned long getauxval(unsigned long type)
{
    unsigned long (*next)(unsigned long type) =
        (unsigned long (*)(unsigned long))dlsym(RTLD_NEXT, "getauxval");

    return type == AT_PAGESZ ? (unsigned long)page_bytes() : next(type);
}

__attribute__((visibility("default"))) int get_nprocs(void)
{
    return (int)processors(_SC_NPROCESSORS_ONLN);
}

__attribute__((visibility("default"))) int get_nprocs_conf(void)
{
    return (int)processors(_SC_NPROCESSORS_CONF);
}

__attribute__((visibility("default"))) int sched_getaffinity(pid_t process, size_t bytes,
                                                             cpu_set_t *set)
{
    int (*next)(pid_t process, size_t bytes, cpu_set_t * set) =
        (int (*)(pid_t, size_t, cpu_set_t *))dlsym(RTLD_NEXT, "sched_getaffinity");
    int error = next(process, bytes, set);
    long count = told("MACHINE_PROCESSORS");

    if (error != 0 || count == 0)
        return error;
    memset(set, 0, bytes);
    for (size_t i = 0; i < (size_t)count && i < 8 * bytes; i++)
        CPU_SET_S(i, bytes, set);
    return 0;
}
