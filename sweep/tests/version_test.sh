#!/usr/bin/env bash
# version_test.sh BUILD SOURCE: there is one version, that of CMakeLists.txt; every program prints
# it, and files that repeat it agree.
set -uo pipefail
build=$1 source=$2
# shellcheck source=scripts/test_helpers.sh
. "$(dirname "$0")/../../scripts/test_helpers.sh"
version=$(sed -n 's/^project(zkalloc VERSION \([0-9.]*\) .*/\1/p' "$source/CMakeLists.txt")
check "CMakeLists.txt has no version" test -n "$version"

programs=("$build"/sweep/zk-{sweep,audit,trial,locate} "$build/report/zk-report")
for program in "$build"/repro/*; do
    [[ ! -f $program || ! -x $program || $program == *.* || $program == */test_* ]] || programs+=("$program")
done
check "repros are missing" test "${#programs[@]}" -gt 30
for program in "${programs[@]}"; do
    [[ -e $program ]] || { echo "version_test: $program is not built"; continue; } # without libdw
    run 0 "$program" --version
    check "$program --version: $out$said" test "$out$said" = "$(basename "$program") $version"
done
for program in "$build"/sweep/zk-{sweep,audit,trial,locate} "$build"/report/zk-report "$build/repro/injector_block"; do
    [[ -e $program ]] || continue
    run 0 "$program" --help
    check "$program --help does not name --version" grep -q -e '--version' <<<"$out"
done

crate=$(sed -n '/^\[package\]/,/^\[[^p]/s/^version = "\(.*\)"/\1/p' "$source/bindings/rust/Cargo.toml")
check "bindings/rust/Cargo.toml has $crate: build.rs asks pkg-config for just that" test "$crate" = "$version"
crate=$(sed -n '/^name = "zkalloc"/{n;s/^version = "\(.*\)"/\1/p}' "$source/bindings/rust/Cargo.lock")
check "bindings/rust/Cargo.lock has $crate" test "$crate" = "$version"
check "zkalloc.pc" grep -qx "Version: $version" "$build/alloc/zkalloc.pc"
newest=$(grep -m1 '^## ' "$source/CHANGELOG.md")
check "CHANGELOG.md begins with '$newest'" grep -qE "^## ${version//./\\.} \(([0-9]{4}-[0-9]{2}-[0-9]{2}|unreleased)\)$" <<<"$newest"
conclude version_test
