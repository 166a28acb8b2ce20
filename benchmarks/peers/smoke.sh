#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# smoke.sh PEER_FORWARD LAUNCHER...: peer_forward on two ranks obeys its orders, and sleeps between them.
set -eu
program=$1
launcher=("${@:2}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "smoke.sh: $1"; exit 1; }

mkfifo "$work/orders.0" "$work/orders.1" "$work/answers"
"${launcher[@]}" "$program" --model efficientnet_lite0 --team claim --channels "$work" </dev/null &
job=$!
exec 3<>"$work/orders.0" 4<>"$work/orders.1" 5<>"$work/answers"
order() { echo "$1" >&3; echo "$1" >&4; }
answer() { read -r -t 100 -u 5 line || fail "no answer to $1"; }

answer 'the beginning'
answer 'the beginning'
read -ra pids <<<"$line"
[ ${#pids[@]} -eq 2 ] || fail "the pids are '$line'"
order 'run 3'
answer 'run 3'
read -ra times <<<"$line"
[ ${#times[@]} -eq 3 ] && [ "${times[0]}" -gt 10000 ] || fail "the times are '$line'"
order "logits $work/logits"
answer logits
[ "$(stat -c %s "$work/logits")" -eq 4000 ] || fail 'the logits are not 1000 floats'

ran() { cut -d ' ' -f 1 "/proc/${pids[0]}/schedstat" "/proc/${pids[1]}/schedstat" | paste -s -d +; }
before=$(($(ran)))
sleep 1
[ $(($(ran) - before)) -lt 100000000 ] || fail 'a rank that waits for orders uses its core'
order quit
wait $job || fail "peer_forward ended with code $?"
echo 'peer_forward obeys'
