#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# self_test.sh PROGRAM leaks|"no leaks" LAUNCHER...: what the tests' main makes of tests that fail, wait or leak on two ranks.
set -u
program=$1 sanitizer=$2
shift 2
launch=("$@")
out=$(mktemp)
trap 'rm -f "$out"' EXIT
bad=0

# expect CODE|bad REGEX|"" TEST_SPEC
expect() {
    local begin=$SECONDS code
    "${launch[@]}" "$program" "$3" >"$out" 2>&1 </dev/null
    code=$?
    if { [ "$1" = bad ] && [ $code -eq 0 ]; } || { [ "$1" != bad ] && [ "$code" != "$1" ]; }; then
        echo "$3: exit code $code, expected $1"; bad=1
    elif ! grep -q -E -- "$2" "$out"; then
        echo "$3: nothing like: $2"; bad=1
    elif [ $((SECONDS - begin)) -gt $((7 + 8 * job)) ]; then
        echo "$3: took $((SECONDS - begin)) s"; bad=1
    else
        echo "$3: code $code as expected"; return
    fi
    cat "$out"
}

job=100
began=$SECONDS
expect 0 'All tests passed' 'all is well'
job=$((SECONDS - began))  # what a job takes here, in whole seconds; what is ended must have begun by then
expect bad '\[rank 1\].*FAILED: CHECK\( this_rank\(\) == 0 \)' '[.fails]'
expect bad 'info: known only there' '[.fails]'
expect bad 'No test cases matched' 'a test that is not there'
export MPAR_TEST_DEADLINE=$((8 + 4 * job))
expect 86 '\[rank 1\] ended: a test failed here' '[.leaves]'
export MPAR_TEST_DEADLINE=$((3 + 4 * job))
expect 86 "ended: no end of \"a message that nobody sends\" after $MPAR_TEST_DEADLINE seconds, 2 ranks" '[.waits]'
export MPAR_TEST_DEADLINE=60
if [ "$sanitizer" = leaks ]; then expect bad 'leak of 123 byte' '[.leaks]'; fi
exit $bad
