#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# consume.sh WAY CMAKE COMPILER SOURCE_DIR BINARY_DIR WORK_DIR LAUNCHER...: one consumer project, from nothing to a run.
set -eu
way=$1 cmake=$2 compiler=$3 source=$4 binary=$5 work=$6
shift 6

rm -rf "$work"
mkdir -p "$work/project"
cp "$source/tests/install/$way/CMakeLists.txt" "$source/tests/install/main.cpp" "$work/project"

options=(-DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release)
if [ "$way" = find_package ]; then
    "$cmake" --install "$binary" --prefix "$work/prefix" >"$work/install.log"
    options+=(-DCMAKE_PREFIX_PATH="$work/prefix")
    targets=$(find "$work/prefix" -name mparTargets.cmake)
    if grep -n -E 'march|-W|-O[0-9]' "$targets"; then
        echo "a flag of ours reached the installed target"
        exit 1
    fi
    if grep -rn -F -e "$source" -e "$binary" "$work/prefix" --include='*.cmake'; then
        echo "a path of this build reached the installed package"
        exit 1
    fi
else
    options+=(-DMPAR_SOURCE="$source")
fi

"$cmake" -S "$work/project" -B "$work/build" "${options[@]}"
"$cmake" --build "$work/build"
said=$("$@" "$work/build/consumer" </dev/null)
echo "$said"
[ "$(grep -c 'mpar' <<<"$said")" = 1 ]
