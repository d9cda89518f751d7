/*
 * displace_x86_64.c - instruction lengths follow the opcode maps of the manual (Intel SDM, volume 2, appendix A), in
 * 64-bit mode. Operands relative to the instruction are handled: a RIP-relative displacement is corrected in the
 * copy, and a relative jump or call is emulated.
 */
#if defined __x86_64__

#include "displace.h"

#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

const unsigned char zk_breakpoint_bytes[] = {0xCC};
const size_t zk_breakpoint_length = 1;
const size_t zk_copy_distance = (size_t)3 << 29; /* a displacement reaches 2 GiB */

/* A decoded instruction. */
struct parts {
    size_t length; /* 0: unknown */
    size_t opcode; /* its offset */
    unsigned map;  /* 0: one byte; 1: after 0F; 2: 0F 38; 3: 0F 3A */
    bool has_modrm;
    size_t modrm;
    size_t rip_relative; /* offset of the RIP-relative displacement; 0: none */
    bool encoded;        /* with VEX or EVEX */
};

struct prefixes {
    bool operand_16;
    bool address_32;
    bool wide; /* REX.W */
};

static bool is_legacy_prefix(unsigned char byte)
{
    switch (byte) {
    case 0x26:
    case 0x2E:
    case 0x36:
    case 0x3E:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xF0:
    case 0xF2:
    case 0xF3:
        return true;
    default:
        return false;
    }
}

/* ---- Which opcodes have a ModRM byte, and how many bytes of immediate. -1: no such instruction, or not known. */

static bool has_modrm_0(unsigned char op)
{
    if (op < 0x40)
        return op % 8 < 4;
    return op == 0x63 || op == 0x69 || op == 0x6B || (op >= 0x80 && op <= 0x8F) || op == 0xC0 ||
           op == 0xC1 || op == 0xC6 || op == 0xC7 || (op >= 0xD0 && op <= 0xD3) ||
           (op >= 0xD8 && op <= 0xDF) || op == 0xF6 || op == 0xF7 || op == 0xFE || op == 0xFF;
}

static bool is_unknown_0(unsigned char op)
{
    switch (op) {
    case 0x06:
    case 0x07:
    case 0x0E:
    case 0x16:
    case 0x17:
    case 0x1E:
    case 0x1F:
    case 0x27:
    case 0x2F:
    case 0x37:
    case 0x3F:
    case 0x60:
    case 0x61:
    case 0x82:
    case 0x9A:
    case 0xCE:
    case 0xD4:
    case 0xD5:
    case 0xD6:
    case 0xEA:
        return true;
    default:
        return false;
    }
}

static int immediate_0(unsigned char op, unsigned char modrm, struct prefixes prefixes)
{
    int word = prefixes.operand_16 && !prefixes.wide ? 2 : 4;

    if (is_unknown_0(op))
        return -1;
    if (op < 0x40)
        return op % 8 == 4 ? 1 : op % 8 == 5 ? word : 0;
    if (op >= 0x70 && op <= 0x7F)
        return 1;
    if (op >= 0xA0 && op <= 0xA3)
        return prefixes.address_32 ? 4 : 8;
    if (op >= 0xB0 && op <= 0xB7)
        return 1;
    if (op >= 0xB8 && op <= 0xBF)
        return prefixes.wide ? 8 : word;
    switch (op) {
    case 0x68:
    case 0x69:
    case 0x81:
    case 0xA9:
    case 0xC7:
        return word;
    case 0x6A:
    case 0x6B:
    case 0x80:
    case 0x83:
    case 0xA8:
    case 0xC0:
    case 0xC1:
    case 0xC6:
    case 0xCD:
    case 0xE4:
    case 0xE5:
    case 0xE6:
    case 0xE7:
    case 0xE0:
    case 0xE1:
    case 0xE2:
    case 0xE3:
    case 0xEB:
        return 1;
    case 0xC2:
    case 0xCA:
        return 2;
    case 0xC8:
        return 3;
    case 0xE8:
    case 0xE9:
        return 4; /* whatever the prefixes, as on Intel */
    case 0x8F:
        return (modrm >> 3 & 7) == 0 ? 0 : -1; /* otherwise AMD's XOP */
    case 0xF6:
        return (modrm >> 3 & 7) < 2 ? 1 : 0;
    case 0xF7:
        return (modrm >> 3 & 7) < 2 ? word : 0;
    default:
        return 0;
    }
}

static bool has_modrm_1(unsigned char op)
{
    return !((op >= 0x05 && op <= 0x0C) || op == 0x0E || (op >= 0x30 && op <= 0x37) || op == 0x77 ||
             (op >= 0x80 && op <= 0x8F) || (op >= 0xA0 && op <= 0xA2) ||
             (op >= 0xA8 && op <= 0xAA) || (op >= 0xC8 && op <= 0xCF));
}

