/*
 * course.h - how much of a site was retained at which begin, from the census's column course.
 */
#ifndef COURSE_H
#define COURSE_H

#include "audit.h"

/* Bytes at every stride-th begin: bytes[i] at begin (i + 1) * stride. */
struct course {
    uint64_t stride; /* 0: not known, without a census or with an older library's */
    uint64_t *bytes;
    size_t count;
};

/* The begins for a chart of all groups: stride and count; bytes is NULL. Each process counts its
 * own begins. */
struct course course_begins(const struct audit *audit);

/* The course of a group at these begins, summed over all processes; the caller frees bytes. */
struct course course_of(const struct group *group, const struct course *begins);

/* How it goes: "stays", "grows", "is gone at the end" or "varies". */
const char *course_kind(const struct course *course);

#endif
