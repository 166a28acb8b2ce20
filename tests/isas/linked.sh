#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# linked.sh TOGETHER REVERSED ALONE...: a program of all units, in two orders, computes what each unit computes alone; units of
# different flags have kernels of different names.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
for which in together reversed; do
    "$1" >"$work/$which" || { echo "$1: exit code $?"; exit 1; }
    shift
done
for alone in "$@"; do "$alone" >>"$work/alone" || { echo "$alone: exit code $?"; exit 1; }; done
sort -o "$work/alone" "$work/alone"
for which in together reversed; do
    sort "$work/$which" | diff "$work/alone" - >"$work/differs" && continue
    echo "$which, units differ from themselves alone (<):"
    cut -c 1-60 "$work/differs"
    bad=1
done
cut -d ' ' -f 1 "$work/alone"
names=$(cut -d ' ' -f 1 "$work/alone" | sort -u | wc -l)
[ "$names" -eq $# ] || { echo "$names names for $# units"; bad=1; }
exit $bad
