#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From a clone to a classified photograph, on 1 rank and on 2: installs what is missing (Debian 12; root or sudo), builds one
# program, fetches trained weights and four photographs, and compares what the two jobs computed. Prints each command.
set -eu
cd "$(dirname "$0")/.."
. tests/support/packages.sh

need g++ cmake ninja-build libopenmpi-dev openmpi-bin nlohmann-json3-dev libcli11-dev libjpeg62-turbo-dev libpng-dev \
    ca-certificates python3 python3-pip

run cmake --preset release -DMPAR_BUILD_TESTS=OFF -DMPAR_BUILD_EXAMPLES=OFF -DMPAR_BUILD_BENCHMARKS=OFF
run cmake --build --preset release --target classify compare_tensors
run bash tests/real_data.sh

prepare_mpi
mkdir -p build/try
for ranks in 1 2; do
    echo
    run mpirun -q --oversubscribe -n $ranks build/release/bin/classify --model efficientnet_lite0 \
        --weights real_data/efficientnet-lite0.pth --preprocess half --labels tests/data/imagenet_labels.txt --top 3 \
        --logits build/try/rank$ranks.safetensors \
        real_data/coffee.png real_data/chelsea.png real_data/rocket.jpg real_data/motorcycle_left.png </dev/null
done

echo
echo 'The same bits on 1 rank and on 2?'
run build/release/bin/compare_tensors build/try/rank1.safetensors build/try/rank2.safetensors

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
