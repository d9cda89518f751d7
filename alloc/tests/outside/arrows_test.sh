#!/usr/bin/env bash
# arrows_test.sh BUILD SOURCE: every include, and every symbol of libzkalloc.a, goes in a direction that
# scripts/arrows.tsv allows; and one that is reversed is found, in each room.
set -uo pipefail
build=$1 source=$2
# shellcheck source=scripts/test_helpers.sh
. "$source/scripts/test_helpers.sh"
arrows=$source/scripts/arrows.sh

want 0 '^arrows: [0-9]{4,} includes, [0-9]{3,} symbols, 0 the wrong way$' "$arrows" --root "$source" "$build"

# A tree of only these files, in which one include at a time is reversed.
copy=$work/copy
mkdir "$copy"
(cd "$source" && find . \( -name .git -o -name 'build*' -o -name target \) -prune -o -name '*.[ch]' -print0 |
    tar -c --null -T -) | tar -x -C "$copy"
want 0 ', 0 symbols, 0 the wrong way$' "$arrows" --root "$copy"
turned() { # turned FILE INCLUDE PATTERN: the line is told, and nothing else
    cp "$copy/$1" "$work/kept"
    printf '%s\n' "$2" >>"$copy/$1"
    want 1 "^$1:$(wc -l <"$copy/$1"): includes $3" "$arrows" --root "$copy"
    want 1 ', 1 the wrong way$' "$arrows" --root "$copy"
    cp "$work/kept" "$copy/$1"
}
turned alloc/os/lock.c '#include "thread.h"' 'thread\.h, which is alloc/arena/thread\.h: not for alloc/os$'
turned alloc/arena/slab.c '#include "census.h"' 'census\.h, .*: not for alloc/arena$'
turned alloc/arena/slab.h '#  include <trap.h>' 'trap\.h, .*: not for alloc/arena$'
turned alloc/arena/region.c '#include "../tools/tools.h"' 'tools/tools\.h, .*: not for alloc/arena$'
turned alloc/audit/site.c '#include "slab_books.h"' 'slab_books\.h, .*: not for alloc/audit$'
turned alloc/tools/tools.c '#include "audit.h"' 'audit\.h, which is alloc/audit/audit\.h or audit/audit\.h: not for alloc/tools$'
turned repro/harness/child.c '#include "models/epoch.h"' 'models/epoch\.h, .*: not for repro/harness$'
turned repro/models/epoch.c '#include "repro.h"' 'repro\.h, .*: not for repro/models$'
turned repro/injector_block.c '#include "run.h"' 'run\.h, .*: not for repro$'
turned sweep/runner.c '#include "repro.h"' 'repro\.h, .*: not for sweep$'
turned audit/run.c '#include "census.h"' 'census\.h, .*: not for audit$'

# The same for a symbol.
objects=$work/fake/alloc/CMakeFiles/zkalloc.dir
mkdir -p "$objects/os" "$objects/arena"
compile() { cc -x c -c -o "$objects/$1" -; }
compile arena/slab.c.o <<<'void zk_above(void); void zk_above(void) { }'
compile os/lock.c.o <<<'void zk_above(void); void zk_below(void); void zk_below(void) { zk_above(); }'
want 1 '^alloc/os: wants zk_above, which is in alloc/arena$' "$arrows" --root "$copy" "$work/fake"
compile os/lock.c.o <<<'void zk_below(void); void zk_below(void) { }'
compile arena/slab.c.o <<<'void zk_above(void); void zk_below(void); void zk_above(void) { zk_below(); }'
want 0 ', 1 symbols, 0 the wrong way$' "$arrows" --root "$copy" "$work/fake"

# docs/architecture.md has every room of the allocator, and no other; the files that it names exist.
page=$source/docs/architecture.md
rooms() { grep -oE "$1" "$2" | sort -u; }
exists() { [[ -e $source/${1%/} || -e $source/alloc/${1%/} ]]; }
check "docs/architecture.md and arrows.tsv have the same rooms" \
    diff <(rooms '^alloc/[a-z]+' "$source/scripts/arrows.tsv" | grep -vE 'include|tests') \
    <(sed -n 's/^| `\(alloc\/[a-z]*\)\/` | .*/\1/p' "$page" | sort -u)
for path in $(grep -oE '`[a-z_]+/[a-zA-Z_/.]*`' "$page" | tr -d '`' | grep -v NAME) \
    $(grep -oE '(arena|audit|os)/[a-z_]+\.[ch]$' "$page" | sed 's|^|alloc/|'); do
    check "docs/architecture.md: $path is there" exists "$path"
done

mkdir "$copy/elsewhere"
echo 'int nothing;' >"$copy/elsewhere/new.c"
want 1 '^elsewhere/new\.c: in no room' "$arrows" --root "$copy"
want 2 'no such option' "$arrows" --down
conclude arrows_test
