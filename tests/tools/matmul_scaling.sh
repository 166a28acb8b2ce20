#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# matmul_scaling.sh BIN DATA: the program's report, its exit codes, its one line of error.
# timeout: 120
# sanitize: no
# processors: 2
set -u
bin=$1
# shellcheck source=tests/support/packages.sh
. "$(dirname "$0")/../support/packages.sh"
prepare_mpi >/dev/null
find_launcher
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
bad=0 checks=0
complain() { echo "$*"; bad=$((bad + 1)); }
on() { local ranks=$1; shift; "$launcher" ${options[@]+"${options[@]}"} -n "$ranks" "$bin/matmul_scaling" "$@"; }

accepts() {
    on "$@" >out.txt 2>err.txt </dev/null
    local code=$?
    checks=$((checks + 1))
    [ $code -eq 0 ] || complain "$*: exit code $code: $(cat err.txt)"
    [ -s err.txt ] && complain "$*: said on stderr: $(cat err.txt)"
}
# refuses CODE WORDS RANKS OPTIONS...
refuses() {
    local code=$1 words=$2
    shift 2
    on "$@" >out.txt 2>err.txt </dev/null
    local got=$?
    checks=$((checks + 1))
    [ $got -eq "$code" ] || complain "$*: exit code $got, expected $code"
    [ "$(grep -c '^mpar: error: ' err.txt)" -eq 1 ] && grep -q -E -- "$words" err.txt || complain "$*: said $(cat err.txt)"
}

for ranks in 2; do
    refuses 2 'there is no algorithm strassen' $ranks --algorithm strassen
    refuses 2 'at least 1' $ranks --m 0
    refuses 2 'repeat is at least 1' $ranks --repeat 0
    refuses 2 'there is no team pairs' $ranks --team pairs
    accepts $ranks --m 70 --n 131 --k 600 --repeat 1 --json - --team fixed
    refuses 2 'deadline is more than 0' $ranks --deadline 0
    refuses 2 'grid is PxQxR' $ranks --grid 5x1x1
    refuses 2 'frobnicate' $ranks --frobnicate
    refuses 3 'cannot be written' $ranks --m 8 --n 8 --k 8 --json "$tmp/none/report.json"
done
refuses 2 'cannon takes a square number of ranks, not 2' 2 --algorithm cannon
refuses 2 'column has no grid 2 x 1 x 1' 2 --algorithm column --grid 2x1x1
accepts 2 --help
[ "$(grep -c -- '--algorithm' out.txt)" -eq 1 ] || complain '--help is not printed once'
accepts 2 --version
grep -q -E '^mpar [0-9]+\.[0-9]+\.[0-9]+; ' out.txt || complain "--version: $(cat out.txt)"

command -v python3 >/dev/null || { echo 'no python3 to read reports with'; exit 1; }
for ranks in 1 4; do
    for algorithm in automatic column row summa cannon grid3d; do
        [ $algorithm = cannon ] && [ $ranks -ne 1 ] && [ $ranks -ne 4 ] && continue
        for team in off static; do
            accepts $ranks --m 70 --n 131 --k 600 --algorithm $algorithm --repeat 2 --json - --team $team
            python3 - out.txt $ranks $algorithm $team <<'END' || complain "$algorithm on $ranks, $team: a bad report"
import json, sys
r, ranks, algorithm, team = json.load(open(sys.argv[1])), int(sys.argv[2]), sys.argv[3], sys.argv[4]
assert (r["m"], r["n"], r["k"], r["ranks"]) == (70, 131, 600, ranks)
assert r["algorithm"] in ("column", "row", "summa", "cannon", "grid3d") and algorithm in (r["algorithm"], "automatic")
p, q, s = r["grid"]
assert p * q * s == ranks and r["gflops"] > 0 and 0 < r["peak_fraction"] < 1.2
assert 0 < r["time_ms"]["min"] <= r["time_ms"]["median"] and r["max_error"] < 1e-5
assert r["bytes_by_rank"] == r["predicted_bytes_by_rank"] and max(r["bytes_by_rank"]) == r["bytes_per_rank"]
assert (r["bytes_per_rank"] > 0) == (r["lower_bound_bytes_per_rank"] > 0) == (ranks > 1)
assert r["bytes_per_rank"] >= r["lower_bound_bytes_per_rank"] * (1 - 1e-3)
assert (max(r["messages_by_rank"]) > 0) == (ranks > 1 and team == "off")
END
        done
    done
done
accepts 2 --m 64 --n 64 --k 64
grep -q 'of the .* that registers give' out.txt || complain "the table: $(cat out.txt)"
echo "$checks runs, $bad complaints"
[ $bad -eq 0 ]
