#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# without_catch2.sh CMAKE COMPILER SOURCE FOLDER: where Catch2 is missing, configuring goes on, says so in one line, and has
# programs and examples; where tests are required it stops.
set -u
cmake=$1 compiler=$2 source=$3 folder=$4
rm -rf "$folder"
mkdir -p "$folder"
configure() {
    "$cmake" -S "$source" -B "$folder/build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_DISABLE_FIND_PACKAGE_Catch2=ON "$@" >"$folder/said.txt" 2>&1
}
bad=0
configure || { echo 'configuring stops without Catch2'; cat "$folder/said.txt"; bad=1; }
[ "$(grep -c 'mpar: the tests are left out: they need Catch2' "$folder/said.txt")" = 1 ] ||
    { echo 'it does not say in one line that tests are left out'; bad=1; }
targets=$("$cmake" --build "$folder/build" --target help)
for target in classify 01_sharded_dense; do
    grep -q "$target" <<<"$targets" || { echo "there is no target $target"; bad=1; }
done
grep -q 'test_net' <<<"$targets" && { echo 'there are tests without Catch2'; bad=1; }
configure -DMPAR_REQUIRE_TESTS=ON && { echo 'required tests are left out'; bad=1; }
exit $bad
