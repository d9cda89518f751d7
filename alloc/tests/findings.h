/*
 * findings.h - reads back what an audit reports, a table with a header row, and checks that it is
 * well-formed.
 */
#ifndef ZK_FINDINGS_H
#define ZK_FINDINGS_H

#include "fresh.h"

#include <fcntl.h>
#include <sys/stat.h>

#define CENSUS      "ZK_ALLOC_AUDIT=census"
#define TRAP        "ZK_ALLOC_AUDIT=trap"
#define TO_DEV_NULL "ZK_ALLOC_AUDIT_OUT=/dev/null"

/* A function that appears in call stacks as it is written: not inlined or cloned. */
#define SITE __attribute__((noipa))

/* The line of a call: p = AT(line, zk_malloc(8)); on any thread */
#define AT(line, call) (note_line(&(line), __LINE__), call)

static inline void note_line(unsigned *line, unsigned number)
{
    __atomic_store_n(line, number, __ATOMIC_RELAXED);
}

/* Keeps the call before it from being a tail call. */
#define STAY_IN_FRAME() __asm__ volatile("" ::: "memory")

enum { COLUMNS_MAX = 24 };

struct findings {
    char *text;
    size_t columns;
    size_t count; /* rows, not counting the header */
    const char *(*rows)[COLUMNS_MAX];
};

/* Splits text in place. */
static inline struct findings parse_findings(char *text)
{
    struct findings table = {.text = text};
    size_t lines = 0;

    CHECK(text[0] != '\0' && text[strlen(text) - 1] == '\n');
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    CHECK(lines > 0);
    table.rows = calloc(lines, sizeof *table.rows);
    CHECK(table.rows != NULL);
    for (size_t row = 0; row < lines; row++) {
        char *end = strchr(text, '\n');
        size_t columns = 0;

        *end = '\0';
        for (char *field; (field = strsep(&text, "\t")) != NULL;) {
            CHECK(*field != '\0' && columns < COLUMNS_MAX);
            table.rows[row][columns++] = field;
        }
        CHECK(row == 0 || columns == table.columns);
        table.columns = columns;
        text = end + 1;
    }
    table.count = lines - 1;
    return table;
}

static inline char *read_text(int fd)
{
    struct stat status;
    size_t used = 0;
    char *text;

    CHECK(fstat(fd, &status) == 0);
    text = malloc((size_t)status.st_size + 1);
    CHECK(text != NULL);
    for (ssize_t got;
         (got = pread(fd, text + used, (size_t)status.st_size - used, (off_t)used)) > 0;)
        used += (size_t)got;
    text[used] = '\0';
    CHECK(used == (size_t)status.st_size);
    return text;
}

static inline char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text;

    CHECK(fd >= 0);
    text = read_text(fd);
    close(fd);
    return text;
}

/* The column's number; the column must exist. */
static inline size_t column_of(const struct findings *table, const char *name)
{
    for (size_t i = 0; i < table->columns; i++)
        if (strcmp(table->rows[0][i], name) == 0)
            return i;
    CHECK(!"a column of that name");
    return 0;
}

