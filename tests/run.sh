#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh [--long] [--no-asan] [--native]: installs what is missing (Debian 12; root or sudo), builds, and runs all tests: the
# release preset's; those of kernels, layers and nets for each other ISA that this machine executes (--native: not these) and
# by clang where there is one; and under AddressSanitizer and UndefinedBehaviorSanitizer the asan preset's. A table says what
# ran; ctest's summary at the end is of all.
set -eu -o pipefail
cd "$(dirname "$0")/.."
. tests/support/packages.sh

asan=yes others=yes
labels=(--label-exclude '^long$')
for option in "$@"; do
    case $option in
        --long) labels=() ;;
        --no-asan) asan=no ;;
        --native) others=no ;;
        *) echo "usage: tests/run.sh [--long] [--no-asan] [--native]" >&2; exit 2 ;;
    esac
done

need g++ cmake ninja-build libopenmpi-dev openmpi-bin nlohmann-json3-dev libcli11-dev libjpeg62-turbo-dev libpng-dev \
    libwebp-dev libtiff-dev catch2 libbenchmark-dev iproute2 ca-certificates python3 python3-pip
prepare_mpi
jobs=$(getconf _NPROCESSORS_ONLN)

if ! run bash tests/real_data.sh; then
    echo 'Going on without real data: the tests on trained weights and photographs are skipped.'
fi

# What runs, a line a preset: the beginning of its tests' names, then what it is; and what does not, and why.
compiler=${CXX:-g++}
first_line() { "$1" --version | sed -n '1s/ *(.*) / /;1p'; }
read -ra isas <<<"$(cmake -DCOMPILER="$compiler" -P cmake/isas.cmake)"
presets=(release)
rows=("release|${isas[0]}, this machine's own; $(first_line "$compiler")")
for isa in avx512 avx2 plain; do
    case " ${isas[*]} " in
        *" $isa "*) ;;
        *) rows+=("|$isa: not executed by this machine") ;;
    esac
done
for isa in "${isas[@]:1}"; do
    if [ $others = no ]; then rows+=("|$isa: --native was asked for"); continue; fi
    presets+=("$isa")
    rows+=("$isa|$isa; $(first_line "$compiler")")
done
clang=
for name in clang++ clang++-{19,18,17,16,15,14}; do
    if command -v $name >/dev/null; then clang=$name; break; fi
done
if [ $others = no ]; then
    rows+=('|clang: --native was asked for')
elif [ -z "$clang" ]; then
    rows+=('|clang: not found')
else
    presets+=(clang)
    rows+=("clang|${isas[0]}; $(first_line $clang)")
fi
if [ $asan = yes ]; then
    presets+=(asan)
    rows+=("asan|${isas[0]}; $(first_line "$compiler"), sanitizers")
else
    rows+=('|sanitizers: --no-asan was asked for')
fi

mkdir -p build/check
: >build/check/CTestTestfile.cmake
for preset in "${presets[@]}"; do
    options=()
    if [ "$preset" = clang ]; then options=(-DCMAKE_CXX_COMPILER="$clang"); fi
    run cmake --preset "$preset" -DMPAR_REQUIRE_TESTS=ON ${options[@]+"${options[@]}"}
    run cmake --build --preset "$preset" --parallel "$jobs"
    printf 'subdirs("%s")\n' "$PWD/build/$preset" >>build/check/CTestTestfile.cmake
done

# One ctest for all presets, so that its summary counts every test; the table stands before it.
run ctest --test-dir build/check --output-on-failure --no-tests=error --parallel "$jobs" ${labels[@]+"${labels[@]}"} </dev/null |
    awk -v rows="$(printf '%s\n' "${rows[@]}")" '
        /^ *[0-9]+\/[0-9]+ +Test +#[0-9]+: / {
            name = $0
            sub(/^[^:]*: */, "", name)
            preset = name ~ /^(avx2|plain|clang|asan)\// ? substr(name, 1, index(name, "/") - 1) : "release"
            ++ran[preset]
            if (name ~ /  Passed +[0-9.]+ sec *$/) ++passed[preset]
            else if (name ~ /\*\*\*Skipped +[0-9.]+ sec *$/) ++skipped[preset]
            seconds[preset] += $(NF - 1)
        }
        /^[0-9]+% tests passed, / && !printed++ {
            print "tests  passed skipped seconds"
            n = split(rows, row, "\n")
            for (i = 1; i <= n; ++i) {
                split(row[i], part, "|")
                p = part[1]
                if (p == "") print "                             not run: " part[2]
                else printf "%5d %7d %7d %7.0f  %s\n", ran[p], passed[p], skipped[p], seconds[p], part[2]
            }
            print ""
        }
        { print; fflush() }'
