/*
 * read_text.c - shows how entry/ reads its input, line by line, for scripts to compare:
 *   lengths   bytes of an instruction, in hexadecimal -> their number
 *   paths     a symbol -> its path
 */
#include "displace.h"
#include "names.h"

#include <stdio.h>
#include <string.h>

static size_t length_of(const char *line)
{
    unsigned char code[ZK_INSTRUCTION_MAX + 16] = {0};
    unsigned byte;
    int used;

    for (size_t i = 0; i < ZK_INSTRUCTION_MAX && sscanf(line, "%2x%n", &byte, &used) == 1; i++) {
        code[i] = (unsigned char)byte;
        line += used;
    }
    return zk_instruction_length(code);
}

int main(int argc, char **argv)
{
    char line[65536];
    char path[4096];

    if (argc != 2 || (strcmp(argv[1], "lengths") != 0 && strcmp(argv[1], "paths") != 0)) {
        fputs("read_text: want lengths or paths\n", stderr);
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(argv[1], "lengths") == 0) {
            printf("%zu\n", length_of(line));
        } else {
            zk_name_path(line, path, sizeof path);
            puts(path);
        }
    }
    return 0;
}
