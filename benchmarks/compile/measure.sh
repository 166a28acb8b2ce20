#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# measure.sh [COMPILER [WORK_DIR [FLAGS...]]]: what mpar costs the compiler: user seconds (of a run within the budget,
# else the least of some), peak memory, longest symbol. Fails beyond the budgets below. By hand, from anywhere:
# benchmarks/compile/measure.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
compiler=${1:-g++}
work=${2:-$(mktemp -d)}
if [ $# -gt 2 ]; then
    flags=("${@:3}")
else
    # an option a line; of MPI's own only -I, -D and -isystem
    flags=("-I$here/../../include" -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX)
    for flag in $(mpicxx --showme:compile 2>/dev/null || mpicxx -compile_info); do
        case $flag in -I* | -D*) flags+=("$flag") ;; esac
    done
fi
mkdir -p "$work"
"$compiler" -O1 -o "$work/rusage" "$here/rusage.cpp" || exit 1

# The budgets, of -O2 with and without -march=native alike.
budget_seconds() { case $1 in empty) echo 1.5 ;; resnet50) echo 20 ;; esac; }
budget_megabytes() { case $1 in empty) echo 500 ;; resnet50) echo 1000 ;; esac; }
budget_symbol=300
runs() { case $1 in empty) echo 9 ;; *) echo 2 ;; esac; }

isa() {
    local macros
    macros=$("$compiler" "$@" -dM -E -x c++ /dev/null)
    case $macros in
        *__AVX512F__*) echo AVX-512 ;;
        *__AVX2__*) echo AVX2 ;;
        *) echo 128-bit ;;
    esac
}

# measure UNIT FLAG...: sets seconds, megabytes, mangled, demangled, symbols, name
measure() {
    local unit=$1 run used
    shift
    seconds=
    for run in $(seq "$(runs "$unit")"); do
        used=$(LC_ALL=C "$work/rusage" "$compiler" -std=c++20 -O2 "$@" "${flags[@]}" -c "$here/$unit.cpp" \
            -o "$work/$unit.o") || { echo "measure.sh: $unit.cpp does not compile"; exit 1; }
        if [ -z "$seconds" ] || awk "BEGIN {exit !(${used% *} < $seconds)}"; then seconds=${used% *}; fi
        megabytes=${used#* }
        if awk "BEGIN {exit !($seconds <= $(budget_seconds "$unit"))}"; then break; fi
    done
    symbols=$(nm -P "$work/$unit.o" | awk '$1 ~ /mpar/' | wc -l)
    mangled=$(nm -P "$work/$unit.o" | awk '$1 ~ /mpar/ && length($1) > m {m = length($1)} END {print m + 0}')
    name=$(nm -C "$work/$unit.o" | cut -c 20- |
        awk '/mpar/ && length($0) > length(longest) {longest = $0} END {print longest}')
    demangled=${#name}
}

printf 'compiler  %s\n' "$("$compiler" --version | head -n 1)"
printf 'machine   %s, %s cores\n\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)" \
    "$(getconf _NPROCESSORS_ONLN)"
row='%-9s %-18s %-8s %8s %7s %8s %10s %8s\n'
# shellcheck disable=SC2059
printf "$row" unit flags isa seconds MB symbols demangled mangled
over=()
names=()
for unit in empty resnet50; do
    for native in '' -march=native; do
        measure "$unit" ${native:+"$native"}
        # shellcheck disable=SC2059
        printf "$row" "$unit" "-O2 $native" "$(isa ${native:+"$native"})" "$seconds" "$megabytes" "$symbols" \
            "$demangled" "$mangled"
        names+=("$demangled $unit: $name")
        awk "BEGIN {exit !($seconds > $(budget_seconds $unit))}" &&
            over+=("$unit -O2 $native: $seconds s, the budget is $(budget_seconds $unit) s")
        [ "$megabytes" -gt "$(budget_megabytes $unit)" ] &&
            over+=("$unit -O2 $native: $megabytes MB, the budget is $(budget_megabytes $unit) MB")
        [ "$demangled" -gt $budget_symbol ] &&
            over+=("$unit -O2 $native: a symbol of $demangled characters, the budget is $budget_symbol: $name")
    done
done
# shellcheck disable=SC2059
printf "$row" budget '' '' '1.5/20' '500/1000' '' $budget_symbol ''
printf '\nlongest symbol: %s\n' "$(printf '%s\n' "${names[@]}" | sort -rn | head -n 1)"
for line in ${over[@]+"${over[@]}"}; do
    printf 'over budget: %s\n' "$line"
done
[ ${#over[@]} -eq 0 ]
