#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# classify.sh BIN DATA: exit codes, one line of error a job, whole files or none, the report.
# timeout: 600
# processors: 1
# sanitize: no
set -u
bin=$1 data=$2
# shellcheck source=tests/support/packages.sh
. "$(dirname "$0")/../support/packages.sh"
prepare_mpi >/dev/null
find_launcher
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/out" "$tmp/folder"
bad=0 checks=0

# on RANKS COMMAND...: one rank runs plainly
on() {
    local ranks=$1
    shift
    local mpi=("$launcher" ${options[@]+"${options[@]}"} -n "$ranks")
    if [ "$ranks" -eq 1 ]; then "$@"; else "${mpi[@]}" "$@"; fi
}

printed() { cat "$tmp/out.txt" "$tmp/err.txt"; }

milliseconds() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }

complain() { echo "$*"; bad=$((bad + 1)); }

# runs RANKS COMMAND...: sets code and took; what was printed is in out.txt and err.txt
runs() {
    local begin
    begin=$(milliseconds)
    on "$@" >"$tmp/out.txt" 2>"$tmp/err.txt" </dev/null
    code=$?
    took=$(($(milliseconds) - begin))
    checks=$((checks + 1))
}

# What a launch costs here and now, for the limits on time.
on 3 "$bin/classify" --version >/dev/null 2>&1
runs 3 "$bin/classify" --version
limit=$((2000 + 3 * took))

fresh_outputs() {
    echo old >"$tmp/out/report.json"
    echo old >"$tmp/out/logits.safetensors"
}
outputs=(--json "$tmp/out/report.json" --logits "$tmp/out/logits.safetensors")

# says FILE WORDS NAME: the file has a line like that
says() { grep -q -E -- "$2" "$tmp/$1" || complain "$3: nothing like '$2': $(cat "$tmp/$1")"; }

# same_logits FILE NAME: to the last bit those of one rank
same_logits() {
    runs 1 "$bin/compare_tensors" "$tmp/logits1.safetensors" "$1"
    grep -qx 'greatest difference: 0' "$tmp/out.txt" || complain "logits of $2: $(printed)"
}

# refused CODE WORDS RANKS COMMAND...: that exit code, one line of error like that, nothing else
refused() {
    local expected=$1 words=$2 all_ranks=$3 ranks name
    shift 3
    for ranks in $all_ranks; do
        fresh_outputs
        runs "$ranks" "$@"
        # A machine that stalls is no slow program: what is slow is slow three times.
        for _ in 1 2; do
            [ "$took" -gt "$limit" ] || break
            runs "$ranks" "$@"
        done
        name="on $ranks: ${*##*/}"
        [ "$code" -eq "$expected" ] || complain "$name: exit code $code, expected $expected"
        [ "$(printed | grep -c '^mpar: error: ')" -eq 1 ] ||
            complain "$name: not exactly one line of error: $(printed)"
        says err.txt "$words" "$name"
        [ -s "$tmp/out.txt" ] && complain "$name: printed: $(head -n 3 "$tmp/out.txt")"
        [ "$took" -le "$limit" ] || complain "$name: took $took ms, at most $limit"
        [ "$(cat "$tmp"/out/* 2>/dev/null)" = $'old\nold' ] ||
            complain "$name: an output was touched: $(ls "$tmp/out")"
    done
}
# classify refuses: the same with good outputs asked for
refuses() {
    local expected=$1 words=$2 ranks=$3
    shift 3
    refused "$expected" "$words" "$ranks" "$bin/classify" "$@" "${outputs[@]}"
}

# accepts RANKS ARGS...: exit code 0 and nothing said on the side
accepts() {
    local ranks=$1
    shift
    runs "$ranks" "$bin/classify" "$@"
    [ "$code" -eq 0 ] || complain "on $ranks: $*: exit code $code: $(cat "$tmp/err.txt")"
    [ -s "$tmp/err.txt" ] && complain "on $ranks: $*: said on stderr: $(head -n 3 "$tmp/err.txt")"
}