/* The next line, without its end. */
static inline char *line_from(FILE *file)
{
    enum { ROOM = 4096 };
    char *text = malloc(ROOM);

    CHECK(text != NULL && fgets(text, ROOM, file) != NULL);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

/* Looks up names for the first frames of a column of sites, which the library does not do itself: by addr2line, an
 * independent check of what the library writes. prefix is "" or "access_". */
static inline void name_places(struct findings *table, const char *prefix)
{
    static const char *const names[] = {"site", "module", "symbol", "file", "line"};
    enum { SITE_COLUMN, MODULE, SYMBOL, FILE_COLUMN, LINE };
    size_t columns[5];

    for (size_t i = 0; i < 5; i++) {
        char name[32];

        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        columns[i] = column_of(table, name);
    }
    for (size_t row = 1; row <= table->count; row++) {
        const char **fields = table->rows[row];
        const char *offset = strstr(fields[columns[SITE_COLUMN]], "+0x");
        char command[1024];
        FILE *answer;
        char *line;

        CHECK(strcmp(fields[columns[SYMBOL]], "NA") == 0 &&
              strcmp(fields[columns[LINE]], "NA") == 0);
        if (offset == NULL || strcmp(fields[columns[MODULE]], "NA") == 0)
            continue;
        snprintf(command, sizeof command, "addr2line -f -e '%s' 0x%llx", fields[columns[MODULE]],
                 strtoull(offset + 1, NULL, 16));
        answer = popen(command, "re");
        CHECK(answer != NULL);
        fields[columns[SYMBOL]] = line_from(answer);
        fields[columns[FILE_COLUMN]] = line = line_from(answer);
        pclose(answer);
        line = strrchr(line, ':');
        CHECK(line != NULL);
        *line++ = '\0';
        line[strspn(line, "0123456789")] = '\0'; /* " (discriminator 2)" */
        fields[columns[LINE]] = *line == '\0' ? "NA" : line;
    }
}

/* The findings of this process so far, without names. */
static inline struct findings bare_findings_now(void)
{
    FILE *file = tmpfile();
    struct findings table;

    CHECK(file != NULL);
    CHECK(zk_audit_report(fileno(file)) == 0);
    table = parse_findings(read_text(fileno(file)));
    fclose(file);
    return table;
}

static inline struct findings findings_now(void)
{
    struct findings table = bare_findings_now();

    name_places(&table, "");
    if (strcmp(table.rows[0][0], "kind") == 0)
        name_places(&table, "access_");
    return table;
}

/* A field by its column's name. Rows count from 1. */
static inline const char *field(const struct findings *table, size_t row, const char *name)
{
    CHECK(row <= table->count);
    return table->rows[row][column_of(table, name)];
}

static inline bool field_is(const struct findings *table, size_t row, const char *name,
                            const char *value)
{
    return strcmp(field(table, row, name), value) == 0;
}

static inline unsigned long long number_in(const struct findings *table, size_t row,
                                           const char *name)
{
    char *end;
    unsigned long long number = strtoull(field(table, row, name), &end, 10);

    CHECK(*end == '\0');
    return number;
}

/* The only row with that value in the column; 0 if there is none. */
static inline size_t row_with(const struct findings *table, const char *name, const char *value)
{
    size_t found = 0;

    for (size_t row = 1; row <= table->count; row++)
        if (field_is(table, row, name, value)) {
            CHECK(found == 0);
            found = row;
        }
    return found;
}

static inline unsigned long long sum_of(const struct findings *table, const char *name)
{
    unsigned long long sum = 0;

    for (size_t row = 1; row <= table->count; row++)
        sum += number_in(table, row, name);
    return sum;
}

/* How many frames a site has. */
static inline size_t frames_in(const char *site)
{
    size_t frames = strcmp(site, "NA") != 0;

    for (; *site != '\0'; site++)
        frames += *site == ';';
    return frames;
}

/* Is the row's place this line of the test's file? prefix is "" or "access_". */
static inline bool placed_at(const struct findings *table, size_t row, const char *prefix,
                             const char *function, const char *file, unsigned line)
{
    char name[32];

    snprintf(name, sizeof name, "%ssymbol", prefix);
    if (!field_is(table, row, name, function))
        return false;
    snprintf(name, sizeof name, "%sfile", prefix);
    if (!field_is(table, row, name, file))
        return false;
    snprintf(name, sizeof name, "%sline", prefix);
    return number_in(table, row, name) == line;
}

static inline struct zk_audit_summary summary_now(void)
{
    struct zk_audit_summary summary;

    CHECK(zk_audit_summary(&summary) == 0);
    return summary;
}

/* Ends the phase, if one is active, and begins the next. */
static inline void next_phase(void)
{
    zk_end_phase();
    begin_phase();
}

#endif
