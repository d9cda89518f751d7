/*
 * page.c - text from data is escaped in one place, page_text, through which all of it goes.
 */
#include "page.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

/* page.css and page.js, embedded by embed.cmake. */
extern const char page_css[];
extern const char page_js[];

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* The number of bytes of the UTF-8 character that begins here; 0 if it is not valid. */
static size_t character_bytes(const unsigned char *at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = at[0] < 0x80       ? 1
                   : at[0] >> 5 == 6  ? 2
                   : at[0] >> 4 == 14 ? 3
                   : at[0] >> 3 == 30 ? 4
                                      : 0;
    uint32_t code = bytes < 2 ? at[0] : at[0] & (0xFFu >> (bytes + 1));

    for (size_t i = 1; i < bytes; i++) {
        if (at[i] >> 6 != 2)
            return 0;
        code = code << 6 | (at[i] & 0x3Fu);
    }
    if (bytes > 1 && (code < least[bytes] || code > 0x10FFFF || code >> 11 == 0x1B))
        return 0;
    return bytes;
}

void page_text(FILE *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at != '\0') {
        size_t bytes = character_bytes(at);

        if (bytes == 0 || (iscntrl(*at) && *at != '\n' && *at != '\t'))
            fputs(replacement, out);
        else if (*at == '&')
            fputs("&amp;", out);
        else if (*at == '<')
            fputs("&lt;", out);
        else if (*at == '>')
            fputs("&gt;", out);
        else if (*at == '"')
            fputs("&quot;", out);
        else if (*at == '\'')
            fputs("&#39;", out);
        else
            fwrite(at, 1, bytes, out);
        at += bytes == 0 ? 1 : bytes;
    }
}

void page_name(FILE *out, const char *name)
{
    while (*name != '\0') {
        size_t length = strcspn(name, "_");
        char part[128];

        length += name[length] == '_';
        length = length < sizeof part ? length : sizeof part - 1;
        snprintf(part, sizeof part, "%.*s", (int)length, name);
        page_text(out, part);
        name += length;
        if (*name != '\0')
            fputs("<wbr>", out);
    }
}

/* Prints a number by a conversion of printf. */
static void print_number(FILE *out, const char *conversion, va_list *arguments)
{
    size_t length = strlen(conversion);
    char kind = conversion[length - 1];
    char size = length > 2 ? conversion[length - 2] : '\0';
    char text[512] = ""; /* the longest double has 316 characters */
    va_list copy;

    va_copy(copy, *arguments);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vsnprintf(text, sizeof text, conversion, copy);
#pragma GCC diagnostic pop
    va_end(copy);
    page_text(out, text);
    /* Takes the next argument. NOLINTBEGIN(bugprone-branch-clone): the types differ */
    if (strchr("eEfFgG", kind) != NULL)
        va_arg(*arguments, double);
    else if (size == 'z')
        va_arg(*arguments, size_t);
    else if (size == 'l' && length > 3 && conversion[length - 3] == 'l')
        va_arg(*arguments, unsigned long long);
    else if (size == 'l')
        va_arg(*arguments, unsigned long);
    else
        va_arg(*arguments, int);
    /* NOLINTEND(bugprone-branch-clone) */
}

void page_print(FILE *out, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    while (*format != '\0') {
        size_t plain = strcspn(format, "%");
        size_t length;
        char conversion[32];

        fwrite(format, 1, plain, out);
        format += plain;
        if (*format == '\0')
            break;
        length = strcspn(format + 1, "scdiuxXeEfFgG%") + 2;
        snprintf(conversion, sizeof conversion, "%.*s", (int)length, format);
        format += length;
        if (strcmp(conversion, "%%") == 0)
            fputc('%', out);
        else if (strcmp(conversion, "%s") == 0)
            page_text(out, va_arg(arguments, const char *));
        else
            print_number(out, conversion, &arguments);
    }
    va_end(arguments);
}

/* One of four buffers, used in turn. */
static char *buffer(size_t *room)
{
    static char buffers[4][256];
    static unsigned turn;

    *room = sizeof buffers[0];
    return buffers[turn++ % 4];
}

const char *page_id(const char *text)
{
    size_t room;
    char *id = buffer(&room);
    size_t used = 0;

    for (; *text != '\0' && used + 1 < room; text++)
        id[used++] = isalnum((unsigned char)*text) || *text == '_' ? *text : '-';
    id[used] = '\0';
    return id;
}

const char *page_grouped(unsigned long long number)
{
    static const char thin[] = "\xE2\x80\xAF"; /* U+202F, which does not break */
    size_t room;
    char *text = buffer(&room);
    char digits[32];
    int count = snprintf(digits, sizeof digits, "%llu", number);
    size_t used = 0;

    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            memcpy(text + used, thin, sizeof thin - 1);
            used += sizeof thin - 1;
        }
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

void page_begin(FILE *out, const char *title, const char *above, const struct page_part *parts)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" "
          "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
          out);
    page_print(out, "<title>%s</title>\n<style>\n", title);
    page_style(out);
    page_print(out,
               "</style>\n</head>\n<body>\n<header>\n<p class=\"kicker\">%s</p>\n<h1>%s</h1>\n",
               above, title);
    fputs("</header>\n<nav class=\"contents\" aria-label=\"Contents\"><div>\n", out);
    for (; parts->id != NULL; parts++)
        page_print(out, "<a href=\"#%s\">%s</a>\n", parts->id, parts->name);
    fputs("</div></nav>\n<main>\n", out);
}

void page_style(FILE *out)
{
    fputs(page_css, out);
}

void page_end(FILE *out, const char *foot)
{
    page_print(out, "</main>\n<footer>%s</footer>\n<script>\n", foot);
    fputs(page_js, out);
    fputs("</script>\n</body>\n</html>\n", out);
}

void page_table_begin(FILE *out, const char *id, const char *classes,
                      const struct page_column *columns, size_t count)
{
    page_print(out, "<div class=\"scroll\"><table class=\"data sorts%s\"", classes);
    if (id != NULL)
        page_print(out, " id=\"%s\"", id);
    fputs("><thead><tr>", out);
    for (size_t i = 0; i < count; i++)
        page_print(out, "<th class=\"%s\" scope=\"col\">%s</th>",
                   columns[i].number ? "number" : "text", columns[i].name);
    fputs("</tr></thead><tbody>\n", out);
}

void page_table_end(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}

void page_cell(FILE *out, const struct page_column *column, const char *text)
{
    page_print(out, "<td class=\"%s\">%s</td>", column->number ? "number" : "text", text);
}
