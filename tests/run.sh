#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh [--long] [--no-asan]: installs what is missing (Debian 12; root or sudo), builds, and runs all tests: the release
# preset's and, under AddressSanitizer and UndefinedBehaviorSanitizer, the asan preset's. ctest's summary at the end is of all.
set -eu
cd "$(dirname "$0")/.."
. tests/support/packages.sh

asan=yes
labels=(--label-exclude '^long$')
for option in "$@"; do
    case $option in
        --long) labels=() ;;
        --no-asan) asan=no ;;
        *) echo "usage: tests/run.sh [--long] [--no-asan]" >&2; exit 2 ;;
    esac
done

need g++ cmake ninja-build libopenmpi-dev openmpi-bin nlohmann-json3-dev libcli11-dev libjpeg62-turbo-dev libpng-dev \
    catch2 libbenchmark-dev iproute2 ca-certificates python3 python3-pip
prepare_mpi
jobs=$(getconf _NPROCESSORS_ONLN)

if ! run bash tests/real_data.sh; then
    echo 'Going on without real data: the tests on trained weights and photographs are skipped.'
fi

presets=(release)
[ $asan = yes ] && presets+=(asan)
mkdir -p build/check
: >build/check/CTestTestfile.cmake
for preset in "${presets[@]}"; do
    run cmake --preset "$preset"
    run cmake --build --preset "$preset" --parallel "$jobs"
    printf 'subdirs("%s")\n' "$PWD/build/$preset" >>build/check/CTestTestfile.cmake
done

# One ctest for all presets, so that its summary counts every test.
run ctest --test-dir build/check --output-on-failure --no-tests=error --parallel "$jobs" ${labels[@]+"${labels[@]}"} </dev/null
