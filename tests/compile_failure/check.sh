#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check.sh COMPILER FILE FLAGS...: FILE must not compile; its lines "// build error: REGEX" must each match a line that the
# compiler says, and the compiler may say at most two errors: one mistake, one message.
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
if [ "$errors" -gt 2 ]; then
    echo "$file: $errors errors for one mistake, at most 2"
    exit 1
fi
