#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# headers.sh alone|together COMPILER SOURCE_DIR FLAGS...: every header compiles without a warning, alone and included twice,
# or all of them in one translation unit.
set -u -o pipefail
way=$1 compiler=$2 source=$3
shift 3
export compiler
cd "$source/include" || exit 1

compile() { "$compiler" "$@" -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -x c++ -; }

alone() {
    header=$1
    shift
    printf '#include <%s>\n#include <%s>\n' "$header" "$header" | compile "$@" || {
        echo "$header: does not stand alone"
        return 1
    }
}
export -f compile alone

headers() { find mpar -name '*.hpp' | LC_ALL=C sort; }

if [ "$way" = together ]; then
    headers | sed 's/.*/#include <&>/' | compile "$@"
else
    headers | tr '\n' '\0' | xargs -0 -P 2 -I HEADER bash -c 'alone "$@"' alone HEADER "$@"
fi
