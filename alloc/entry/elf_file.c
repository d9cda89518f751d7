/*
 * elf_file.c - maps the file; every offset is checked before it is followed.
 */
#include "elf_file.h"
#include "os.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#if defined __x86_64__
enum { machine = EM_X86_64 };
#elif defined __aarch64__
enum { machine = EM_AARCH64 };
#endif

/* NULL if the file ends before offset + bytes. */
static const void *at(const struct zk_elf *elf, uint64_t offset, uint64_t bytes)
{
    if (offset > elf->size || bytes > elf->size - offset)
        return NULL;
    return elf->bytes + offset;
}

static const ElfW(Ehdr) * header(const struct zk_elf *elf)
{
    return (const void *)elf->bytes;
}

static bool is_valid(const struct zk_elf *elf)
{
    const ElfW(Ehdr) *head = at(elf, 0, sizeof *head);

    return head != NULL && memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
           head->e_ident[EI_CLASS] == ELFCLASS64 && head->e_machine == machine &&
           head->e_phentsize == sizeof(ElfW(Phdr)) &&
           at(elf, head->e_phoff, (uint64_t)head->e_phnum * sizeof(ElfW(Phdr))) != NULL;
}

bool zk_elf_open(struct zk_elf *elf, const char *path)
{
    int fd = zk_os_open(path, O_RDONLY | O_CLOEXEC, 0);
    struct stat status;
    void *map = MAP_FAILED;

    *elf = (struct zk_elf){0};
    if (fd < 0)
        return false;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    zk_os_close(fd);
    if (map == MAP_FAILED)
        return false;
    elf->bytes = map;
    elf->size = (size_t)status.st_size;
    if (is_valid(elf))
        return true;
    zk_elf_close(elf);
    return false;
}

void zk_elf_close(struct zk_elf *elf)
{
    if (elf->bytes != NULL)
        munmap((void *)(uintptr_t)elf->bytes, elf->size);
    *elf = (struct zk_elf){0};
}

static const ElfW(Phdr) * segments(const struct zk_elf *elf, size_t *count)
{
    *count = header(elf)->e_phnum;
    return (const void *)(elf->bytes + header(elf)->e_phoff);
}

static const ElfW(Shdr) * sections(const struct zk_elf *elf, size_t *count)
{
    const ElfW(Ehdr) *head = header(elf);

    *count = head->e_shnum;
    if (head->e_shentsize != sizeof(ElfW(Shdr)))
        *count = 0;
    return at(elf, head->e_shoff, *count * sizeof(ElfW(Shdr)));
}

/* The symbol table of that type, and its string table. */
static const ElfW(Shdr) *
    find_table(const struct zk_elf *elf, uint32_t type, const ElfW(Shdr) * *strings)
{
    size_t count;
    const ElfW(Shdr) *all = sections(elf, &count);

    for (size_t i = 0; all != NULL && i < count; i++) {
        if (all[i].sh_type != type || all[i].sh_link >= count)
            continue;
        *strings = &all[all[i].sh_link];
        return &all[i];
    }
    return NULL;
}

static bool is_function(const ElfW(Sym) * symbol)
{
    return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
           symbol->st_value != 0;
}

void zk_elf_functions(const struct zk_elf *elf, zk_elf_visit *visit, void *arg)
{
    const ElfW(Shdr) * strings;
    const ElfW(Shdr) *table = find_table(elf, SHT_SYMTAB, &strings);
    const ElfW(Sym) * symbols;
    const char *text;

    if (table == NULL)
        table = find_table(elf, SHT_DYNSYM, &strings);
    if (table == NULL)
        return;
    symbols = at(elf, table->sh_offset, table->sh_size);
    text = at(elf, strings->sh_offset, strings->sh_size);
    if (symbols == NULL || text == NULL || strings->sh_size == 0 ||
        text[strings->sh_size - 1] != '\0')
        return;
    for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++)
        if (is_function(&symbols[i]) && symbols[i].st_name < strings->sh_size)
            visit(arg, text + symbols[i].st_name, symbols[i].st_value);
}

const unsigned char *zk_elf_text(const struct zk_elf *elf, uintptr_t address, size_t *bytes,
                                 int *protection)
{
    size_t count;
    const ElfW(Phdr) *all = segments(elf, &count);

    for (size_t i = 0; i < count; i++) {
        uintptr_t offset = address - all[i].p_vaddr;

        if (all[i].p_type != PT_LOAD || (all[i].p_flags & PF_X) == 0 || offset >= all[i].p_filesz)
            continue;
        *bytes = all[i].p_filesz - offset;
        *protection = PROT_EXEC | ((all[i].p_flags & PF_R) != 0 ? PROT_READ : 0) |
                      ((all[i].p_flags & PF_W) != 0 ? PROT_WRITE : 0);
        return at(elf, all[i].p_offset + offset, *bytes);
    }
    return NULL;
}

struct zk_elf_bounds zk_elf_bounds(const struct zk_elf *elf)
{
    struct zk_elf_bounds bounds = {.start = UINTPTR_MAX};
    size_t count;
    const ElfW(Phdr) *all = segments(elf, &count);

    for (size_t i = 0; i < count; i++) {
        if (all[i].p_type != PT_LOAD)
            continue;
        if (all[i].p_vaddr < bounds.start)
            bounds.start = all[i].p_vaddr;
        if (all[i].p_vaddr + all[i].p_memsz > bounds.end)
            bounds.end = all[i].p_vaddr + all[i].p_memsz;
    }
    return bounds;
}
