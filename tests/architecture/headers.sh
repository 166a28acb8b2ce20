#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# headers.sh COMPILER SOURCE_DIR FLAGS...: every header compiles alone, without a warning, and included twice.
set -u
compiler=$1 source=$2
shift 2
export compiler
cd "$source/include" || exit 1

one() {
    header=$1
    shift
    printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
        "$compiler" "$@" -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -x c++ - || {
        echo "$header: does not stand alone"
        return 1
    }
}
export -f one

find mpar -name '*.hpp' -print0 | LC_ALL=C sort -z |
    xargs -0 -P 2 -I HEADER bash -c 'one "$@"' one HEADER "$@"
