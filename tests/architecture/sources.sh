#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# sources.sh SOURCE_DIR: sizes of files, and words that a library's header does not say.
set -u
cd "$1" || exit 1
bad=0
complain() { printf '%s\n' "$1"; bad=$((bad + 1)); }

# each_line WHY: one complaint a line of stdin
each_line() { while IFS= read -r line; do complain "$line: $1"; done; }

folders=()
for folder in include tools examples tests benchmarks; do
    [ -d "$folder" ] && folders+=("$folder")
done
count=0
while IFS= read -r file; do
    count=$((count + 1))
    lines=$(wc -l <"$file")
    limit=400
    case $file in examples/*.cpp) limit=100 ;; esac
    [ "$lines" -le $limit ] || complain "$file: $lines lines, at most $limit: look for the second noun"
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || complain "$file: no SPDX line on top"
done < <(find "${folders[@]}" -type f \( -name '*.hpp' -o -name '*.cuh' -o -name '*.cpp' -o -name '*.cu' \
    -o -name '*.sh' -o -name CMakeLists.txt \) | LC_ALL=C sort)

# Comments and messages may name what code may not.
code() {
    grep -rn --include='*.hpp' --include='*.cuh' '' include/mpar | sed -e 's/"[^"]*"/""/g' -e 's|//.*||' |
        grep -E "^[^:]*:[0-9]+:.*($1)"
}

each_line 'macros stand in core/config.hpp' \
    < <(code '#[[:space:]]*define\b' | grep -v '^include/mpar/core/config.hpp:')
each_line 'a library does not start, end or own MPI' \
    < <(code '\b(MPI_COMM_WORLD|MPI_Init(_thread)?|MPI_Abort|MPI_Finalize)\b')
each_line 'a library does not print' < <(code 'std::(cout|cerr|clog)|\b(printf|fprintf|puts|putchar)[[:space:]]*\(')
each_line 'a library does not end the process' < <(code '\b(exit|_exit|_Exit|quick_exit|abort)[[:space:]]*\(')

# Kinds of operators are named where operators are; all else asks them in words.
each_line 'asks for a kind of operator: see operators/operation.hpp' \
    < <(code '\bop::|\b[a-z0-9_]+_op\b' | grep -v '^include/mpar/\(operators\|layers\)/')

# The version stands in core/config.hpp; the citation repeats it.
version=$(sed -n 's/^#define MPAR_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' include/mpar/core/config.hpp | paste -s -d .)
if [ -e CITATION.cff ] && ! grep -q "^version: $version\$" CITATION.cff; then
    complain "CITATION.cff: the version is not core/config.hpp's, $version"
fi

[ $count -gt 0 ] || complain "no file was read"
echo "$count files, $bad complaints"
[ $bad -eq 0 ]
