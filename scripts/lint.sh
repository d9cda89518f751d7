#!/usr/bin/env bash
# Checks the project's own code with lint_text.sh, clang-format, clang-tidy, cppcheck and shellcheck; any complaint is a
# failure.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t sources < <(git ls-files -co --exclude-standard '*.c')
mapfile -t all < <(git ls-files -co --exclude-standard '*.c' '*.h')
mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' .ci/run completions/zk-audit)

echo "lint: texts"
scripts/lint_text.sh
echo "lint: clang-format, ${#all[@]} files"
clang-format --dry-run --Werror "${all[@]}"
echo "lint: shellcheck, ${#scripts[@]} files"
shellcheck --severity=warning "${scripts[@]}"
echo "lint: cppcheck"
cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
    --library=gnu --suppress=readdirCalled -Ialloc/include -Ialloc/os -Ialloc/arena -Ialloc/tools -Ialloc/audit -Irepro/harness -Irepro -Isweep \
    -D_GNU_SOURCE -D__GNUC__ -D__x86_64__ -D__linux__ -j "$(nproc)" "${sources[@]}"
echo "lint: clang-tidy, ${#sources[@]} files"
cmake --preset release >/dev/null
printf '%s\0' "${sources[@]}" | xargs -0 -P "$(nproc)" -n 4 clang-tidy --quiet -p build 2>/dev/null
