#!/usr/bin/env bash
# unseen_test.sh BUILD: zk-audit does not judge what it cannot see, and says why. Each of these
# programs keeps a block across phases, so SAFE would be wrong for all of them.
set -uo pipefail
build=$1 truth=$(realpath "$(dirname "$0")/truth")
audit=$build/sweep/zk-audit
. "$(dirname "$0")/../../scripts/test_helpers.sh"
cd "$work" || exit 1
for program in pool kept; do
    check "cc $program" cc -g -O1 -I"$truth" "$truth/$program.c" -o $program
done
no_verdict() { # no_verdict COMMAND...: and nothing else
    run 3 "$audit" -- "$@"
    says '^NO VERDICT'
    silent_on '^(SAFE|UNSAFE)|^guaranteed +[0-9]|^touched +[0-9]'
}

# Nothing of the program is seen at all.
no_verdict ./pool
says '^NO VERDICT at MIN_BYTES 4096: no allocation was seen in any phase$' '^Either it allocates nothing in phases, or'
run 3 "$audit" --tsv -- ./pool
row '^bound none( NA){6} verdict '
row '^bound NA( NA){6} guaranteed '
row '^bound NA( NA){6} touched '
# The same, with a known allocator inside.
cc -g -O1 -I"$truth" -Dpool_alloc=_rjem_malloc "$truth/pool.c" -o pool_named
no_verdict ./pool_named
says 'has jemalloc inside'
# The same, stripped, where only a message of the allocator gives it away.
cc -O1 -s -I"$truth" -include /dev/stdin "$truth/pool.c" -o pool_stripped \
    <<<'__attribute__((used)) static const char message[] = "<jemalloc>: Malformed conf string";'
no_verdict ./pool_stripped
says '^./pool_stripped seems to have jemalloc inside, by a text in it \(its symbols are stripped\)'
cc -O1 -s -I"$truth" "$truth/pool.c" -o pool_bare
no_verdict ./pool_bare
says '^Either it allocates nothing in phases, or by an allocator of its own'

# The library is not loaded.
no_verdict env -i ./kept
says '^The library was not loaded into ./kept: its environment was emptied or changed\.$' '^  What to do: '
silent_on 'must call zk_begin_phase'
no_verdict sh -c 'exec env -u LD_PRELOAD ./kept'
says '^The library was not loaded into ./kept: its environment was emptied'
check "cc -static" cc -g -static -I"$truth" "$truth/kept.c" -o kept_static
no_verdict ./kept_static
says '^The library was not loaded into ./kept_static: it is statically linked\.$' '^  What to do: link it dynamically'
no_verdict sh -c './kept_static; true'
says '^The library was not loaded into ./kept_static: it is statically linked\.$'
printf '#!%s\n' "$work/kept_static" >script
chmod +x script
no_verdict ./script
says '^The library was not loaded into ./script: it is statically linked\.$'
# Go's linker leaves this mark in every program.
cc -static -I"$truth" -include /dev/stdin "$truth/kept.c" -o kept_go \
    <<<'__attribute__((used)) static const char mark[] = "\xff Go buildinf:";'
no_verdict ./kept_go
says '^The library was not loaded into ./kept_go: it is a static Go program\.$'
if cc -m32 -static -nostdlib -x c - -o kept_32 2>/dev/null \
    <<<'void _start(void) { __asm__("mov $1, %eax; xor %ebx, %ebx; int $0x80"); }'; then
    if ./kept_32; then
        no_verdict ./kept_32
        says '^The library was not loaded into ./kept_32: it is a 32-bit program\.$'
    fi
fi
if [[ $(id -u) -eq 0 ]]; then
    cp kept kept_setuid
    chown 65534 kept_setuid
    chmod u+s kept_setuid
    chmod 755 "$work"
    no_verdict ./kept_setuid
    says '^The library was not loaded into ./kept_setuid: it is setuid'
fi

# A helper without the library does not spoil what was seen of the program; but it is mentioned.
run 1 "$audit" -- sh -c './kept_static; exec ./kept'
says '^UNSAFE ' '^The library was not loaded into 1 program, such as ./kept_static: '
check "$what: told twice: $said" test "$(grep -c '^The library was not loaded' <<<"$said")" -eq 1

conclude unseen_test
