#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# classify_form.sh PROGRAMS DATA: other sizes of images than a model was published with.
set -u
classify=$1/classify
bad=0
# expect CODE WORDS OPTION...
expect() {
    local code=$1 words=$2 said
    shift 2
    said=$("$classify" --model resnet18 --weights seeded "$@" 2>&1)
    local got=$?
    if [ $got -ne "$code" ] || ! grep -q -F -- "$words" <<<"$said"; then
        echo "classify $*: code $got, wanted $code and '$words': $said"
        bad=1
    fi
}
expect 0 '64 x 48 x 32' --input seeded:1 --pixels 96x64 --describe
expect 0 'seeded:1#0' --input seeded:1 --pixels 33x65 --numerics exact
expect 2 '--pixels is HxW, as 224x224, not 96' --input seeded:1 --pixels 96
expect 2 '--pixels is HxW, as 224x224, not 0x9' --input seeded:1 --pixels 0x9
expect 2 'are cropped to a square: --pixels 96x96' --pixels 96x64 nothing.png
expect 2 'are not the same' --pixels 96x96 --crop 64 nothing.png
said=$("$classify" --model densenet121 --weights seeded --input seeded:1 --pixels 8x8 2>&1)
[ $? -eq 2 ] && grep -q 'has a window over 2 rows or columns, the layer before gives 1' <<<"$said" ||
    { echo "a net that vanishes: $said"; bad=1; }
exit $bad
