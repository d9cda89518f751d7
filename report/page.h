/*
 * page.h - the frame of a page in HTML: its style and script, text, links and tables. One look for results/report.html
 * and for zk-audit --html.
 *
 * A page is written to a stream. Nothing here checks it: whoever opened the stream looks at ferror and at what fclose
 * says. No function may be called on one stream from two threads at a time.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The kind of a section that the contents name. */
struct page_part {
    const char *id;
    const char *name;
};

/* Up to the end of the contents: title, a line above it, and the parts, ended by a NULL id. What follows is the body's. */
void page_begin(FILE *out, const char *title, const char *above, const struct page_part *parts);

/* The style of all pages, in CSS: for a picture that has an element of its own for that. */
void page_style(FILE *out);

/* The end of the body, and the script. foot: a line of text. */
void page_end(FILE *out, const char *foot);

/* Text with what HTML gives a meaning to escaped, in an element or between the quotes of an attribute. Bytes that are
 * no UTF-8, and control characters, are shown as U+FFFD. */
void page_text(FILE *out, const char *text);

/* As printf, but the arguments of %s are escaped as by page_text. Conversions: %s, %c, and of numbers whatever printf has,
 * without * as a width. */
__attribute__((format(printf, 2, 3))) void page_print(FILE *out, const char *format, ...);

/* What an id may have: other characters of text are written as -. Static, for the next four calls. */
const char *page_id(const char *text);

/* A name such as pool_built_in_phase, which may be broken behind each _. */
void page_name(FILE *out, const char *name);

/* A column of a table. */
struct page_column {
    const char *name;
    bool number; /* set to the right */
};

/* The head of a table that sorts, in a box that scrolls; id may be NULL. classes: "", or
 * " stacks" for one whose cells lie below each other on a narrow screen. Its rows follow. */
void page_table_begin(FILE *out, const char *id, const char *classes,
                      const struct page_column *columns, size_t count);
void page_table_end(FILE *out);

/* A cell of it: text, or what can be read. */
void page_cell(FILE *out, const struct page_column *column, const char *text);

/* 72704 as "72 704", with thin spaces. Static, for the next four calls. */
const char *page_grouped(unsigned long long number);

#endif
