#!/usr/bin/env bash
# environment_test.sh BUILD SOURCE: runs see a defined environment, whatever environment they are
# started from.
set -uo pipefail
build=$1 sweep=$1/sweep/zk-sweep
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
# shellcheck source=sweep/tests/fakes.sh
. "$(dirname "$0")/fakes.sh"

# A run sees these names, and no others.
fake shows 'tr "\0" "\n" </proc/$$/environ | sed "s/=.*//" | sort -u >"$work/names"'
hostile=(ZK_ALLOC_SLAB_GB=0 ZK_ALLOC_MIN_BYTES=1M ZK_ALLOC_RECYCLE=pinned ZK_ALLOC_PRETENURE=always ZK_ALLOC_AUDIT=trap
    ZK_ALLOC_NEW_SWITCH=1 OMP_NUM_THREADS=1 OMP_THREAD_LIMIT=1 GOMP_SPINCOUNT=0 MALLOC_PERTURB_=85 MALLOC_ARENA_MAX=1
    GLIBC_TUNABLES=glibc.malloc.tcache_count=0 LD_PRELOAD= LD_LIBRARY_PATH=/nowhere LD_BIND_NOW=1 G_SLICE=always-malloc
    G_DEBUG=fatal-warnings LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 TZ=Asia/Tokyo RAYON_NUM_THREADS=1 RUST_BACKTRACE=1
    SQLITE_TMPDIR=/nowhere UNHEARD_OF=1)
run 0 env "${hostile[@]}" "$sweep" --repro-dir "$fakes" --profile system
says '^zk-sweep: without .*ZK_ALLOC_SLAB_GB.*: --keep-env keeps'
check "a run sees more than it should: $(paste -sd' ' "$work/names")" \
    awk '!/^(HOME|LOGNAME|NO_COLOR|PATH|PWD|SHELL|TERM|TMPDIR|USER|[ALTU].*SAN_OPTIONS|QEMU_.*)$/ { exit 1 }' "$work/names"
check "PATH is gone" grep -qx PATH "$work/names"
run 0 env "${hostile[@]}" "$sweep" --keep-env --repro-dir "$fakes" --profile system
check "--keep-env keeps nothing" grep -qx UNHEARD_OF "$work/names"
check "--keep-env is not passed on" grep -q -- --keep-env "$work/calls"
silent_on without
run 0 env LANG=C TZ=UTC "$sweep" --repro-dir "$fakes" --profile system
silent_on . # these are set for everyone, so no message

# The tables of real repros stay the same with each variable that once changed them, and with all of
# them.
some=(--profile "route,seed" --min-bytes "0,1520,4096" --only "injector_block")
check "a sweep" "$sweep" "${some[@]}" --out "$work/plain" >/dev/null
cat >"$work/hostile.c" <<'END'
#include <stdlib.h>
/* A library that changes what every run shows: there is no arena. */
__attribute__((constructor)) static void load(void)
{
    setenv("ZK_ALLOC_SLAB_GB", "0", 1);
}
END
cc -shared -fPIC -o "$work/hostile.so" "$work/hostile.c"
for set in ZK_ALLOC_SLAB_GB=0 ZK_ALLOC_AUDIT=trap ZK_ALLOC_POISON_RESET=1 MALLOC_PERTURB_=85 OMP_NUM_THREADS=1 \
    GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "LD_PRELOAD=$work/hostile.so" ALL; do
    [[ $set == ALL ]] && set=("${hostile[@]}")
    rm -rf "$work/set"
    check "a sweep with ${set[*]}" env "${set[@]}" "$sweep" "${some[@]}" --out "$work/set" >/dev/null 2>&1
    check "${set[*]} makes a difference" diff -r "$work/plain" "$work/set"
done

# TMPDIR may contain any character that a file name may.
for name in 'a b' "it's" 'x[a]*?' '%p' '$(false)' 'a:b'; do
    mkdir -p "$work/folders/$name"
    rm -rf "$work/set"
    check "a sweep with TMPDIR $name" env TMPDIR="$work/folders/$name" "$sweep" "${some[@]}" --out "$work/set" >"$work/report"
    check "TMPDIR $name makes a difference" diff -r "$work/plain" "$work/set"
    check "TMPDIR $name: no site is named" grep -q 'injector.c:' "$work/report"
done

# A repro started by hand.
repro=$build/repro/injector_block
run 12 env ZK_ALLOC_SLAB_GB=0 MALLOC_PERTURB_=1 "$repro"
says '^injector_block: without (ZK_ALLOC_SLAB_GB, MALLOC_PERTURB_|MALLOC_PERTURB_, ZK_ALLOC_SLAB_GB), which'
run 0 env ZK_ALLOC_SLAB_GB=0 "$repro" --keep-env
silent_on without
run 12 env LANG=de_DE.UTF-8 LC_ALL=C TZ=X UNHEARD_OF=1 "$repro"
silent_on .
run 12 env LD_PRELOAD="$work/hostile.so" "$repro"
says "without LD_PRELOAD"
run 0 env OMP_NUM_THREADS=1 "$build/repro/openmp_team" --profile system
run 11 env ZK_ALLOC_AUDIT=trap ZK_ALLOC_AUDIT_OUT=/dev/null "$repro" # an audit was asked for
silent_on .
run 0 env ZK_ALLOC_SLAB_GB=0 "$repro" --expect corrupt,crash --profile none --tsv --no-fork
run 2 env ZK_ALLOC_SLAB_GB=0 "$repro" --no-such-option

# Started with SIGCHLD ignored, where children cannot be waited for.
check "with SIGCHLD ignored" bash -c "trap '' CHLD; exec '$sweep' ${some[*]} --out '$work/ignored'" >/dev/null
check "SIGCHLD makes a difference" diff -r "$work/plain" "$work/ignored"
run 12 bash -c "trap '' CHLD; exec '$repro'"

# Programs whose libraries are not found are not left out silently.
cp "$repro" "$fakes/lost"
printf '#!/bin/sh\nexit 127\n' >"$fakes/lost"
run 2 "$sweep" --repro-dir "$fakes"
says 'lost: cannot be started: .*--keep-env'

conclude environment_test
