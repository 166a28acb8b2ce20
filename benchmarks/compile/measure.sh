#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# measure.sh [COMPILER [WORK_DIR [FLAGS...]]]: what mpar costs the compiler: user seconds, as a multiple of those of
# yardstick.cpp (so that neither the machine nor its load counts), peak memory, longest symbol. Units are compiled in
# turns with the yardstick, up to five times; the least of each counts, and who is within the budget is done.
# Fails beyond the budgets below. By hand, from anywhere: benchmarks/compile/measure.sh
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

source_of() { case $1 in example) echo "$here/../../examples/02_resnet50.cpp" ;; *) echo "$here/$1.cpp" ;; esac; }

# The budgets of -O2: times the yardstick (more for AVX-512, whose kernels are more); MB; characters of a mangled name.
budget_ratio() {
    case $1,$2 in
        empty,*) echo 0.45 ;;
        resnet50,AVX-512) echo 5.2 ;;
        resnet50,*) echo 4.5 ;;
        example,AVX-512) echo 6.7 ;;
        example,*) echo 6.2 ;;
    esac
}
budget_megabytes() { case $1 in empty) echo 230 ;; resnet50) echo 470 ;; example) echo 660 ;; esac; }
budget_symbol=300
rounds=5

isa() {
    local macros
    macros=$("$compiler" "$@" -dM -E -x c++ /dev/null)
    case $macros in
        *__AVX512F__*) echo AVX-512 ;;
        *__AVX2__*) echo AVX2 ;;
        *) echo 128-bit ;;
    esac
}

is_less() { awk "BEGIN {exit !($1 < $2)}"; }

declare -A seconds megabytes

# compile UNIT FLAG...: keeps the least seconds of all runs in seconds[UNIT]
compile() {
    local unit=$1 used
    shift
    used=$(LC_ALL=C "$work/rusage" "$compiler" -std=c++20 -O2 "$@" "${flags[@]}" -c "$(source_of "$unit")" \
        -o "$work/$unit.o") || { echo "measure.sh: $unit.cpp does not compile"; exit 1; }
    megabytes[$unit]=${used#* }
    if [ -z "${seconds[$unit]:-}" ] || is_less "${used% *}" "${seconds[$unit]}"; then seconds[$unit]=${used% *}; fi
}

ratio() { awk "BEGIN {printf \"%.2f\", ${seconds[$1]} / ${seconds[yardstick]}}"; }

printf 'compiler  %s\n' "$("$compiler" --version | head -n 1)"
printf 'machine   %s, %s cores\n\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)" \
    "$(getconf _NPROCESSORS_ONLN)"
row='%-10s %-18s %-8s %8s %15s %9s %8s %10s %8s\n'
# shellcheck disable=SC2059
printf "$row" unit flags isa seconds 'of yardstick' MB symbols demangled mangled
over=()
names=()
for native in '' -march=native; do
    seconds=()
    isa=$(isa ${native:+"$native"})
    for round in $(seq $rounds); do
        missing=0
        for unit in empty resnet50 example; do
            if [ "$round" -gt 1 ] && ! is_less "$(budget_ratio $unit "$isa")" "$(ratio $unit)"; then continue; fi
            missing=1
            compile yardstick ${native:+"$native"}
            compile $unit ${native:+"$native"}
        done
        [ $missing -eq 0 ] && break
    done
    for unit in empty resnet50 example; do
        object=$work/$unit.o
        symbols=$(nm -P "$object" | awk '$1 ~ /mpar/' | wc -l)
        longest=$(nm -P "$object" |
            awk '$1 ~ /mpar/ && length($1) > length(longest) {longest = $1} END {print longest}')
        mangled=${#longest}
        name=$(nm -C "$object" | cut -c 20- |
            awk '/mpar/ && length($0) > length(longest) {longest = $0} END {print longest}')
        names+=("$mangled $unit: $longest")
        most=$(budget_ratio $unit "$isa")
        # shellcheck disable=SC2059
        printf "$row" $unit "-O2 $native" "$isa" "${seconds[$unit]}" "$(ratio $unit) of $most" \
            "${megabytes[$unit]}/$(budget_megabytes $unit)" "$symbols" ${#name} "$mangled"
        is_less "$most" "$(ratio $unit)" &&
            over+=("$unit -O2 $native: ${seconds[$unit]} s, $(ratio $unit) times the yardstick's, the budget is $most")
        [ "${megabytes[$unit]}" -gt "$(budget_megabytes $unit)" ] &&
            over+=("$unit -O2 $native: ${megabytes[$unit]} MB, the budget is $(budget_megabytes $unit) MB")
        [ "$mangled" -gt $budget_symbol ] &&
            over+=("$unit -O2 $native: a symbol of $mangled characters, the budget is $budget_symbol: $longest")
    done
    printf '%-10s %-18s %-8s %8s\n' yardstick "-O2 $native" "$isa" "${seconds[yardstick]}"
done
printf '\nlongest symbol: %s\n' "$(printf '%s\n' "${names[@]}" | sort -rn | head -n 1)"
for line in ${over[@]+"${over[@]}"}; do
    printf 'over budget: %s\n' "$line"
done
[ ${#over[@]} -eq 0 ]
