#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From a clone to a classified photograph, on 1 rank and on 2: installs what is missing (Debian 12; root or sudo), builds one
# program, fetches trained weights and four photographs, and compares what the jobs computed. Prints each command.
set -eu
cd "$(dirname "$0")/.."
. tests/support/packages.sh

need g++ cmake ninja-build libopenmpi-dev openmpi-bin nlohmann-json3-dev libcli11-dev libjpeg62-turbo-dev libpng-dev \
    libwebp-dev libtiff-dev ca-certificates python3 python3-pip

run cmake --preset release -DMPAR_BUILD_TESTS=OFF -DMPAR_BUILD_EXAMPLES=OFF -DMPAR_BUILD_BENCHMARKS=OFF
run cmake --build --preset release --target classify compare_tensors
run bash tests/real_data.sh

prepare_mpi
mkdir -p build/try
bad=0
# classify NAME RANKS OPTION...: its logits are build/try/NAME.safetensors
classify() {
    local name=$1 ranks=$2
    shift 2
    echo
    run mpirun -q --oversubscribe -n "$ranks" build/release/bin/classify --model efficientnet_lite0 \
        --weights real_data/efficientnet-lite0.pth --preprocess half --labels tests/data/imagenet_labels.txt --top 3 \
        --logits "build/try/$name.safetensors" "$@" \
        real_data/coffee.png real_data/chelsea.png real_data/rocket.jpg real_data/motorcycle_left.png </dev/null
}
classify one 1
classify two 2
classify two_by_messages 2 --team off --reproducible

echo
echo 'The same bits on 1 rank and on 2 that share memory, and on 2 that send messages, as ranks of different nodes do?'
for two in two two_by_messages; do
    run build/release/bin/compare_tensors build/try/one.safetensors "build/try/$two.safetensors" | tee build/try/said
    grep -qx 'greatest difference: 0' build/try/said || bad=1
done
[ $bad -eq 0 ] || { echo 'No: they differ.'; exit 1; }

echo
if [ "$(id -u)" -eq 0 ]; then
    echo 'Next, as root after: export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1'
else
    echo 'Next:'
fi
cat <<'END'
  mpirun --oversubscribe -n 2 build/release/bin/classify --model efficientnet_lite0 --weights real_data/efficientnet-lite0.pth \
      --preprocess half --labels tests/data/imagenet_labels.txt YOUR_PICTURE.jpg
  mpirun --oversubscribe -n 2 build/release/bin/classify --model resnet50 --weights seeded --input seeded:1 --describe
  tests/run.sh
END