static int immediate_1(unsigned char op)
{
    if (op >= 0x80 && op <= 0x8F)
        return 4;
    switch (op) {
    case 0x0F: /* 3DNow! */
    case 0x70:
    case 0x71:
    case 0x72:
    case 0x73:
    case 0xA4:
    case 0xAC:
    case 0xBA:
    case 0xC2:
    case 0xC4:
    case 0xC5:
    case 0xC6:
        return 1;
    case 0x04:
    case 0x0A:
    case 0x0C:
    case 0x24:
    case 0x25:
    case 0x26:
    case 0x27:
    case 0x36:
    case 0x39:
    case 0x3B:
    case 0x3C:
    case 0x3D:
    case 0x3E:
    case 0x3F:
        return -1;
    default:
        return 0;
    }
}

/* ---- Decoding */

/* Bytes of ModRM and what follows it, without an immediate. */
static size_t operand_length(const unsigned char *modrm, size_t at, struct parts *parts)
{
    unsigned mode = modrm[0] >> 6;
    unsigned rm = modrm[0] & 7;
    size_t length = 1;

    if (mode == 3)
        return length;
    if (rm == 4) {
        length++;
        if (mode == 0 && (modrm[1] & 7) == 5)
            return length + 4;
    }
    if (mode == 0 && rm == 5) {
        parts->rip_relative = at + length;
        return length + 4;
    }
    return length + (mode == 1 ? 1 : mode == 2 ? 4 : 0);
}

/* Skips VEX (C4, C5) or EVEX (62): returns the opcode's offset, or 0 if unknown. */
static size_t skip_encoding(const unsigned char *code, size_t at, struct parts *parts)
{
    unsigned map;

    parts->encoded = true;
    switch (code[at]) {
    case 0xC5:
        parts->map = 1;
        return at + 2;
    case 0xC4:
        map = code[at + 1] & 31;
        at += 3;
        break;
    default:
        map = code[at + 1] & 7;
        at += 4;
        break;
    }
    if (map == 5 || map == 6) /* half precision: a ModRM byte, no immediate */
        map = 2;
    parts->map = map;
    return map >= 1 && map <= 3 ? at : 0;
}

static int immediate(const struct parts *parts, unsigned char op, unsigned char modrm,
                     struct prefixes prefixes)
{
    switch (parts->map) {
    case 0:
        return immediate_0(op, modrm, prefixes);
    case 1:
        return immediate_1(op);
    case 2:
        return 0;
    default:
        return 1;
    }
}

static bool has_modrm(const struct parts *parts, unsigned char op)
{
    switch (parts->map) {
    case 0:
        return has_modrm_0(op);
    case 1:
        return has_modrm_1(op);
    default:
        return true;
    }
}

static struct parts take_apart(const unsigned char *code)
{
    struct parts parts = {0};
    struct prefixes prefixes = {0};
    size_t at = 0;
    int bytes;

    for (; at < 8 && is_legacy_prefix(code[at]); at++) {
        prefixes.operand_16 |= code[at] == 0x66;
        prefixes.address_32 |= code[at] == 0x67;
    }
    if (code[at] >= 0x40 && code[at] <= 0x4F)
        prefixes.wide = (code[at++] & 8) != 0;
    if (code[at] == 0xC4 || code[at] == 0xC5 || code[at] == 0x62) {
        at = skip_encoding(code, at, &parts);
        if (at == 0)
            return parts;
    } else if (code[at] == 0x0F) {
        at++;
        parts.map = 1;
        if (code[at] == 0x38 || code[at] == 0x3A)
            parts.map = code[at++] == 0x38 ? 2 : 3;
    }
    parts.opcode = at++;
    parts.has_modrm = has_modrm(&parts, code[parts.opcode]);
    bytes = immediate(&parts, code[parts.opcode], code[at], prefixes);
    if (bytes < 0)
        return parts;
    parts.modrm = at;
    if (parts.has_modrm)
        at += operand_length(code + at, at, &parts);
    parts.length = at + (size_t)bytes;
    if (parts.length > 15)
        parts.length = 0;
    return parts;
}

size_t zk_instruction_length(const unsigned char *code)
{
    return take_apart(code).length;
}

/* ---- Displacing */

static int32_t read_32(const unsigned char *at)
{
    int32_t value;

    memcpy(&value, at, sizeof value);
    return value;
}

static void write_32(unsigned char *at, intptr_t value)
{
    int32_t narrow = (int32_t)value;

    memcpy(at, &narrow, sizeof narrow);
}

/* Jumps and calls with a target relative to the next instruction. True if it is one. */
static bool is_relative(const unsigned char *code, const struct parts *parts,
                        struct zk_displaced *out)
{
    unsigned char op = code[parts->opcode];
    const unsigned char *operand = code + parts->opcode + 1;

