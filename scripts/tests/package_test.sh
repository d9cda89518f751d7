#!/usr/bin/env bash
# package_test.sh SOURCE BUILD: the Debian package that cpack makes from the build has the same
# files as an installation, names its dependencies, and works where it is unpacked: a smoke test as
# a distribution would run it.
set -uo pipefail
source=$1 build=$2
# shellcheck source=scripts/test_helpers.sh
. "$source/scripts/test_helpers.sh"
for tool in cpack dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || { echo "$tool is not installed: no Debian package can be made here"; exit 77; }
done
quietly() { "$@" >"$work/log" 2>&1 || { tail -20 "$work/log"; return 1; }; }
cd "$work" || exit 3
check "cpack makes a package" quietly env -u TMPDIR cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work/made"
package=$(echo "$work"/made/*.deb)
[[ -f $package ]] || { fail "one package: $package"; conclude package_test; exit 1; }
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:[A-Z]*=//p' "$build/CMakeCache.txt")
says_field() { [[ $(dpkg-deb -f "$package" "$1") =~ $2 ]]; }
check "it has the project's version" says_field Version "^$version"
check "it is for this processor" says_field Architecture "^$(dpkg --print-architecture)$"
check "it depends on the C library" says_field Depends libc6
check "it unpacks" dpkg-deb -x "$package" "$work/root"
for file in bin/zk-audit bin/zk-locate bin/zk-trial include/zkalloc.h share/man/man3/zkalloc.3 share/man/man1/zk-audit.1 \
    share/bash-completion/completions/zk-audit; do
    check "it has $file" test -e "$work/root/usr/$file"
done
libdir=$(dirname "$(find "$work/root" -name libzkalloc.a)")
check "nothing of the build's folders is in it" [ -z "$(grep -rl "$build" "$work/root" --include='*.pc' --include='*.cmake')" ]

# A third-party program: linked, preloaded and audited.
cat >program.c <<'END'
#include <stdio.h>
#include <zkalloc.h>

static char *kept;

int main(void)
{
    for (int i = 0; i < 3; i++) {
        zk_begin_phase();
        if (kept == NULL)
            kept = zk_malloc(20000);
        kept[100] = 1;
        zk_free(zk_malloc(5000));
        zk_end_phase();
    }
    return puts("done") < 0;
}
END
pkg() { PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --define-prefix "$@" zkalloc; }
# shellcheck disable=SC2046 # flags are words
check "a program is linked with it" quietly cc -g program.c -o program $(pkg --cflags --libs)
want 0 '^done$' ./program
want 1 'program.c:12' "$work/root/usr/bin/zk-audit" -- ./program
want 0 '^served$' env LD_PRELOAD="$libdir/libzkalloc-preload.so" echo served
want 0 "^zk-audit $version" "$work/root/usr/bin/zk-audit" --version
conclude package_test
