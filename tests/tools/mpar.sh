#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mpar.sh BIN DATA: mpar calibrate writes a machine that classify plans for; plans are saved and pinned; what is
# broken is one sentence and exit code 2.
# timeout: 240
# sanitize: no
# processors: 2
set -u
bin=$1
# shellcheck source=tests/support/packages.sh
. "$(dirname "$0")/../support/packages.sh"
prepare_mpi >/dev/null
find_launcher
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
unset MPAR_MACHINE
bad=0 checks=0
complain() { echo "$*"; bad=$((bad + 1)); }

# runs RANKS COMMAND...: sets code; what was printed is in out.txt and err.txt
runs() {
    local ranks=$1
    shift
    local mpi=("$launcher" ${options[@]+"${options[@]}"} -n "$ranks")
    if [ "$ranks" -eq 1 ]; then mpi=(); fi
    ${mpi[@]+"${mpi[@]}"} "$@" >out.txt 2>err.txt </dev/null
    code=$?
    checks=$((checks + 1))
}
works() {
    runs "$@"
    [ $code -eq 0 ] || complain "on $*: exit code $code: $(cat err.txt)"
}
# refused CODE WORDS RANKS COMMAND...: one line of error with those words
refused() {
    local expected=$1 words=$2
    shift 2
    runs "$@"
    [ $code -eq "$expected" ] || complain "on $*: exit code $code, expected $expected"
    [ "$(grep -c '^mpar: error: ' err.txt)" -eq 1 ] || complain "on $*: not one line of error: $(cat err.txt)"
    grep -q -E -- "$words" err.txt || complain "on $*: nothing like '$words': $(cat err.txt)"
    [ -s out.txt ] && complain "on $*: printed: $(head -n 3 out.txt)"
}
has() { grep -q -E -- "$2" "$1" || complain "$1: nothing like '$2': $(head -c 2000 "$1")"; }

works 1 "$bin/mpar" --version
works 1 "$bin/mpar" --help
has out.txt calibrate
refused 2 'subcommand is required' 1 "$bin/mpar"
refused 2 'frobnicate' 2 "$bin/mpar" calibrate --frobnicate
refused 2 'deadline is more than 0' 2 "$bin/mpar" calibrate --deadline 0
refused 3 'cannot be written' 2 "$bin/mpar" calibrate --output "$tmp/none/machine"

# One rank measures kernels, two messages too.
works 1 "$bin/mpar" calibrate
has err.txt 'messages need two ranks'
has out.txt '"mpar_machine": 1'
works 2 "$bin/mpar" calibrate --output two.json
[ -s out.txt ] && complain "calibrate: printed besides its file"
for constant in winograd window pointwise depthwise dense pass step node network ranks_per_node; do
    has two.json "\"$constant\""
done
MPAR_MACHINE=by_name.json works 1 "$bin/mpar" calibrate
has by_name.json '"mpar_machine": 1'

net=(--model resnet18 --weights seeded --input seeded:1 --team off)
logits_of() { # FILE RANKS ARGS...
    local file=$1 ranks=$2
    shift 2
    works "$ranks" "$bin/classify" "${net[@]}" --logits "$file" "$@"
}
same() { # FILE FILE
    works 1 "$bin/compare_tensors" "$1" "$2"
    grep -qx 'greatest difference: 0' out.txt || complain "$1 and $2: $(cat out.txt)"
}

# A plan for that machine, with the same bits as one rank; saved, and pinned again.
logits_of alone.st 1
logits_of planned.st 2 --machine two.json --reproducible --save-policy policies.json --describe
has out.txt 'predicted'
same alone.st planned.st
[ "$(grep -c -E '": "(none|rows|cols|tiles|output)"' policies.json)" -eq 21 ] ||
    complain "policies.json: $(cat policies.json)"
MPAR_MACHINE=two.json logits_of pinned.st 2 --policy ./policies.json --save-policy again.json
same alone.st pinned.st
cmp policies.json again.json || complain "a pinned plan is saved as another"

# What is broken.
sed 's/"step": /"step": -/' two.json >broken.json
refused 2 'broken.json: step is no number of seconds' 2 "$bin/classify" "${net[@]}" --machine broken.json
head -c 100 two.json >cut.json
refused 2 'cut.json: is no machine file' 1 "$bin/classify" "${net[@]}" --machine cut.json
pin() { refused 2 "$1" "$2" "$bin/classify" "${net[@]}" --policy "./$3"; }
sed 's/"conv1": "[a-z]*"/"conv1": "diagonal"/' policies.json >bad.json
pin 'layer conv1 has no policy diagonal' 2 bad.json
sed 's/"conv1": "[a-z]*"/"conv1": "automatic"/' policies.json >bad.json
pin 'layer conv1 has no policy automatic' 1 bad.json
sed 's/"fc": "[a-z]*"/"fc": "rows"/' policies.json >bad.json
pin 'layer fc cannot follow rows' 2 bad.json
sed 's/"conv1": /"conv0": /' policies.json >bad.json
pin 'names a layer that the net has not: conv0' 1 bad.json
sed '/"conv1": /d' policies.json >bad.json
pin 'places 20 layers, the net has 21' 2 bad.json
echo '{}' >bad.json
pin 'is no file of policies' 1 bad.json
pin 'none.json: cannot be opened' 2 none.json
refused 2 'places 21 layers, the net has 54' 2 "$bin/classify" --model resnet50 --weights seeded --input seeded:1 \
    --policy ./policies.json

echo "$checks runs, $bad complaints"
[ $bad -eq 0 ]
