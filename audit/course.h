/*
 * course.h - how much of a site was retained at which begin, as the census' column course has it.
 */
#ifndef COURSE_H
#define COURSE_H

#include "audit.h"

/* Bytes at every so manieth begin; [i] at begin (i + 1) * stride. */
struct course {
    uint64_t stride; /* 0: not known, as there is no census or one of an older library */
    uint64_t *bytes;
    size_t count;
};

/* The begins that a chart of all groups has: stride and count; bytes is NULL. Each process counts begins by itself. */
struct course course_begins(const struct audit *audit);

/* Of a group, at these begins, in all processes; the caller frees bytes. */
struct course course_of(const struct group *group, const struct course *begins);

/* What became of it: "stays", "grows", "is gone at the end" or "varies". */
const char *course_kind(const struct course *course);

#endif
