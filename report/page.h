/*
 * page.h - the frame of a page in HTML: its style and script, text, links and tables. One look for results/report.html
 * and for zk-audit --html.
 *
 * A page is written to a stream. Nothing here checks for errors: the caller, who opened the stream,
 * checks ferror and the result of fclose. No function may be called on one stream from two threads
 * at a time.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A section that is listed in the contents. */
struct page_part {
    const char *id;
    const char *name;
};

/* Writes the page up to the end of its contents: the title, a line above it, and the parts, ended
 * by a NULL id. The body follows. */
void page_begin(FILE *out, const char *title, const char *above, const struct page_part *parts);

/* The style of all pages, in CSS: for a picture that brings its own style element. */
void page_style(FILE *out);

/* Writes the end of the body, and the script. foot: a line of text. */
void page_end(FILE *out, const char *foot);

/* Writes text, escaped for an element or for the quotes of an attribute. Bytes that are not UTF-8,
 * and control characters, become U+FFFD. */
void page_text(FILE *out, const char *text);

/* Like printf, but the arguments of %s are escaped as by page_text. Conversions: %s, %c, and
 * printf's for numbers, without * as a width. */
__attribute__((format(printf, 2, 3))) void page_print(FILE *out, const char *format, ...);

/* Turns text into an id: characters that an id may not have become -. Static, for the next four
 * calls. */
const char *page_id(const char *text);

/* Writes a name such as pool_built_in_phase, which may be broken after each _. */
void page_name(FILE *out, const char *name);

/* A column of a table. */
struct page_column {
    const char *name;
    bool number; /* set to the right */
};

/* Begins a table that can be sorted, in a box that scrolls; id may be NULL. classes: "", or "
 * stacks" if its cells are to stack on a narrow screen. Its rows follow. */
void page_table_begin(FILE *out, const char *id, const char *classes,
                      const struct page_column *columns, size_t count);
void page_table_end(FILE *out);

/* A cell of it: text, or what can be read. */
void page_cell(FILE *out, const struct page_column *column, const char *text);

/* 72704 as "72 704", with thin spaces. Static, for the next four calls. */
const char *page_grouped(unsigned long long number);

#endif