# ResNet-18's weights, all zero: the header by name and shape, the rest a hole in the file.
offset=0 entries=
tensor() {
    local name=$1 count=4 extent
    for extent in ${2//,/ }; do count=$((count * extent)); done
    entries+="${entries:+,}\"$name\":{\"dtype\":\"F32\",\"shape\":[$2],\"data_offsets\":[$offset,"
    offset=$((offset + count))
    entries+="$offset]}"
}
norm() { for part in weight bias running_mean running_var; do tensor "$1.$part" "$2"; done; }
zero_weights() {
    local s b in=64 out=64 head length=
    tensor conv1.weight 64,3,7,7
    norm bn1 64
    for s in 1 2 3 4; do
        for b in 0 1; do
            tensor layer$s.$b.conv1.weight $out,$in,3,3
            norm layer$s.$b.bn1 $out
            tensor layer$s.$b.conv2.weight $out,$out,3,3
            norm layer$s.$b.bn2 $out
            if [ $in -ne $out ]; then
                tensor layer$s.$b.downsample.0.weight $out,$in,1,1
                norm layer$s.$b.downsample.1 $out
            fi
            in=$out
        done
        out=$((2 * out))
    done
    tensor fc.weight 1000,512
    tensor fc.bias 1000
    head="{$entries}"
    for b in 0 8 16 24 32 40 48 56; do length+=$(printf '\\x%02x' $((${#head} >> b & 255))); done
    { printf '%b' "$length"; printf '%s' "$head"; } >"$1"
    data_begin=$((8 + ${#head}))
    truncate -s $((data_begin + offset)) "$1"
}

# poke FILE PLACE BYTES: writes those bytes there
poke() { printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }

zeros=$tmp/zeros.safetensors nan=$tmp/nan.safetensors
flipped=$tmp/flipped.safetensors short=$tmp/short.safetensors
zero_weights "$zeros"
cp --sparse=always "$zeros" "$nan" && poke "$nan" $((data_begin + offset - 4)) '\x00\x00\xc0\x7f'
cp --sparse=always "$zeros" "$flipped" && poke "$flipped" $((data_begin + 1000)) '\x01'
cp --sparse=always "$zeros" "$short" && truncate -s -1 "$short"
pixel=$tmp/pixel.png
base64 -d >"$pixel" <<'END'
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg
gg==
END
head -c 45 "$pixel" >"$tmp/cut.png"
echo 'no picture, no weights, one label' >"$tmp/text"
: >"$tmp/empty"

net=(--model resnet18 --weights seeded)
one=("${net[@]}" --input seeded:1)
from_file=(--input seeded:1 --model resnet18 --weights)

# 2: usage
refuses 2 'weights is missing' '1 2' --input seeded:1
refuses 2 'frobnicate' '1 3' "${one[@]}" --frobnicate
refuses 2 'there is no model alexnet; there are resnet18' '1 2' "${one[@]/resnet18/alexnet}"
refuses 2 'there is no policy diagonal' '1 2' "${one[@]}" --policy diagonal
refuses 2 'none.json: cannot be opened' '1 2' "${one[@]}" --policy "$tmp/none.json"
refuses 2 'text: is no file of policies' '1 2' "${one[@]}" --policy "$tmp/text"
refuses 2 'none: cannot be opened' '1 2' "${one[@]}" --machine "$tmp/none"
refuses 2 'text: is no machine file: mpar calibrate writes one' '1 2' "${one[@]}" --machine "$tmp/text"
refused 3 'cannot be written' '1 2' "$bin/classify" "${one[@]}" --save-policy "$tmp/none/policies"
refuses 2 'data axis of 3 ranks does not divide the 2' 2 "${one[@]}" --ranks-data 3
refuses 2 '2 micro-batches do not divide a batch of 1' 1 "${one[@]}" --micro-batches 2
refuses 2 'there is no policy follow' 1 "${one[@]}" --policy follow
refuses 2 'there is no engine quantum' 1 "${one[@]}" --engine quantum
refuses 2 'there is no preprocessing' 1 "${net[@]}" --preprocess vivid "$pixel"
refuses 2 'give images, or --input' 1 "${one[@]}" "$pixel"
refuses 2 'give images, or --input' 1 "${net[@]}"
for input in seeded:0 seeded: seeded:-1 seeded:1x seeded:99999 random; do
    refuses 2 'input is seeded:N with N from 1' 1 "${net[@]}" --input $input
done
refuses 2 'at least 1' '1 3' "${one[@]}" --batch 0
refuses 2 'at least 1' 1 "${one[@]}" --top 0
refuses 2 'at least 0' 1 "${one[@]}" --repeat -1
refuses 2 'deadline is more than 0' 1 "${one[@]}" --deadline 0
refuses 2 'deadline is more than 0' 1 "${one[@]}" --deadline nan
refuses 2 'batch' 1 "${one[@]}" --batch many
refuses 2 'no team pairs' 1 "${one[@]}" --team pairs
refuses 2 'a team has at least one rank, not -1' '1 2' "${one[@]}" --team-size -1
refuses 2 'a rank has 1 to [0-9]+ threads here' '1 2' "${one[@]}" --threads 0
refuses 2 'threads here' 1 "${one[@]}" --threads 5000
refuses 2 'ranks-data is at least 1' 1 "${one[@]}" --ranks-data 0
refuses 2 'gradients comes with a later' 1 "${one[@]}" --gradients "$tmp/out/gradients"

refuses 2 'weights-key is for the weights of a file' '1 2' "${one[@]}" --weights-key model_ema
refuses 4 'no state dict under the key' '1 2' "${from_file[@]}" "$zeros" --weights-key model_ema

# 3: input
refuses 3 'none.png: cannot be opened' '1 2 3' "${net[@]}" "$tmp/none.png"
refuses 3 'folder: the folder has no pictures' 1 "${net[@]}" "$tmp/folder"
refuses 3 'neither a JPEG nor a PNG' '1 2' "${net[@]}" "$tmp/text"
refuses 3 'cut.png: is a bad PNG' '1 3' "${net[@]}" --strict "$pixel" "$tmp/cut.png" "$pixel"
refuses 3 'none: cannot be opened' '1 2' "${one[@]}" --labels "$tmp/none"
refuses 3 '1 labels for 1000 classes' 1 "${one[@]}" --labels "$tmp/text"
refused 3 'cannot be written' '1 2' "$bin/classify" "${one[@]}" --json "$tmp/none/report.json"
refused 3 'cannot be written' '1 2' "$bin/classify" "${one[@]}" --logits "$tmp/none/logits"

# 4: model
refuses 4 'none.pth: cannot be opened' '1 2 3' "${from_file[@]}" "$tmp/none.pth"
refuses 4 'is a directory' 1 "${from_file[@]}" "$tmp/folder"
refuses 4 'is empty' 1 "${from_file[@]}" "$tmp/empty"
refuses 4 'is neither a safetensors' '1 3' "${from_file[@]}" "$tmp/text"
refuses 4 'but the data ends at' '1 2' "${from_file[@]}" "$short"
refuses 4 "'conv1.weight' is missing" '1 2' "${from_file[@]}" "$data/expected/resnet18.safetensors"
refuses 4 "'layer1.0.conv1.weight' is .*, the network takes \[64, 64, 1, 1\]" '1 3' \
    "${from_file[@]/resnet18/resnet50}" "$zeros"

# 5: numbers; 7: memory
refuses 5 "'fc.bias' has NaN at element 999" '1 2 3' "${from_file[@]}" "$nan"
refused 7 'memory' '1 2' bash -c 'ulimit -v 6000000; exec "$@"' limited \
    "$bin/classify" "${net[@]}" --input seeded:9999 --batch 9999 "${outputs[@]}"

refused 7 'memory' '1 2' bash -c 'ulimit -v 3500000; exec "$@"' limited \
    "$bin/classify" "${net[@]}" --input seeded:9999 --batch 1 "${outputs[@]}"

# Outputs that are no files, and a standard output that takes nothing.
mkfifo "$tmp/pipe"
refused 3 'pipe: is not a regular file' 1 "$bin/classify" "${one[@]}" --json "$tmp/pipe"
refused 3 'pipe: is not a regular file' 1 "$bin/classify" "${one[@]}" --logits "$tmp/pipe"
[ -p "$tmp/pipe" ] || complain "a pipe was replaced by a file"
if [ -c /dev/full ]; then
    for report in table json; do
        full=("${one[@]}")
        [ $report = json ] && full+=(--json -)
        refused 3 'standard output cannot be written' 1 \
            bash -c 'exec "$@" >/dev/full' full "$bin/classify" "${full[@]}"
    done
fi

# What one rank alone meets; the launcher says which one it is.
cat >"$tmp/except" <<'END'
#!/usr/bin/env bash
# except RANK WEIGHTS COMMAND...: that rank gets other weights
rank=${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-${PMI_RANK:?}}} which=$1 weights=$2
shift 2
if [ "$rank" -eq "$which" ]; then exec "$@" --weights "$weights"; fi
exec "$@" --weights "$WEIGHTS"
END
export WEIGHTS=$zeros
file=(bash "$tmp/except")
classify=("$bin/classify" --model resnet18 --input seeded:1 "${outputs[@]}")
refused 4 'rank 1: .*none: cannot be opened' '2 3' "${file[@]}" 1 "$tmp/none" "${classify[@]}"
refused 4 'rank 0: .*none: cannot be opened' 2 "${file[@]}" 0 "$tmp/none" "${classify[@]}"
refused 5 'rank 2: .*has NaN' 3 "${file[@]}" 2 "$nan" "${classify[@]}"
refused 4 'the ranks have read different weights' 2 "${file[@]}" 1 "$flipped" "${classify[@]}"

# gone PID: no such process, or one that nobody has waited for
gone() {
    ! kill -0 "$1" 2>/dev/null || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# stopped RANKS VICTIM: the others leave by the deadline, with one voice. What a job takes here gives the deadline, within
# which nobody is late who runs, and when the forwards have begun.
stopped() {
    local ranks=$1 victim=$2 name="rank $2 of $1 stopped" begin pid lines who='.*' job deadline
    local try=${3:-1}
    runs "$ranks" "$bin/classify" "${one[@]}" --repeat 3
    job=$took deadline=$((2 + took / 1000))
    rm -f "$tmp"/pid.*
    on "$ranks" bash "$tmp/noted" "$tmp" "$bin/classify" "${one[@]}" \
        --repeat 100000 --deadline $deadline --describe >"$tmp/out.txt" 2>"$tmp/err.txt" </dev/null &
    begin=$(milliseconds)
    while ! grep -q "^rank 0 of $ranks" "$tmp/out.txt"; do  # the plan's last line
        [ $(($(milliseconds) - begin)) -lt $((20000 + 10 * job)) ] || break
        sleep 0.1
    done
    sleep $((2 + job / 1000))  # loads, then forwards until the end
    pid=$(cat "$tmp/pid.$victim")
    begin=$(milliseconds)
    kill -STOP "$pid"
    wait $!
    code=$? took=$(($(milliseconds) - begin)) checks=$((checks + 1))
    [ $code -eq 86 ] || complain "$name: exit code $code, expected 86"
    # as refused() has it: what is slow is slow three times
    local most=$((1000 * deadline + 1000 + limit + job))
    if [ $took -gt $most ] && [ "$try" -lt 3 ]; then
        stopped "$ranks" "$victim" $((try + 1))
        return
    fi
    if [ $took -lt $((1000 * deadline - 500)) ] || [ $took -gt $most ]; then complain "$name: ended after $took ms"; fi
    lines=$(grep -c '^mpar: error: ' "$tmp/err.txt")
    [ "$lines" -eq 1 ] || complain "$name: $lines lines of error: $(cat "$tmp/err.txt")"
    if [ "$ranks" -eq 2 ]; then who="(rank $victim|another rank)"; fi
    says err.txt "^mpar: error: rank [0-9], .*(step [0-9]+ \(.*\)|all-reduce): " "$name"
    says err.txt ": nothing from $who for $deadline s\$" "$name"
    for ((tenths = 0; tenths < 300; tenths++)); do  # the launcher ends it
        gone "$pid" && break
        sleep 0.1
    done
    if ! gone "$pid"; then
        complain "$name: its process is still there"
        kill -KILL "$pid"
    fi
}
cat >"$tmp/noted" <<'END'
#!/usr/bin/env bash
# noted FOLDER COMMAND...: leaves its process id where the rank's number says
folder=$1
shift
echo $$ >"$folder/pid.${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-${PMI_RANK:?}}}"
exec "$@"
END
stopped 2 1
stopped 2 0
stopped 3 1

# What is asked of it when all is well.
for ranks in 1 2; do
    accepts $ranks --help
    [ "$(grep -c -- '--weights TEXT' "$tmp/out.txt")" -eq 1 ] ||
        complain "on $ranks: --help is not printed once"
    accepts $ranks --version
    [ "$(wc -l <"$tmp/out.txt")" -eq 1 ] || complain "on $ranks: --version: $(printed)"
    says out.txt '^mpar [0-9]+\.[0-9]+\.[0-9]+; .*; (g\+\+|clang) .*CUDA: ' --version
done

# check_report RANKS: the fields of the report in out.txt, and what they must be
check_report() {
    local ranks=$1 field
    for field in model policy ranks numerics engine isa images file top class label probability \
        latency_ms min p10 median p99 n load_ms communication bytes_per_rank messages_per_rank \
        predicted_bytes_per_rank predicted_messages_per_rank memory weights_bytes_per_rank \
        activations_bytes_per_rank peak_rss_bytes_per_rank; do
        grep -q "\"$field\":" "$tmp/out.txt" || complain "on $ranks: the report has no $field"
    done
    command -v python3 >/dev/null || return
    python3 - "$tmp/out.txt" "$ranks" <<'END' || complain "on $ranks: a bad report"
import json, sys
report, ranks = json.load(open(sys.argv[1])), int(sys.argv[2])
assert report["model"] == "resnet18" and report["policy"] == "automatic"
assert report["ranks"] == ranks
assert len(report["images"]) == 2 and report["load_ms"] > 0
for image in report["images"]:
    shares = [guess["probability"] for guess in image["top"]]
    assert len(shares) == 3 and sorted(shares, reverse=True) == shares
    assert 0 < shares[-1] and sum(shares) <= 1 + 1e-9
    assert all(0 <= g["class"] < 1000 and g["label"] for g in image["top"])
times = report["latency_ms"]
assert times["n"] == 4 and 0 < times["min"] <= times["p10"] <= times["median"] <= times["p99"]
sent, memory = report["communication"], report["memory"]
assert all(len(v) == ranks and min(v) >= 0 for v in list(sent.values()) + list(memory.values()))
assert sent["bytes_per_rank"] == sent["predicted_bytes_per_rank"]
assert sent["messages_per_rank"] == sent["predicted_messages_per_rank"]
assert (sum(sent["bytes_per_rank"]) > 0) == (ranks > 1)
assert min(memory["weights_bytes_per_rank"]) > 4 * 11e6 / ranks / 2
assert min(memory["peak_rss_bytes_per_rank"]) > max(memory["activations_bytes_per_rank"]) > 0
END
}
for ranks in 1 2 3; do
    accepts $ranks "${net[@]}" --input seeded:2 --batch 2 --top 3 --repeat 4 --json - \
        --logits "$tmp/logits$ranks.safetensors" --labels "$data/imagenet_labels.txt" --team off
    check_report $ranks
    same_logits "$tmp/logits$ranks.safetensors" "$ranks ranks"
done
for team in claim static fixed; do
    accepts 2 "${net[@]}" --input seeded:2 --batch 2 --team $team --logits "$tmp/logits.safetensors"
    same_logits "$tmp/logits.safetensors" "team $team"
done
accepts 1 "${net[@]}" --input seeded:2 --batch 2 --numerics exact --logits "$tmp/logits1.safetensors"
accepts 2 "${net[@]}" --input seeded:2 --batch 1 --policy output --numerics exact \
    --logits "$tmp/logits.safetensors" --json "$tmp/report.json"
says report.json '"policy": "output"' 'the report in its file'
says out.txt 'seeded:2#1' 'the table'
same_logits "$tmp/logits.safetensors" 'images one by one, by output'
echo old >"$tmp/target"
ln -s "$tmp/target" "$tmp/link"
accepts 1 "${one[@]}" --json "$tmp/link"
[ -L "$tmp/link" ] && grep -q latency_ms "$tmp/target" || complain "a report was not written through a link"

# On a terminal, and there alone, a bar shows how far more than a second of work is: work of
# minutes, however fast the machine, that ends when the bar was seen.
if command -v script >/dev/null; then
    checks=$((checks + 1))
    script -qec "exec '$bin/classify' ${net[*]} --input seeded:64 --batch 2 --repeat 4000" \
        /dev/null >"$tmp/out.txt" 2>"$tmp/err.txt" </dev/null &
    terminal=$!
    for ((tenths = 0; tenths < 3000; tenths++)); do
        grep -q '\[#' "$tmp/out.txt" && break
        sleep 0.1
    done
    kill "$terminal" && wait "$terminal" 2>/dev/null
    says out.txt '(images|timed forwards) \[#+\.*\] [0-9]+/[0-9]+' 'on a terminal'
    runs 1 script -qec "'$bin/classify' ${net[*]} --input seeded:2 --repeat 2" /dev/null
    [ "$code" -eq 0 ] || complain "on a terminal: exit code $code: $(printed)"
fi
accepts 2 --model resnet18 --weights "$zeros" "$pixel" "$pixel"
[ "$(grep -c '0.00100' "$tmp/out.txt")" -eq 10 ] || complain "weights of zero: $(printed)"

echo "$checks runs, $bad complaints"
[ $bad -eq 0 ]
