/*
 * locale_data - setlocale loads the locale into blocks that every text function reads.
 *
 * needs: nothing
 *
 * setlocale(LC_ALL, "C.UTF-8") maps the locale's files, and makes a record for each category (792
 * bytes for characters), which has pointers into them. It also reads the file of aliases, whose
 * names go into one block of 2048 bytes. All of these come from malloc, and are kept.
 *
 * Called in the first phase (some programs and libraries set the locale late), they are in the
 * arena, and the next phase's first allocation lands on them. Each phase converts a text from
 * UTF-8, turns it into capitals and compares; and asks for a locale that is not installed.
 */
#include "repro.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

enum { room = 16 };

static void check_text(struct repro_run *run)
{
    static const char small[] = "pr\xc3\xa9ver \xce\xbb"; /* e with an acute accent, lambda */
    static const wchar_t large[] = L"PR\u00c9VER \u039b";
    wchar_t text[room] = L"";

    if (MB_CUR_MAX != 6)
        repro_wrong(run, "MB_CUR_MAX is not 6");
    if (mbstowcs(text, small, room) != sizeof large / sizeof *large - 1)
        repro_wrong(run, "a text of 8 characters is converted to another number of them");
    for (int i = 0; i < room && text[i] != L'\0'; i++)
        text[i] = (wchar_t)towupper((wint_t)text[i]);
    if (wmemcmp(text, large, sizeof large / sizeof *large) != 0)
        repro_wrong(run, "the capital letters are not those of the text");
    if (strcmp(localeconv()->decimal_point, ".") != 0)
        repro_wrong(run, "the decimal point is not a dot");
}

/* A program tries its user's language, and goes on without it if it is not installed: setlocale
 * looks the name up in the aliases that its first call has read. */
static void try_language(struct repro_run *run)
{
    if (setlocale(LC_TIME, "qqx_ZZ.UTF-8") != NULL)
        repro_wrong(run, "setlocale finds a locale that does not exist");
}

static void body(struct repro_run *run)
{
    for (unsigned phase = 0; phase <= repro_cycles(run); phase++) {
        if (!repro_begin(run))
            return;
        if (phase == 0 && setlocale(LC_ALL, "C.UTF-8") == NULL)
            repro_skip(run, "there is no locale C.UTF-8");
        check_text(run);
        try_language(run);
        repro_check(run);
        repro_end(run);
    }
}

static const struct repro_finding findings[] = {
    {"Z12", "c_library",
     "setlocale keeps its records of the categories and the aliases in blocks of up to 2048 bytes: "
     "in the next phase the first conversion of a text crashes",
     "high", "fixed by routing from MIN_BYTES 2049 on (glibc 2.36)", REPRO_NONE, 0},
    {0},
};

const struct repro repro = {
    .id = "R29",
    .slug = "locale_data",
    .class = "C library",
    .title = "setlocale loads the locale into blocks that every text function looks at",
    .seed = "-",
    .severity = "high",
    .explain =
        "A locale is files, mapped into memory, and for each of twelve categories a record of what\n"
        "is where in them. The records come from malloc at the setlocale that loads the locale:\n"
        "792 bytes for characters, up to 1328 for others. The same call reads the file of aliases\n"
        "(/usr/share/locale/locale.alias) into a table of 1600 bytes and a block of 2048 bytes of\n"
        "names. The global locale keeps all of them until the process ends.\n"
        "\n"
        "Here setlocale(LC_ALL, \"C.UTF-8\") is called in the first phase. In the second, the\n"
        "records are filler. towupper, mbstowcs, MB_CUR_MAX and localeconv all begin by reading\n"
        "the record of a category: what is the maximal length of a character, where is the table\n"
        "of capitals, how is text converted. They find other numbers, and follow other pointers.\n"
        "The program crashes at the first text that it converts; printf(\"%ls\") and printf(\"%.1f\")\n"
        "are among the functions that do.\n"
        "\n"
        "Every phase also asks for a locale that is not installed. That looks its name up in the\n"
        "table of aliases, which crashes up to a threshold of 1600, and compares it with the names:\n"
        "with filler, from there on. So the harm that is seen ends earlier than what is touched.\n"
        "\n"
        "2049 is the threshold that saves it, so the usual one of 4096 does. Where the file of\n"
        "aliases is not installed (Debian's package locales has it), less is enough.\n",
    .body = body,
    .findings = findings,
    .expect = {[REPRO_NONE] = REPRO_CRASH,
               [REPRO_FLUSH] = REPRO_CRASH,
               [REPRO_ROUTE] = REPRO_CLEAN,
               [REPRO_SEED] = REPRO_CLEAN,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
