#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# self_test.sh DIR: the checks of this folder find what is planted, each in a house of its own.
set -u
checks=$1
house=$(mktemp -d)
trap 'rm -rf "$house"' EXIT
bad=0

# planted CHECK EXPECTED_WORDS FILE LINE...: a sound house with one file more
planted() {
    local check=$1 words=$2 file=$3
    shift 3
    rm -rf "${house:?}"/*
    mkdir -p "$house"/include/mpar/{core,tensor,comm,io/{parse,picture,weights},operators/kinds,net/{graph,run},kernels/{cpu/{gemm,winograd},reference}} "$house"/{examples,docs}
    for header in core/config tensor/view comm/mesh io/{npy,parse/cursor,picture/png} operators/{operation,traits} net/{network,graph/chain,run/engine} \
        kernels/{cpu/{gemm/gemm,winograd/winograd},reference/gemm}; do
        printf '// SPDX-License-Identifier: MIT\n#include <vector>\n' >"$house/include/mpar/$header.hpp"
    done
    { echo '// SPDX-License-Identifier: MIT'; printf '%s\n' "$@"; } >"$house/$file"
    local said code
    said=$(bash "$checks/$check.sh" "$house" 2>&1)
    code=$?
    if [ -z "$words" ]; then
        [ $code -eq 0 ] || { echo "$check refuses a sound house: $said"; bad=1; }
    elif [ $code -eq 0 ] || ! grep -q -F -- "$words" <<<"$said"; then
        echo "$check misses '$words' in $file ($*): $said"
        bad=1
    fi
}

planted includes '' include/mpar/net/network.hpp '#include <mpar/tensor/view.hpp>' '#include <mpar/io/npy.hpp>'
planted includes 'tensor stands left of net' include/mpar/tensor/shape.hpp '#include <mpar/net/graph/chain.hpp>'
planted includes 'comm and io are siblings' include/mpar/comm/halo.hpp '#include <mpar/io/npy.hpp>'
planted includes 'do not meet' include/mpar/kernels/cpu/conv2d.hpp '#include <mpar/kernels/reference/gemm.hpp>'
planted includes 'knows no backend' include/mpar/kernels/backend.hpp '  #  include <mpar/kernels/cpu/gemm/gemm.hpp>'
planted includes 'kernels/cpu/gemm stands left of kernels/cpu/winograd' include/mpar/kernels/cpu/gemm/packing.hpp \
    '#include <mpar/kernels/cpu/winograd/winograd.hpp>'
planted includes 'net/graph stands left of net/run' include/mpar/net/graph/tape.hpp '#include <mpar/net/run/engine.hpp>'
planted includes 'know the door' include/mpar/net/run/workers.hpp '#include <mpar/net/network.hpp>'
planted includes 'io/parse stands left of io/picture' include/mpar/io/parse/text.hpp '#include <mpar/io/picture/png.hpp>'
planted includes 'io/weights and io/picture are siblings' include/mpar/io/weights/zip.hpp '#include <mpar/io/picture/png.hpp>'
planted includes 'io/picture is not to know the door' include/mpar/io/picture/bmp.hpp '#include <mpar/io/npy.hpp>'
planted includes '' include/mpar/io/picture/bmp.hpp '#include <mpar/io/parse/cursor.hpp>'
planted includes 'operators/kinds is not to know the door' include/mpar/operators/kinds/pad.hpp \
    '#include <mpar/operators/operation.hpp>'
planted includes '' include/mpar/operators/kinds/pad.hpp '#include <mpar/operators/traits.hpp>'
planted includes '' include/mpar/net/run/workers.hpp '#include <mpar/net/graph/chain.hpp>'
planted includes 'spelled <mpar/...>' include/mpar/net/network.hpp '#include "chain.hpp"'
planted includes 'no such file' include/mpar/net/network.hpp '#include <mpar/core/nothing.hpp>'
planted includes 'has no place' include/mpar/net/network.hpp '#include <mpar/attic/old.hpp>' 
planted sources '' include/mpar/net/network.hpp '// MPI_Init is the caller'"'"'s' 'int exit_code;'
planted sources 'macros stand' include/mpar/net/network.hpp '#define FOUR 4'
planted sources 'own MPI' include/mpar/net/network.hpp 'auto world = MPI_COMM_WORLD;'
planted sources 'does not print' include/mpar/net/network.hpp 'void f() { std::cout << 1; }'
planted sources 'end the process' include/mpar/net/network.hpp 'void f() { std::exit(1); }'
planted sources 'asks for a kind' include/mpar/net/network.hpp 'bool f(op k) { return k == op::dense; }'
planted sources 'asks for a kind' include/mpar/net/run/engine.hpp 'void f(const max_pool_op&);'
planted reference 'bare has no words' include/mpar/net/network.hpp 'namespace mpar {' '' 'struct bare {};' '}'
planted reference 'late has no words' include/mpar/net/network.hpp '/// One.' 'int first(int);' '' 'int late(int);'
planted reference '' include/mpar/net/network.hpp '/// Both.' 'struct one {};' 'struct two {' '    int of;' '};'
planted pages '' docs/house.md 'See `net/network.hpp`, `io/npy.hpp` and `layers/NAME.hpp`.'
planted pages 'network.hpp has no forward' docs/house.md '1. `net/network.hpp`, `forward`: it runs.'
planted pages 'net/tape.hpp' docs/house.md 'See `net/network.hpp` and `net/tape.hpp`.'
planted sources 'at most 100' examples/01_long.cpp $(seq 120)
exit $bad
