#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# same_lines.sh PROGRAM...: all of them print the same lines, and not none.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
first=$1
"$first" >"$work/first" || { echo "$first: exit code $?"; exit 1; }
[ -s "$work/first" ] || { echo "$first printed nothing"; exit 1; }
for program in "$@"; do
    "$program" >"$work/other" || { echo "$program: exit code $?"; bad=1; continue; }
    cmp -s "$work/first" "$work/other" && continue
    echo "$(basename "$program") is not $(basename "$first") in $(diff "$work/first" "$work/other" | grep -c '^>') lines of $(wc -l <"$work/other"):"
    diff "$work/first" "$work/other" | sed -n 's/^> [0-9a-f]* /    /p' | head -n 20
    bad=1
done
echo "$# programs, $(wc -l <"$work/first") lines each"
exit $bad
