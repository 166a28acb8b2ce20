# SPDX-License-Identifier: MIT
# For scripts to source: mpar's programs for this machine, or for AVX2 whatever the machine.

# isa_of OPTIONS...: sets isa, as --isa says
isa_of() {
    isa=native
    local option previous=
    for option in "$@"; do
        case $previous$option in --isaavx2 | --isa=avx2) isa=avx2 ;; esac
        previous=
        [ "$option" = --isa ] && previous=--isa
    done
    return 0
}

# build_for ISA TARGET...: sets build, the folder whose bin/ has the targets
build_for() {
    local configure=(--preset release -DMPAR_BUILD_BENCHMARKS=ON)
    build=build/release
    if [ "$1" = avx2 ]; then
        build=build/peers/avx2
        configure=(-G Ninja -S . -B $build -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG"
            -DMPAR_NATIVE=OFF -DCMAKE_CXX_FLAGS=-march=znver3 -DMPAR_BUILD_TESTS=OFF -DMPAR_BUILD_EXAMPLES=OFF
            -DMPAR_BUILD_BENCHMARKS=ON)
    fi
    cmake "${configure[@]}" && cmake --build $build --target "${@:2}"
}
