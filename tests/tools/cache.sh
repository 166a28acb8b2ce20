#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# cache.sh BIN DATA: classify --cache: the second start takes the packed weights, to the same bits.
# timeout: 200
# sanitize: no
# processors: 2
set -u
bin=$1 data=$2
# shellcheck source=tests/support/packages.sh
. "$(dirname "$0")/../support/packages.sh"
prepare_mpi >/dev/null
command -v python3 >/dev/null || { echo "skipped: no python3 to write weights with"; exit 77; }
find_launcher
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
bad=0 checks=0
complain() { echo "$*"; bad=$((bad + 1)); }

# A ResNet-18 of small numbers, one after another.
python3 - "$data/arch/resnet18.json" <<'END' || exit 1
import array, json, math, struct, sys
header, values, at = {}, array.array("f"), 0
for name, shape in json.load(open(sys.argv[1])).items():
    if name.endswith("num_batches_tracked"):
        continue
    count = math.prod(shape)
    values.extend([0.01 * (1 + k % 7) for k in range(7)] * (count // 7) + [0.02] * (count % 7))
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * count]}
    at += 4 * count
text = json.dumps(header).encode()
with open("weights.safetensors", "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text)
    values.tofile(f)
END
sleep 0.2

# runs RANKS FROM_CACHE NOTES OPTION...: takes its weights from there, says so many lines, the right logits
runs() {
    local ranks=$1 from_cache=$2 notes=$3
    shift 3
    local launch=()
    [ "$ranks" -gt 1 ] && launch=("$launcher" ${options[@]+"${options[@]}"} -n "$ranks")
    checks=$((checks + 1))
    rm -f logits.safetensors
    ${launch[@]+"${launch[@]}"} "$bin/classify" --model resnet18 --weights weights.safetensors --input seeded:1 \
        --numerics exact --logits logits.safetensors --json report.json "$@" >out.txt 2>err.txt ||
        complain "on $ranks: $*: failed: $(cat err.txt)"
    [ -e right ] || cp logits.safetensors right
    cmp -s logits.safetensors right || complain "on $ranks: $*: other logits"
    grep -q "\"weights_from_cache\": $from_cache" report.json || complain "on $ranks: $*: not $from_cache"
    [ "$(wc -l <err.txt)" -eq "$notes" ] || complain "on $ranks: $*: $(cat err.txt)"
    [ "$(grep -c '^mpar: note: ' err.txt)" -eq "$notes" ] || complain "on $ranks: $*: no note: $(cat err.txt)"
}

runs 1 false 0
runs 1 false 0 --cache folder/of/mine
runs 1 true 0 --cache folder/of/mine
MPAR_CACHE=folder/of/mine runs 1 true 0
MPAR_CACHE=folder/of/mine runs 1 false 0 --cache ""
runs 2 true 0 --cache folder/of/mine --team claim
runs 2 false 0 --cache "$PWD/other" --team off
runs 2 true 0 --cache "$PWD/other" --team off
runs 1 false 1 --cache /proc/none
runs 2 false 1 --cache weights.safetensors
runs 1 false 1 --cache weights.safetensors/below
touch weights.safetensors
sleep 0.2
runs 1 false 0 --cache folder/of/mine
runs 1 true 0 --cache folder/of/mine

echo "$checks runs, $bad complaints"
[ $bad -eq 0 ]
