#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# spills.sh COMPILER OBJDUMP FLAGS...: the hot code of the largest register tiles, as g++ compiles them for AVX2 and
# AVX-512: all its multiply-adds at full width, no more loads than pixels and filter vectors, no sum in memory.
set -u
compiler=$1
objdump=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# disassemble ISA 'OPTIONS' PIXELS ADJACENT: the tile of PIXELS x 2 vectors, one instruction a line: ADDRESS<tab>TEXT;
# of PIXELS = row that of a piece of a row x 4 vectors; of PIXELS = pairs that of paired products; of PIXELS = short that of
# short sums, whose last vector is of type ADJACENT
disassemble() {
    local name="tile<float, pixels, 2, $4>" io=tile_io pixels=$3
    [ "$3" = row ] && name="row_tile<float, 4, $4>" io=row_tile_io pixels=7
    [ "$3" = pairs ] && name="paired_tile<float, pixels, 2, $4, true>" io=paired_io pixels=mpar::cpu::pair_pixels
    [ "$3" = short ] && name="short_tile<float, pixels, 2, mpar::cpu::$4<float>>" pixels=mpar::cpu::tile_pixels
    cat >"$work/tile.cpp" <<END
#include <mpar/kernels/cpu/tile/row_tile.hpp>
#include <mpar/kernels/cpu/tile/tiles.hpp>
constexpr int pixels = $pixels;
static_assert(pixels > 0);
template void mpar::cpu::$name(const mpar::cpu::$io<float>&);
END
    read -ra level <<<"$2"
    "$compiler" -DNDEBUG "-march=$1" "${level[@]}" "${flags[@]}" -c "$work/tile.cpp" -o "$work/tile.o" || return 1
    "$objdump" -d --no-show-raw-insn "$work/tile.o" | sed -n 's/^ *\([0-9a-f]*\):\t/\1\t/p'
}

# judge REGISTERS SUMS LOADS [CHANNELS]: what is wrong with the stretch without jumps that has the most multiply-adds, which
# has so many sums and loads a channel, and is of one channel, two or CHANNELS; nothing if all is well
judge() {
    awk -F '\t' -v registers="$1" -v sums="$2" -v fetches="$3" -v written="${4:-1}" '
        { address[NR] = $1; text[NR] = $2 }
        $2 ~ /^j/ { split($2, words, " "); target[words[2]] = 1 }
        END {
            first = 1
            for (i = 1; i <= NR; ++i) {
                if (address[i] in target) { first = i; products = 0 }
                products += text[i] ~ /^vfn?m(add|sub)[0-9]+ps/
                if (products > most) { most = products; from = first; to = i }
                if (text[i] ~ /^(j|ret|call)/) { first = i + 1; products = 0 }
            }
            if (!most) { print "nothing multiplies and adds"; exit }
            for (i = from; i <= to; ++i) {
                if (text[i] !~ /%[xyz]mm/) continue
                if (text[i] ~ /^vfn?m(add|sub)/ && text[i] !~ "%" registers) ++narrow
                if (text[i] ~ /\([^)]*\)[^,]*$/) ++stores
                else if (text[i] ~ /\(/) ++loads
                if (text[i] ~ /\(%rsp/) ++stack
            }
            channels = most / sums
            if (channels != 1 && channels != 2 && channels != written) {
                print most " multiply-adds, not " sums ", twice or " written " times as many"
            }
            if (narrow) print narrow " of " most " multiply-adds not in " registers
            if (loads > channels * fetches) print loads " loads for " most " multiply-adds"
            if (stores) print stores " stores of vectors"
            if (stack) print stack " vectors on the stack"
        }'
}

flags=("$@")
for isa in x86-64-v3:ymm:6:8 x86-64-v4:zmm:14:2; do  # AVX2's channels are written out, a block of them
    IFS=: read -r name registers pixels channels <<<"$isa"
    for way in '-O2 false' '-O2 true' '-O3 false' '-O2 -mtune=znver3 false' '-O2 -ffp-contract=off true'; do
        said=$(disassemble "$name" "${way% *}" mpar::cpu::tile_pixels "${way##* }" |
            judge "$registers" $((2 * pixels)) $((pixels + 2)) "$channels")
        [ -z "$said" ] && continue
        echo "the tile of $pixels x 2 vectors, $name ${way% *}, adjacent: ${way##* }: $said"
        bad=1
    done
    # The check sees what it is for: twice as many sums as there is room for.
    said=$(disassemble "$name" -O2 2*mpar::cpu::tile_pixels false |
        judge "$registers" $((4 * pixels)) $((2 * pixels + 2)) "$channels")
    case $said in
        *'on the stack'*) ;;
        *) echo "a tile of $((2 * pixels)) x 2 vectors, $name, passes for one without spills: $said"; bad=1 ;;
    esac
done
for way in '-O2 false' '-O2 true' '-O3 false' '-O3 true'; do  # one of four filter vectors is read for each pixel
    said=$(disassemble x86-64-v4 "${way% *}" row "${way##* }" | judge zmm 28 $((7 + 3 + 7)))
    [ -z "$said" ] && continue
    echo "the tile of 7 pixels of a row x 4 vectors, ${way% *}, adjacent: ${way##* }: $said"
    bad=1
done
# Three channels: two multiply-adds a sum, of three pixels and three filter vectors that are read.
for way in '-O2 false' '-O2 true' '-O3 false' '-O3 true' '-O2 -mtune=znver3 true'; do
    said=$(disassemble x86-64-v4 "${way% *}" pairs "${way##* }" | judge zmm 24 $(((24 * 3 + 6) / 2)))
    [ -z "$said" ] && continue
    echo "the tile of 12 pixels x 2 vectors of paired products, ${way% *}, adjacent: ${way##* }: $said"
    bad=1
done
for way in '-O2 vec' '-O2 half_vec' '-O3 vec' '-O3 half_vec'; do
    said=$(disassemble x86-64-v4 "${way% *}" short "${way##* }" | judge '[yz]mm' 28 $((14 + 2)))
    [ -z "$said" ] && continue
    echo "the tile of 14 pixels x 2 vectors of short sums, ${way% *}, the last one: ${way##* }: $said"
    bad=1
done
exit $bad