    if (parts->encoded || parts->map > 1)
        return false;
    if (parts->map == 1) {
        if (op < 0x80 || op > 0x8F)
            return false;
        out->by_hand = ZK_JUMPS_IF;
        out->condition = op & 15;
        out->target = out->next + (uintptr_t)(intptr_t)read_32(operand);
        return true;
    }
    if (op == 0xE8 || op == 0xE9) {
        out->by_hand = op == 0xE8 ? ZK_CALLS : ZK_JUMPS;
        out->target = out->next + (uintptr_t)(intptr_t)read_32(operand);
        return true;
    }
    if (op == 0xEB || (op >= 0x70 && op <= 0x7F)) {
        out->by_hand = op == 0xEB ? ZK_JUMPS : ZK_JUMPS_IF;
        out->condition = op & 15;
        out->target = out->next + (uintptr_t)(intptr_t)(signed char)*operand;
        return true;
    }
    return false;
}

static const char *check(const unsigned char *code, const struct parts *parts)
{
    unsigned char op = code[parts->opcode];

    if (parts->length == 0)
        return "its first instruction is unknown";
    if (parts->encoded || parts->map != 0)
        return NULL;
    if (op == 0xCC)
        return "there is a breakpoint already, perhaps from a debugger";
    if (op >= 0xE0 && op <= 0xE3)
        return "its first instruction is a loop";
    return NULL;
}

/* call *ADDRESS(%rip) is emulated, since it must push the original's return address. Other indirect calls are refused. */
static const char *displace_call(const unsigned char *code, const struct parts *parts,
                                 struct zk_displaced *out)
{
    if (parts->rip_relative == 0)
        return "its first instruction is a call through a register";
    out->by_hand = ZK_CALLS_STORED;
    out->target = out->next + (uintptr_t)(intptr_t)read_32(code + parts->rip_relative);
    return NULL;
}

static bool fits(intptr_t distance)
{
    return distance == (int32_t)distance;
}

const char *zk_displace(const unsigned char *code, uintptr_t address, unsigned char *room,
                        uintptr_t copy, struct zk_displaced *out)
{
    struct parts parts = take_apart(code);
    const char *wrong = check(code, &parts);
    intptr_t back;

    *out = (struct zk_displaced){.next = address + parts.length};
    if (wrong != NULL)
        return wrong;
    if (is_relative(code, &parts, out))
        return NULL;
    if (!parts.encoded && parts.map == 0 && code[parts.opcode] == 0xFF &&
        (code[parts.modrm] >> 3 & 7) == 2)
        return displace_call(code, &parts, out);
    memcpy(room, code, parts.length);
    if (parts.rip_relative != 0) {
        intptr_t moved = read_32(code + parts.rip_relative) + (intptr_t)(address - copy);

        if (!fits(moved))
            return "there is no room near it for a copy of its first instruction";
        write_32(room + parts.rip_relative, moved);
    }
    back = (intptr_t)(out->next - (copy + parts.length + 5));
    if (!fits(back))
        return "there is no room near it for a copy of its first instruction";
    room[parts.length] = 0xE9;
    write_32(room + parts.length + 1, back);
    out->copy = copy;
    return NULL;
}

/* ---- In the handler */

uintptr_t zk_displaced_at(const void *context)
{
    const ucontext_t *thread = context;

    return (uintptr_t)thread->uc_mcontext.gregs[REG_RIP] - 1; /* int3 has been executed */
}

/* condition is the low four bits of a Jcc opcode. */
static bool holds(unsigned condition, greg_t flags)
{
    bool carry = (flags & 0x1) != 0;
    bool parity = (flags & 0x4) != 0;
    bool zero = (flags & 0x40) != 0;
    bool sign = (flags & 0x80) != 0;
    bool overflow = (flags & 0x800) != 0;
    const bool base[] = {overflow,
                         carry,
                         zero,
                         carry || zero,
                         sign,
                         parity,
                         sign != overflow,
                         zero || sign != overflow};

    return base[condition / 2] != (condition % 2 != 0);
}

static void push(greg_t *registers, uintptr_t value)
{
    registers[REG_RSP] -= (greg_t)sizeof value;
    memcpy((void *)(uintptr_t)registers[REG_RSP], &value, sizeof value);
}

void zk_displaced_go(const struct zk_displaced *displaced, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t to = displaced->target;

    switch (displaced->by_hand) {
    case ZK_CALLS_STORED:
        memcpy(&to, (const void *)to, sizeof to);
        push(registers, displaced->next);
        break;
    case ZK_CALLS:
        push(registers, displaced->next);
        break;
    case ZK_JUMPS:
        break;
    case ZK_JUMPS_IF:
        if (!holds(displaced->condition, registers[REG_EFL]))
            to = displaced->next;
        break;
    default:
        to = displaced->copy;
        break;
    }
    registers[REG_RIP] = (greg_t)to;
}

#else
typedef int zk_not_x86_64;
#endif
