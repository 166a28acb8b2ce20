#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# simulate.sh BIN DATA: mpar simulate: its reports, what it refuses, and that classify counts the same.
# timeout: 200
# sanitize: no
# processors: 2
set -u
bin=$1
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/support/packages.sh
. "$here/tests/support/packages.sh"
prepare_mpi >/dev/null
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0 checks=0
complain() { echo "$*"; bad=$((bad + 1)); }

# refuses CODE WORDS OPTION...: one line on stderr that says so
refuses() {
    local code=$1 words=$2
    shift 2
    checks=$((checks + 1))
    "$bin/mpar" simulate "$@" >"$tmp/out" 2>"$tmp/err"
    local got=$?
    [ $got -eq "$code" ] || complain "$*: exit code $got, not $code"
    [ "$(wc -l <"$tmp/err")" -eq 1 ] || complain "$*: not one line: $(cat "$tmp/err")"
    grep -q -F -- "mpar: error: $words" "$tmp/err" || complain "$*: does not say '$words': $(cat "$tmp/err")"
}
refuses 2 'there is no model lenet; there are resnet18' --model lenet
refuses 2 'there is no policy diagonal' --policy diagonal
refuses 2 '--ranks is from 1 to 65536, not 0' --ranks 0
refuses 2 '--ranks is from 1 to 65536, not 65537' --ranks 2,65537
refuses 2 '6 ranks are no multiple of a data axis of 4' --ranks 6 --ranks-data 4
refuses 2 '--weak is batch or pixels, not work' --weak work
refuses 2 '--weak is work, not pixels' --model matmul --weak pixels
refuses 2 'there is no algorithm strassen' --model matmul --algorithm strassen
refuses 2 '--cluster and --machine exclude each other' --cluster a --machine b
refuses 2 '' --cluster "$tmp/nowhere.json"
echo '{"mpar_cluster": 1}' >"$tmp/broken.json"
refuses 2 "$tmp/broken.json: has no name" --cluster "$tmp/broken.json"
refuses 2 'avg_pool<' --pixels 16 --model densenet121 --policy none
refuses 3 '' --ranks 1 --policy none --model resnet18 --json "$tmp/no/folder.json"

# reports OPTION...: JSON in $tmp/report.json
reports() {
    checks=$((checks + 1))
    "$bin/mpar" simulate "$@" --json "$tmp/report.json" >"$tmp/out" 2>"$tmp/err" ||
        complain "$*: failed: $(cat "$tmp/err")"
}
if command -v python3 >/dev/null; then
    # says CONDITION: of the report r and its runs
    says() {
        checks=$((checks + 1))
        python3 -c "import json, sys; r = json.load(open(sys.argv[1])); runs = r['runs']; sys.exit(not ($1))" \
            "$tmp/report.json" || complain "not so: $1"
    }
    reports --cluster "$here/benchmarks/clusters/fat_tree.json" --pixels 1024 --policy rows,tiles,automatic --ranks 16,4096
    says "len(runs) == 6 and [x['ranks'] for x in runs] == 3 * [16, 4096]"
    says "all(x['time_ms'] >= x['compute_ms'] > 0 and x['bytes_per_rank'] > 0 and x['messages'] > 0 for x in runs)"
    says "runs[4]['time_ms'] <= min(runs[0]['time_ms'], runs[2]['time_ms']) * 1.05"
    reports --cluster "$here/benchmarks/clusters/fat_tree.json" --weak batch --batch 2 --policy rows --ranks-model 4 --ranks 4,64
    says "[x['batch'] for x in runs] == [8, 128] and [x['ranks_data'] for x in runs] == [1, 16]"
    says "runs[1]['compute_ms'] <= runs[0]['compute_ms'] * 1.01"
    reports --weak pixels --policy rows --ranks 1,4,16
    says "[x['pixels'] for x in runs] == [224, 448, 896]"
    reports --model matmul --weak work --ranks 1,8,65536
    says "all(x['bytes_per_rank'] >= 0.999 * x['lower_bound_bytes_per_rank'] for x in runs)"
    says "{x['policy'] for x in runs} == {'column', 'row', 'summa', 'grid3d'}"

    launch=("${MPIEXEC:-mpirun}" -n 3)
    for policy in rows output input; do
        reports --model resnet18 --policy $policy --ranks 3
        "${launch[@]}" "$bin/classify" --model resnet18 --weights seeded --input seeded:1 --policy $policy --team off \
            --json "$tmp/measured.json" >"$tmp/out" 2>&1 || complain "classify fails: $(cat "$tmp/out")"
        python3 -c "
import json, sys
simulated = json.load(open(sys.argv[1]))['runs'][0]
measured = json.load(open(sys.argv[2]))['communication']
assert simulated['bytes'] == sum(measured['bytes_per_rank']) and simulated['bytes'] > 0
assert simulated['messages'] == sum(measured['messages_per_rank'])
assert simulated['bytes_per_rank'] == max(measured['bytes_per_rank'])
" "$tmp/report.json" "$tmp/measured.json" || complain "$policy: other bytes or messages than classify counts"
    done
fi
"$bin/mpar" simulate --model resnet18 --policy rows --ranks 2 | grep -q '^rows  *2 ' || complain 'no table'

echo "$checks runs, $bad complaints"
[ $bad -eq 0 ]
