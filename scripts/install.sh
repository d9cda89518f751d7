#!/usr/bin/env bash
# install.sh BUILD PREFIX: builds what is installed (libraries, zk-audit, zk-trial) in the folder BUILD, and installs it under
# PREFIX, or DESTDIR/PREFIX. Installs no packages.
set -euo pipefail
name=install
source=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=script_common.sh
. "$source/scripts/script_common.sh"
want_arguments 2 2 'BUILD PREFIX' "$@"
build=$1 prefix=$2
[[ $prefix == /* ]] || die "PREFIX=$prefix: not absolute: begin it with /"
[[ ${DESTDIR:-/} == /* ]] || die "DESTDIR=$DESTDIR: not absolute: begin it with /"

# Under sudo, the build's files must belong to the calling user, whose next build could not replace
# them otherwise.
as_user=()
[[ $EUID -ne 0 || -z ${SUDO_USER:-} ]] || as_user=(sudo -u "$SUDO_USER")

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "install: building in $build" >&2
if ! { "${as_user[@]}" cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release &&
    "${as_user[@]}" cmake --build "$build" --parallel "${JOBS:-$(nproc)}" --target installed; } \
    >"$log" 2>&1; then
    cat "$log" >&2
    echo "install: the build failed: run make build, which installs what it needs, and then this again" >&2
    exit 2
fi
umask 022 # applies to new folders
cmake --install "$build" --prefix "$prefix"
rm -f "$build/install_manifest.txt" # it may belong to root, in a user's folder
