#!/usr/bin/env bash
# Installs missing Debian packages: those for building and testing; with --all, also those for
# linting and benchmarking; with --stress, in addition the programs that stress/chaos_programs.sh
# runs; with --crates, those for building and testing, and Rust with the crates that are modelled;
# with --cross, compilers for other processors. Without the right to install, prints the command to
# run, and stops.
set -euo pipefail

packages=(gcc g++ libc6-dev make cmake pkgconf groff-base libcmocka-dev libdw-dev libiberty-dev libjansson-dev llvm valgrind locales libglib2.0-dev libsqlite3-dev zlib1g-dev nettle-dev libpfm4-dev)
if [[ ${1:-} == --all || ${1:-} == --stress ]]; then
    packages+=(ninja-build clang libclang-rt-14-dev clang-format clang-tidy cppcheck shellcheck spin
        libtcmalloc-minimal4 libmimalloc2.0 libjemalloc2 jq python3-jsonschema git perl xz-utils sqlite3 gnuplot-nox hyperfine chromium tidy python3 libpython3.11-testsuite)
fi
if [[ ${1:-} == --cross ]]; then
    # To build for other processors (scripts/builds.sh), and to run those builds. Debian has such
    # compilers on amd64.
    packages+=(clang)
    if [[ $(dpkg --print-architecture 2>/dev/null) == amd64 ]]; then
        packages+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-i686-linux-gnu libc6-dev-i386-cross qemu-user libcmocka-dev:arm64)
    fi
fi
if [[ ${1:-} == --crates ]]; then
    # Debian's Rust, and the crates that repro/crates and the prover example are built with, offline.
    packages+=(cargo rustc rustfmt rust-clippy librust-rayon-dev librust-crossbeam-deque-dev librust-crossbeam-epoch-dev
        librust-crossbeam-channel-dev librust-tracing-dev librust-tracing-subscriber-dev librust-dashmap-dev
        librust-parking-lot-dev librust-rand-dev)
fi
# Servers among them would be started on installation, and at each boot: only their programs are
# needed.
declare -A services=()
if [[ ${1:-} == --stress ]]; then
    packages+=(rustc cargo librust-rayon-dev librust-crossbeam-dev librust-hashbrown-dev dwz lld
        php-cli php-mbstring php-sqlite3 redis-server postgresql nginx-light curl openssl memcached nodejs
        openjdk-17-jdk-headless ruby r-base-core ffmpeg vim gdb openssh-server openssh-client procps
        parallel slurmctld slurmd slurm-client munge iproute2 util-linux)
    services=([redis-server]=redis-server [postgresql]=postgresql [nginx-light]=nginx [memcached]=memcached
        [openssh-server]=ssh [slurmctld]=slurmctld [slurmd]=slurmd [munge]=munge)
fi

# A package may be installed for several architectures: prints the state of each.
installed() { [[ " $(dpkg-query -W -f='${db:Status-Status} ' "$1" 2>/dev/null)" == *' installed '* ]]; }

if ! command -v dpkg-query >/dev/null; then
    echo "bootstrap: not a Debian system: install the equivalents of: ${packages[*]}" >&2
    exit 0
fi
missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
        echo "bootstrap: cannot install as this user; run: sudo apt-get install -y ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi

# cmocka for arm64 is in a foreign architecture, which must be added to apt; if no mirror has it,
# apt is left unchanged.
if [[ " ${missing[*]} " == *:arm64' '* && $(dpkg --print-foreign-architectures) != *arm64* ]]; then
    "${as_root[@]}" dpkg --add-architecture arm64
    if ! "${as_root[@]}" apt-get update >/dev/null 2>&1; then
        "${as_root[@]}" dpkg --remove-architecture arm64
        echo "bootstrap: no mirror of apt's has packages for arm64" >&2
        exit 1
    fi
fi
echo "bootstrap: installing ${missing[*]}" >&2
log=$(mktemp) policy=''
trap 'rm -f "$log"; [[ -z $policy ]] || "${as_root[@]}" rm -f "$policy"' EXIT
if [[ ${#services[@]} -gt 0 && ! -e /usr/sbin/policy-rc.d ]]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
install() { "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; }
# The package lists may be old or missing: fetch them and try once more.
if ! install && ! { "${as_root[@]}" apt-get update >"$log" 2>&1 && install; }; then
    cat "$log" >&2
    echo "bootstrap: apt-get failed; run: sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
    exit 1
fi
for package in "${missing[@]}"; do
    [[ -z ${services[$package]:-} ]] || ! command -v systemctl >/dev/null ||
        "${as_root[@]}" systemctl disable "${services[$package]}" >/dev/null 2>&1 || true
done
