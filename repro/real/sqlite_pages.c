/*
 * sqlite_pages - a database in memory consists of its page cache.
 *
 * needs: sqlite3
 *
 * A page of a memory database is a block of 4368 bytes: 4096 of the page and 272 of the cache's
 * bookkeeping. A program that opens one inside a phase, and queries it in a later one, reads
 * recycled memory.
 *
 * The next phase's data are zeros: a column that has just been cleared.
 */
#include "repro.h"

#if !defined ZK_MISSING && __has_include(<sqlite3.h>)
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { rows = 1000 };

static void run_sql(sqlite3 *database, const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "sqlite_pages: %s: %s\n", sql, sqlite3_errmsg(database));
        exit(3);
    }
}

/* Runs in a phase in which nothing is recycled yet, so a failure here is not the bug. */
static sqlite3 *open_database(unsigned long page)
{
    sqlite3 *database;
    char sql[160];

    if (sqlite3_open(":memory:", &database) != SQLITE_OK)
        abort();
    snprintf(sql, sizeof sql, "PRAGMA page_size = %lu", page);
    run_sql(database, sql);
    run_sql(database, "CREATE TABLE witness (id INTEGER PRIMARY KEY, value INTEGER)");
    snprintf(
        sql, sizeof sql,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO witness SELECT i, i * i FROM n",
        rows);
    run_sql(database, sql);
    return database;
}

static void check_answer(struct repro_run *run, sqlite3 *database)
{
    const sqlite3_int64 n = rows;
    sqlite3_stmt *query;
    int status =
        sqlite3_prepare_v2(database, "SELECT count(*), sum(value) FROM witness", -1, &query, NULL);

    if (status == SQLITE_OK)
        status = sqlite3_step(query);
    if (status != SQLITE_ROW)
        repro_wrong(run, "the query fails: %s", sqlite3_errstr(status));
    else if (sqlite3_column_int64(query, 0) != n ||
             sqlite3_column_int64(query, 1) != n * (n + 1) * (2 * n + 1) / 6)
        repro_wrong(run, "the query gives a wrong answer");
    sqlite3_finalize(query);
}

static void body(struct repro_run *run)
{
    sqlite3 *database = NULL;

    repro_fill_with(run, 0);
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase == 0)
            database = open_database(repro_option(run, "page"));
        check_answer(run, database);
        repro_end(run);
    }
    sqlite3_close(database);
}

#else

static void body(struct repro_run *run)
{
    repro_skip(run, "SQLite is not installed");
}

#endif

static const struct repro_option options[] = {
    {"page", "bytes of a page, a power of two", 4096, 512, 65536, NULL},
    {0},
};

static const struct repro_law law = {
    .formula = "page + 272 + 1",
    .source =
        "the page, and what the cache and the B-tree know about it (PgHdr1 and MemPage, SQLite 3.40)",
    .at = (const char *const[]){"--page 4096", "--page 8192", "--page 16384", "--page 65536", NULL},
};

static const struct repro_finding findings[] = {
    {"Z19", "c_library",
     "A database in memory lies in pages of 4368 bytes, which the seed's default of 4096 sends to the arena: "
     "opened in one phase, its queries fail in the next",
     "critical", "fixed by routing from MIN_BYTES 4369 on (SQLite 3.40)", REPRO_SEED, 0},
    {0},
};

const struct repro repro = {
    .id = "R36",
    .slug = "sqlite_pages",
    .class = "C library",
    .title = "a database in memory is its page cache",
    .seed = "-",
    .severity = "critical",
    .explain =
        "A memory database of SQLite has no file: its pages lie in the page cache, in blocks of\n"
        "4368 bytes, which are 4096 of the page and 272 of what the cache knows about it. The\n"
        "usual threshold of 4096 keeps the connection and the schema out of the arena, and puts\n"
        "every page there: the one thing that holds the data.\n"
        "\n"
        "The database here holds 1000 witnesses, inserted in the first phase. In each later one\n"
        "it is asked how many there are and what their sum is. The pages are somebody's data by\n"
        "then: the first one has no header any more, and the query fails with \"file is not a\n"
        "database\". SQLite is careful with what it reads and says so; a program that takes a\n"
        "failed query for an empty answer goes on. With the threshold at 0 the connection\n"
        "itself is gone, and each call is answered with \"bad parameter or other API misuse\".\n"
        "\n"
        "4369 is the threshold that saves it. Larger pages need more. The next phase's data are\n"
        "zeros here; other data end in the same errors, or in a crash, where they are followed\n"
        "as pointers.\n",
    .body = body,
    .options = options,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_CORRUPT,
               [REPRO_SEED] = REPRO_CORRUPT,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
