/*
 * displace_aarch64.c - instructions of four bytes (Arm ARM, C4). PC-relative ones are emulated; all others are copied.
 * The way back is a branch, which needs no register.
 */
#if defined __aarch64__

#include "displace.h"

#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

const unsigned char zk_breakpoint_bytes[] = {0x00, 0x00, 0x20, 0xD4}; /* brk #0 */
const size_t zk_breakpoint_length = 4;
const size_t zk_copy_distance = (size_t)120 << 20; /* a branch reaches 128 MiB */

size_t zk_instruction_length(const unsigned char *code)
{
    (void)code;
    return 4;
}

/* The field of `bits` bits from `low` on, sign-extended and scaled from instructions to bytes. */
static intptr_t offset_of(uint32_t word, unsigned low, unsigned bits)
{
    return (intptr_t)((int64_t)((uint64_t)word << (64 - low - bits)) >> (64 - bits)) * 4;
}

static bool is_branch(uint32_t word, uintptr_t address, struct zk_displaced *out)
{
    if ((word & 0x7C000000) == 0x14000000) { /* b, bl */
        out->by_hand = (word & 0x80000000) != 0 ? ZK_CALLS : ZK_JUMPS;
        out->target = address + (uintptr_t)offset_of(word, 0, 26);
        return true;
    }
    if ((word & 0xFF000000) == 0x54000000) { /* b.cond, bc.cond */
        out->by_hand = ZK_JUMPS_IF;
        out->condition = word & 15;
        out->target = address + (uintptr_t)offset_of(word, 5, 19);
        return true;
    }
    if ((word & 0x7E000000) == 0x34000000) { /* cbz, cbnz */
        out->by_hand = ZK_JUMPS_IF_ZERO;
        out->wide = word >> 31;
        out->negate = word >> 24 & 1;
        out->reg = word & 31;
        out->target = address + (uintptr_t)offset_of(word, 5, 19);
        return true;
    }
    if ((word & 0x7E000000) == 0x36000000) { /* tbz, tbnz */
        out->by_hand = ZK_JUMPS_IF_BIT;
        out->negate = word >> 24 & 1;
        out->bit = (word >> 31) * 32 + (word >> 19 & 31);
        out->reg = word & 31;
        out->target = address + (uintptr_t)offset_of(word, 5, 14);
        return true;
    }
    return false;
}

static bool is_address(uint32_t word, uintptr_t address, struct zk_displaced *out)
{
    if ((word & 0x1F000000) != 0x10000000)
        return false;
    /* adr counts bytes, adrp pages; the two low bits are in a field of their own */
    out->target = (uintptr_t)(offset_of(word, 5, 19) | (intptr_t)(word >> 29 & 3));
    out->target = (word & 0x80000000) != 0 ? (address & ~(uintptr_t)4095) + (out->target << 12)
                                           : address + out->target;
    out->by_hand = ZK_SETS;
    out->reg = word & 31;
    return true;
}

/* ldr (literal). A prfm is only a hint, and is skipped. */
static const char *load(uint32_t word, uintptr_t address, struct zk_displaced *out)
{
    if ((word & 0x04000000) != 0)
        return "its first instruction loads a vector from near by";
    out->target = address + (uintptr_t)offset_of(word, 5, 19);
    out->reg = word & 31;
    out->by_hand = ZK_LOADS;
    out->wide = word >> 30 == 1;
    out->negate = word >> 30 == 2;
    if (word >> 30 == 3) {
        out->by_hand = ZK_JUMPS;
        out->target = out->next;
    }
    return NULL;
}

const char *zk_displace(const unsigned char *code, uintptr_t address, unsigned char *room,
                        uintptr_t copy, struct zk_displaced *out)
{
    intptr_t back = (intptr_t)(address + 4 - (copy + 4));
    uint32_t word;

    memcpy(&word, code, sizeof word);
    *out = (struct zk_displaced){.next = address + 4, .copy = copy};
    if ((word & 0xFFE0001F) == 0xD4200000)
        return "there is a breakpoint already, perhaps from a debugger";
    if (is_branch(word, address, out) || is_address(word, address, out))
        return NULL;
    if ((word & 0x3B000000) == 0x18000000)
        return load(word, address, out);
    if ((word & 0xFE000000) == 0xD6000000 && (word & 0x00600000) == 0x00200000)
        return "its first instruction is a call through a register";
    if ((word & 0x3F000000) == 0x08000000 && (word & 0x00400000) != 0)
        return "its first instruction is the first half of an exclusive access";
    if (back / 4 != (int32_t)((uint32_t)(back / 4) << 6) >> 6)
        return "there is no room near it for a copy of its first instruction";
    memcpy(room, &word, sizeof word);
    word = 0x14000000 | ((uint32_t)(back / 4) & 0x03FFFFFF);
    memcpy(room + 4, &word, sizeof word);
    return NULL;
}

/* ---- In the handler */

uintptr_t zk_displaced_at(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
}

static bool holds(unsigned condition, uint64_t flags)
{
    bool negative = (flags >> 31 & 1) != 0;
    bool zero = (flags >> 30 & 1) != 0;
    bool carry = (flags >> 29 & 1) != 0;
    bool overflow = (flags >> 28 & 1) != 0;
    const bool base[] = {zero,
                         carry,
                         negative,
                         overflow,
                         carry && !zero,
                         negative == overflow,
                         negative == overflow && !zero,
                         true};

    return condition >= 14 || base[condition / 2] != (condition % 2 != 0);
}

/* Register 31 reads as zero. */
static uint64_t value_of(const mcontext_t *machine, unsigned reg)
{
    return reg < 31 ? machine->regs[reg] : 0;
}

static void set(mcontext_t *machine, unsigned reg, uint64_t value)
{
    if (reg < 31)
        machine->regs[reg] = value;
}

static void load_register(const struct zk_displaced *displaced, mcontext_t *machine)
{
    uint64_t wide;
    int32_t narrow;

    if (displaced->wide) {
        memcpy(&wide, (const void *)displaced->target, sizeof wide);
    } else {
        memcpy(&narrow, (const void *)displaced->target, sizeof narrow);
        wide = displaced->negate ? (uint64_t)(int64_t)narrow : (uint32_t)narrow;
    }
    set(machine, displaced->reg, wide);
}

static bool jumps(const struct zk_displaced *displaced, const mcontext_t *machine)
{
    uint64_t value = value_of(machine, displaced->reg);

    switch (displaced->by_hand) {
    case ZK_JUMPS_IF:
        return holds(displaced->condition, machine->pstate);
    case ZK_JUMPS_IF_ZERO:
        return ((displaced->wide ? value : (uint32_t)value) == 0) == !displaced->negate;
    case ZK_JUMPS_IF_BIT:
        return (value >> displaced->bit & 1) == displaced->negate;
    default:
        return true;
    }
}

void zk_displaced_go(const struct zk_displaced *displaced, void *context)
{
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;

    switch (displaced->by_hand) {
    case ZK_COPIED:
        machine->pc = displaced->copy;
        return;
    case ZK_SETS:
        set(machine, displaced->reg, displaced->target);
        machine->pc = displaced->next;
        break;
    case ZK_LOADS:
        load_register(displaced, machine);
        machine->pc = displaced->next;
        break;
    default:
        if (displaced->by_hand == ZK_CALLS)
            machine->regs[30] = displaced->next;
        machine->pc = jumps(displaced, machine) ? displaced->target : displaced->next;
        break;
    }
    /* Clear BTYPE, which the branch that led here may have set. */
    machine->pstate &= ~(uint64_t)0xC00;
}

#else
typedef int zk_not_aarch64;
#endif
