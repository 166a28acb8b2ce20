#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# pages.sh SOURCE_DIR: every file that docs/*.md or CONTRIBUTING.md names in backticks is there. A path may begin at the
# root or anywhere above the file's name; NAME stands for any. A stop of a page, "1. `file`, `name`:", names a word of that file.
set -u -o pipefail
cd "$1" || exit 1
bad=0
shopt -s nullglob
pages=(docs/*.md CONTRIBUTING.md)
{ grep -H -n -o -E '`[A-Za-z0-9_./-]+\.(hpp|cpp|sh|py)`' "${pages[@]}" 2>/dev/null | grep -v NAME | tr -d "\`"; true; } | LC_ALL=C awk -F: '
BEGIN {
    while (("find include tests tools examples benchmarks docs cmake -type f 2>/dev/null" | getline path) > 0) {
        for (there[path]; sub(/^[^\/]*\//, "", path);) there[path]
    }
}
{ count++ }
!($3 in there) { print $1 ":" $2 ": there is no " $3; bad++ }
END {
    print count + 0 " files named, " bad + 0 " of them missing"
    exit bad > 0
}' || bad=1

while IFS='`' read -r _ file _ name _; do
    path=$file
    [ -e "$path" ] || path=include/mpar/$file
    grep -q -s -w -F -- "$name" "$path" || { echo "$file has no $name"; bad=1; }
done < <(grep -s -h -o -E '^[0-9]+\. `[^`]+\.[ch]pp`, `[^`]+`' "${pages[@]}")
exit $bad
