#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# matmul.sh [--isa avx2] [--rounds N] [--repeat N] [--ranks P] [--nice N] [--page FILE]: matmul_scaling and ScaLAPACK's
# psgemm in turn, a table of both. Installs what is missing (Debian 12; root or sudo) and builds both programs.
set -eu
cd "$(dirname "$0")/../.."
here=benchmarks/peers
. tests/support/packages.sh
fail() { echo "benchmarks/peers/matmul.sh: $1" >&2; exit 1; }

need g++ cmake ninja-build libopenmpi-dev openmpi-bin nlohmann-json3-dev libcli11-dev libjpeg62-turbo-dev libpng-dev \
    catch2 libbenchmark-dev libscalapack-openmpi-dev libopenblas-dev python3 >&2
prepare_mpi >&2
work=build/peers
mkdir -p $work
. $here/build.sh
isa_of "$@"
{
    build_for $isa matmul_scaling &&
        mpicxx -std=c++20 -O2 -DOMPI_SKIP_MPICXX $here/scalapack_gemm.cpp -o $work/scalapack_gemm \
            -lscalapack-openmpi -lopenblas
} >$work/matmul_build.log 2>&1 || fail "the programs do not build: see $work/matmul_build.log"

# The peer chooses its own kernel, of those for AVX2 where mpar is built for that.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS
[ $isa = avx2 ] && export OPENBLAS_CORETYPE=ZEN
exec python3 $here/matmul.py --mpar $build/bin/matmul_scaling --peer $work/scalapack_gemm "$@"
