/*
 * part.c - reads a shard's description of itself, and accepts it only if its checksums are right.
 */
#include "sweep.h"

#include "shard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The value of the line that begins with key, up to its end; NULL if there is none. */
static const char *value_of(const char *text, const char *key, size_t *length)
{
    size_t key_length = strlen(key);

    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, key_length) != 0 || line[key_length] != '\t')
            continue;
        *length = strcspn(line + key_length + 1, "\n");
        return line + key_length + 1;
    }
    return NULL;
}

/* The same, copied; "" if there is none or if it is too long. */
static void copy_value(const char *text, const char *key, char *value, size_t room)
{
    size_t length = 0;
    const char *at = value_of(text, key, &length);

    if (at == NULL || length >= room)
        length = 0;
    if (length > 0)
        memcpy(value, at, length);
    value[length] = '\0';
}

static void check_version(const struct part *part)
{
    char version[32];

    copy_value(part->text, "version", version, sizeof version);
    if (strcmp(version, ZK_VERSION) != 0)
        die(2, "%s: of another version, %s, and this is zk-sweep %s: run the shard again with this",
            part->folder, version[0] != '\0' ? version : "unknown", ZK_VERSION);
}

/* Removes the last line, the checksum of all others, after checking it. */
static void check_whole(struct part *part, size_t bytes)
{
    static const size_t last = sizeof "checksum\t" - 1 + DIGEST_DIGITS + 1;
    char said[DIGEST_ROOM] = "";
    char hex[DIGEST_ROOM] = "";

    if (bytes > last) {
        copy_value(part->text + bytes - last - 1, "checksum", said, sizeof said);
        digest(part->text, bytes - last, hex);
        part->text[bytes - last] = '\0';
    }
    if (hex[0] == '\0' || strcmp(said, hex) != 0)
        die(2, "%s/%s: damaged or cut short: run the shard again", part->folder, SHARD_NAME);
}

void part_read(struct part *part, const char *folder)
{
    char name[32];
    char undeclared[32];
    const char *line;
    size_t bytes;

    *part = (struct part){.folder = folder};
    part->at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    part->text = part->at < 0 ? NULL : folder_read(part->at, SHARD_NAME, &bytes);
    if (part->text == NULL)
        die(2,
            "%s/%s: %s: want folders with it and with sweep.tsv, as zk-sweep --shard I/N --out "
            "DIR writes them",
            folder, SHARD_NAME, strerror(errno));
    check_version(part);
    check_whole(part, bytes);
    copy_value(part->text, "shard", name, sizeof name);
    copy_value(part->text, "undeclared", undeclared, sizeof undeclared);
    if (!parse_shard_name(name, &part->shard, &part->shards) ||
        !parse_number(undeclared, &part->undeclared))
        die(2, "%s/%s: does not say which shard it is: run the shard again", folder, SHARD_NAME);
    line = strstr(part->text, "\nshard\t");
    if (line == NULL) /* it is the first line, so the common part is missing */
        die(2, "%s/%s: does not say of which sweep it is: run the shard again", folder, SHARD_NAME);
    part->common = (size_t)(line - part->text);
}

void part_free(struct part *part)
{
    free(part->text);
    close(part->at);
}

void part_check_same(const struct part *part, const struct part *first)
{
    const char *left = part->text;
    const char *right = first->text;

    if (part->shards != first->shards)
        die(2, "%s: is shard %u/%u, and %s is %u/%u: want those of one sweep", part->folder,
            part->shard, part->shards, first->folder, first->shard, first->shards);
    if (part->common == first->common && memcmp(left, right, part->common) == 0)
        return;
    while (strcspn(left, "\n") == strcspn(right, "\n") &&
           strncmp(left, right, strcspn(left, "\n")) == 0) {
        left += strcspn(left, "\n") + 1;
        right += strcspn(right, "\n") + 1;
    }
    die(2, "%s: its %.*s are not those of %s: want shards of one sweep: run it again as the others",
        part->folder, (int)strcspn(left, "\t"), left, first->folder);
}

void part_take(const struct part *part, struct table *table)
{
    char said[DIGEST_ROOM];
    char hex[DIGEST_ROOM];
    char why[128];
    size_t bytes;
    char *text = folder_read(part->at, table->name, &bytes);

    if (text == NULL)
        die(2, "%s/%s: %s: run shard %u/%u again", part->folder, table->name, strerror(errno),
            part->shard, part->shards);
    digest(text, bytes, hex);
    copy_value(part->text, table->name, said, sizeof said);
    if (!table_take(table, text, why, sizeof why))
        die(2, "%s/%s: %s: run shard %u/%u again", part->folder, table->name, why, part->shard,
            part->shards);
    if (strcmp(said, hex) != 0)
        die(2, "%s/%s: not what shard %u/%u wrote, by its checksum: run it again", part->folder,
            table->name, part->shard, part->shards);
    free(text);
}
