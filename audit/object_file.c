/*
 * object_file.c - reads the headers of a file that may be anything: every offset and size is checked.
 */
#include "object_file.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image image_open(const char *path)
{
    struct image image = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;

    if (fd < 0)
        return image;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        void *at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

        if (at != MAP_FAILED)
            image = (struct image){at, (size_t)status.st_size};
    }
    close(fd);
    return image;
}

void image_close(struct image *image)
{
    if (image->bytes > 0)
        munmap((void *)(uintptr_t)image->at, image->bytes);
}

const void *image_part(const struct image *image, uint64_t offset, uint64_t count, size_t size)
{
    if (offset > image->bytes || count > (image->bytes - offset) / size)
        return NULL;
    return image->at + offset;
}

static void write_id(const unsigned char *id, size_t bytes, char *text)
{
    for (size_t i = 0; i < bytes && 2 * i + 2 < BUILD_ID_TEXT; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
}

static void look_at_notes(const unsigned char *at, size_t left, struct elf_facts *facts)
{
    while (left >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)at;
        size_t name = ((size_t)note->n_namesz + 3) & ~(size_t)3;
        size_t whole = sizeof *note + name + (((size_t)note->n_descsz + 3) & ~(size_t)3);

        if (whole > left)
            return;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof "GNU" &&
            memcmp(at + sizeof *note, "GNU", sizeof "GNU") == 0)
            write_id(at + sizeof *note + name, note->n_descsz, facts->build_id);
        at += whole;
        left -= whole;
    }
}

static void look_at_parts(const struct image *image, const ElfW(Ehdr) * head,
                          struct elf_facts *facts)
{
    const ElfW(Phdr) *parts = image_part(image, head->e_phoff, head->e_phnum, sizeof *parts);

    for (int i = 0; parts != NULL && i < head->e_phnum; i++) {
        const void *notes = image_part(image, parts[i].p_offset, parts[i].p_filesz, 1);

        if (parts[i].p_type == PT_NOTE && parts[i].p_align <= 4 && notes != NULL)
            look_at_notes(notes, parts[i].p_filesz, facts);
    }
}

/* Only debug sections can be compressed in a program that runs. */
static void look_at_sections(const struct image *image, const ElfW(Ehdr) * head,
                             struct elf_facts *facts)
{
    enum { zstd = 2 }; /* ELFCOMPRESS_ZSTD, which older headers do not have */
    const ElfW(Shdr) *sections = image_part(image, head->e_shoff, head->e_shnum, sizeof *sections);

    for (int i = 0; sections != NULL && i < head->e_shnum; i++) {
        const ElfW(Chdr) *how = image_part(image, sections[i].sh_offset, 1, sizeof *how);

        if ((sections[i].sh_flags & SHF_COMPRESSED) != 0 && how != NULL && how->ch_type == zstd)
            facts->zstd = true;
    }
}

bool elf_look(const char *path, struct elf_facts *facts)
{
    struct image image = image_open(path);
    const ElfW(Ehdr) *head = image_part(&image, 0, 1, sizeof *head);
    bool is_elf;

    *facts = (struct elf_facts){0};
    is_elf = head != NULL && memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
             head->e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32);
    if (is_elf) {
        look_at_parts(&image, head, facts);
        look_at_sections(&image, head, facts);
    }
    image_close(&image);
    return is_elf;
}
