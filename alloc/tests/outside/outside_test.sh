#!/usr/bin/env bash
# outside_test.sh BUILD SOURCE: installs into a folder, moves that elsewhere, and uses what is there as users
# would: pkg-config, CMake, C++, the preload library, zk-audit.
set -uo pipefail
build=$1 source=$2
here=$source/alloc/tests/outside
for tool in pkg-config c++; do
    command -v "$tool" >/dev/null || { echo "outside_test: $tool is missing: scripts/bootstrap.sh installs it"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset "${!ZK_ALLOC_@}" LD_PRELOAD LD_LIBRARY_PATH CMAKE_PREFIX_PATH PREFIX DESTDIR MAKEFLAGS
checks=0 failures=0

# check WHAT COMMAND ARGUMENT...: it succeeds.
check() {
    local what=$1 said
    shift
    checks=$((checks + 1))
    said=$("$@" 2>&1) && return
    echo "FAIL: $what: $*"
    sed 's/^/  | /' <<<"$said"
    failures=$((failures + 1))
}
# says PATTERN COMMAND ARGUMENT...: it succeeds, and a line of its output matches.
says() {
    local pattern=$1 said
    shift
    said=$("$@" 2>&1) || { echo "exit status $?: $said"; return 1; }
    grep -qE "$pattern" <<<"$said" || { echo "$said"; return 1; }
}
fails() { ! "$@"; }

# ---- make install: builds, then installs; prints what else it calls.

mkdir "$work/bin"
real=$(command -v cmake)
cat >"$work/bin/cmake" <<END
#!/bin/sh
echo "\$*" >>"$work/calls"
[ "\$1" != --install ] || exec "$real" "\$@"
END
for refused in apt-get sudo dpkg-query; do
    printf '#!/bin/sh\necho "%s $*" >>"%s"\nexit 1\n' "$refused" "$work/calls" >"$work/bin/$refused"
done
chmod +x "$work/bin/"*
stage=$work/stage
front_door() { PATH=$work/bin:$PATH make -C "$source" "$@"; }
check "make install is offered" says '^  make install ' front_door help
check "make install needs no bootstrap" fails says bootstrap front_door -n install
check "make install takes DESTDIR and PREFIX" says "DESTDIR='$stage' scripts/install.sh build '/opt/zk'" \
    front_door -n install DESTDIR="$stage" PREFIX=/opt/zk
check "PREFIX is /usr/local otherwise" says "DESTDIR='' scripts/install.sh build '/usr/local'" front_door -n install
install_to() { (umask 077 && PATH=$work/bin:$PATH DESTDIR=$1 SUDO_USER='' "$source/scripts/install.sh" "$build" "$2"); }
check "install" install_to "$stage" /opt/zk
checked='^-S .*:--build .* --target installed:--install [^:]* --prefix /opt/zk:$'
check "it builds first, and nothing else" says "$checked" tr '\n' : <"$work/calls"
check "a relative PREFIX is refused" fails install_to "$stage" opt/zk
check "a relative DESTDIR is refused" fails install_to stage /opt/zk

# ---- What is installed, and its permissions.

libdir=$(sed -n 's/^CMAKE_INSTALL_LIBDIR:PATH=//p' "$build/CMakeCache.txt")
contents='bin/zk-audit
bin/zk-locate
bin/zk-trial
include/zkalloc.h
lib/cmake/zkalloc/zkallocConfig.cmake
lib/cmake/zkalloc/zkallocConfigVersion.cmake
lib/cmake/zkalloc/zkallocTargets-release.cmake
lib/cmake/zkalloc/zkallocTargets.cmake
lib/libzkalloc-preload.so
lib/libzkalloc.a
lib/pkgconfig/zkalloc.pc
share/bash-completion/completions/zk-audit
share/bash-completion/completions/zk-sweep
share/bash-completion/completions/zk-trial
share/man/man1/zk-audit.1
share/man/man1/zk-report.1
share/man/man1/zk-sweep.1
share/man/man1/zk-trial.1
share/man/man3/zkalloc.3
share/man/man7/zk-repro.7
share/zkalloc/trial/bench_common.sh
share/zkalloc/trial/kinds.awk
share/zkalloc/trial/libzk-probe.so
share/zkalloc/trial/quantile.awk
share/zkalloc/trial/script_common.sh
share/zkalloc/trial/trial.awk
share/zkalloc/trial/verdict.awk
share/zkalloc/trial/zk-usage'
check "what is installed" diff <(sed "s,^lib/,$libdir/," <<<"$contents") <(cd "$stage/opt/zk" && find . ! -type d | sed 's,^\./,,' | LC_ALL=C sort)
check "nothing beside it" diff <(echo opt) <(ls "$stage")
check "a folder or file that not everybody may read" diff /dev/null <(find "$stage/opt/zk" ! -perm -444)

# ---- It is used from elsewhere; nothing refers to the old place.

prefix=$work/moved
mv "$stage/opt/zk" "$prefix"
rm -rf "$stage"
check "a path of the tree is left" fails grep -rIF -e "$work" -e "$build" -e "$source" "$prefix"
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
mkdir "$work/user"
cp "$here"/*.c "$here"/*.cpp "$here/project/CMakeLists.txt" "$work/user/"
cd "$work/user" || exit 3
strict=(-Wall -Wextra -pedantic -Werror)

# shellcheck disable=SC2046 # flags, split on purpose: as a user writes it
{
    check "C" cc "${strict[@]}" linked.c -o linked_c $(pkg-config --cflags --libs zkalloc)
    check "C, as an executable at a fixed address" cc -no-pie linked.c -o linked_fixed $(pkg-config --cflags --libs zkalloc)
    check "C, with malloc" cc "${strict[@]}" interposed.c -o interposed $(pkg-config --cflags --libs zkalloc)
    for standard in 11 14 17 20; do
        check "C++$standard" c++ "-std=c++$standard" "${strict[@]}" linked.cpp -o "linked_cpp$standard" \
            $(pkg-config --cflags --libs zkalloc)
    done
}
for program in linked_c linked_fixed linked_cpp11 linked_cpp14 linked_cpp17 linked_cpp20; do
    check "$program" says '^in the arena$' "./$program"
done
check "the version" says '^[0-9]+\.[0-9]+' pkg-config --modversion zkalloc

minor=$(pkg-config --modversion zkalloc | cut -d. -f1,2)
check "CMake: configure" "$real" -S . -B build -DWANTED="$minor" -DCMAKE_PREFIX_PATH="$prefix"
check "CMake: find_package found ours" grep -qF "zkalloc_DIR:PATH=$prefix/$libdir/cmake/zkalloc" build/CMakeCache.txt
check "CMake: build" "$real" --build build
for program in linked_c linked_cpp interposed; do
    check "CMake: $program" says '^in the arena$' "build/$program"
done
check "CMake: another minor version is refused" fails "$real" -S . -B build2 -DWANTED="${minor%.*}.$((${minor#*.} + 1))" -DCMAKE_PREFIX_PATH="$prefix"

# ---- A program that does not know it.

check "plain" cc "${strict[@]}" plain.c -o plain
preload=$(pkg-config --variable=preload zkalloc)
check "plain, alone" says '^not in the arena$' ./plain
check "plain, preloaded" says '^in the arena$' env LD_PRELOAD="$preload" ZK_ALLOC_CHAOS=100 ./plain
check "linked, alone" fails ./interposed
check "linked, preloaded" says '^in the arena$' env LD_PRELOAD="$preload" ./interposed
audit() { # audit STATUS: of zk-audit on plain; what it says
    "$prefix/bin/zk-audit" --chaos 100 -- ./plain
    [[ $? -eq $1 ]]
}
check "zk-audit finds what plain keeps" says '^guaranteed +5001 ' audit 1
check "zk-audit on the linked program" says '^SAFE' "$prefix/bin/zk-audit" -- ./linked_c

echo "outside_test: $checks checks, $failures failed"
[[ $failures -eq 0 ]]
