#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# run.sh [OPTIONS]: times mpar, ONNX Runtime, OpenVINO, MNN, ncnn and Open MPI in turn and prints a table; --help tells the
# options. Installs what is missing (Debian 12; root or sudo), builds mpar's programs, and fetches the other engines from
# PyPI into build/peers the first time (2 GB on disk).
set -eu
cd "$(dirname "$0")/../.."
here=benchmarks/peers
work=build/peers
. tests/support/packages.sh
fail() { echo "benchmarks/peers/run.sh: $1" >&2; exit 1; }

. $here/build.sh
isa_of "$@"
programs=
for option in "$@"; do
    case $option in --programs | --programs=*) programs=given ;; esac
done

need g++ cmake ninja-build libopenmpi-dev openmpi-bin nlohmann-json3-dev libcli11-dev libjpeg62-turbo-dev libpng-dev \
    catch2 libbenchmark-dev ca-certificates python3 python3-venv >&2
for program in cmake mpirun python3; do
    command -v $program >/dev/null || fail "$program is missing"
done
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail 'the engines of requirements.txt need Python 3.11 or later'

mkdir -p $work
wanted=$(cat $here/requirements.txt $here/requirements_alone.txt)
if [ "$wanted" != "$(cat $work/installed.txt 2>/dev/null)" ]; then
    rm -rf $work/venv $work/installed.txt
    python3 -m venv $work/venv || fail 'python3 cannot make a virtual environment (Debian: python3-venv)'
    pip=($work/venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all:)
    { "${pip[@]}" --requirement $here/requirements.txt && "${pip[@]}" --no-deps --requirement $here/requirements_alone.txt; } ||
        fail "PyPI does not give what $here/requirements.txt and requirements_alone.txt list: is there a network?"
    echo "$wanted" >$work/installed.txt
fi

if [ -z "$programs" ]; then
    build_for $isa peer_forward bench_collectives >$work/build.log 2>&1 || fail "mpar does not build: see $work/build.log"
fi
exec $work/venv/bin/python $here/compare.py "$@"
