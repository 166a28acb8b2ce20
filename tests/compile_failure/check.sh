#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check.sh COMPILER FILE FLAGS...: FILE must not compile; its lines "// build error: REGEX" must each match a line that the
# compiler says, and the compiler may say at most two errors: one mistake, one message. A line "// at most: N lines" is for a
# mistake that the language finds before the library can: of N lines may all be that g++ says, however many errors they count.
set -u
compiler=$1 file=$2
shift 2
mapfile -t expected < <(sed -n 's|^ *// build error: *||p' "$file")
if [ "${#expected[@]}" -eq 0 ]; then
    echo "$file: has no line '// build error: REGEX'"
    exit 1
fi
if said=$(LC_ALL=C "$compiler" "$@" -fsyntax-only -fdiagnostics-color=never "$file" 2>&1); then
    echo "$file: compiles, it must not"
    exit 1
fi
errors=$(grep -c -E '(fatal )?error: ' <<<"$said")
printf '%s\n' "$said"
for regex in "${expected[@]}"; do
    if ! grep -q -E -- "$regex" <<<"$said"; then
        echo "$file: nothing above matches: $regex"
        exit 1
    fi
done
most_lines=$(sed -n 's|^ *// at most: \([0-9]*\) lines$|\1|p' "$file")
if [ -n "$most_lines" ]; then
    lines=$(wc -l <<<"$said")
    case $("$compiler" --version) in *clang*) exit 0 ;; esac
    [ "$lines" -le "$most_lines" ] && exit 0
    echo "$file: $lines lines for one mistake, at most $most_lines"
    exit 1
fi
if [ "$errors" -gt 2 ]; then
    echo "$file: $errors errors for one mistake, at most 2"
    exit 1
fi
