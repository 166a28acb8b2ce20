#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# readme.sh COMPILER SOURCE_DIR FLAGS...: every C++ block of the README compiles as it stands.
set -u
compiler=$1 source=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -v work="$work" '/^```cpp$/ {n++; inside = 1; next} /^```$/ {inside = 0} inside {print > (work "/block" n ".cpp")}' \
    "$source/README.md"
blocks=("$work"/block*.cpp)
if [ ! -e "${blocks[0]}" ]; then
    echo "readme.sh: README.md has no C++ block"
    exit 1
fi
for block in "${blocks[@]}"; do
    "$compiler" "$@" -fsyntax-only "$block" || exit 1
done
echo "${#blocks[@]} block(s) compile"
