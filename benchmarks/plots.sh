#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# plots.sh [FOLDER]: the pictures of docs/scaling.md, into FOLDER (docs/pictures). Simulates; with --measure
# also runs benchmarks/policies.py and matmul_scaling here, and draws predictions against measurements: on a quiet machine.
# Needs build/release/bin/mpar; fetches matplotlib from PyPI into build/plots the first time.
set -eu
cd "$(dirname "$0")/.."
measure=
if [ "${1:-}" = --measure ]; then
    measure=yes
    shift
fi
pictures=${1:-docs/pictures}
work=build/plots
bin=build/release/bin
. tests/support/packages.sh
prepare_mpi >/dev/null
fail() { echo "benchmarks/plots.sh: $1" >&2; exit 1; }

[ -x $bin/mpar ] || fail "$bin/mpar is not built: cmake --preset release && cmake --build --preset release"
mkdir -p $work "$pictures"
if ! cmp -s benchmarks/plot_requirements.txt $work/installed.txt; then
    rm -rf $work/venv $work/installed.txt
    python3 -m venv $work/venv || fail 'python3 cannot make a virtual environment (Debian: python3-venv)'
    $work/venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: \
        --requirement benchmarks/plot_requirements.txt || fail 'PyPI does not give matplotlib: is there a network?'
    cp benchmarks/plot_requirements.txt $work/installed.txt
fi
plot() { $work/venv/bin/python benchmarks/plot.py "$@"; }

ranks=1,2,4,8,16,32,64,128,256,512,1024,2048,4096,8192,16384,32768,65536
# simulate NAME OPTION...: build/plots/NAME.json
simulate() {
    local name=$1
    shift
    $bin/mpar simulate --cluster benchmarks/clusters/fat_tree.json --ranks $ranks "$@" --json $work/"$name".json >/dev/null
}

for pixels in 224 1024 4096; do
    simulate strong_$pixels --pixels $pixels --policy rows,tiles,output,input,grid,automatic
done
simulate weak_batch --weak batch --policy batch,rows,output,grid --ranks-model 16
simulate weak_pixels --weak pixels --pixels 224 --policy rows,tiles,output
simulate product_strong --model matmul --m 16384 --n 16384 --k 16384
simulate product_small --model matmul --m 2048 --n 2048 --k 2048
simulate product_weak --model matmul --m 2048 --n 2048 --k 2048 --weak work

plot scaling "$pictures"/strong.png $work/strong_{224,1024,4096}.json
plot bytes "$pictures"/bytes.png $work/strong_{224,1024,4096}.json
plot scaling "$pictures"/weak.png $work/weak_{batch,pixels}.json
plot scaling "$pictures"/product.png $work/product_{strong,weak}.json
[ -n "$measure" ] || exit 0

python3 benchmarks/policies.py --json $work/validation.json || fail 'predictions and measurements differ, see above'
plot validation "$pictures"/validation.png $work/validation.json
for n in 2 4 8; do
    ${MPIEXEC:-mpirun} -n $n $bin/matmul_scaling --m 2048 --n 2048 --k 2048 --algorithm automatic --repeat 1 --team off \
        --json $work/measured_$n.json >/dev/null
done
plot bytes "$pictures"/product_bytes.png $work/product_{small,strong,weak}.json $work/measured_{2,4,8}.json
