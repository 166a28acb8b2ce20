#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# includes.sh SOURCE_DIR: reads every #include under include/mpar and fails on an arrow that points the wrong way.
#
#   core <- tensor <- { kernels | comm | io } <- shard <- { operators <- layers <- net <- { train | models | migrate } | matmul }
#
# A folder includes what stands to its left; siblings never meet. The same holds of the rooms of a folder:
#
#   net:         graph <- plan <- place <- { choose <- simulate | run } <- the files at its door
#   kernels/cpu: tile <- { conv2d <- winograd | gemm }
#   io:          parse <- { picture | weights } <- the files at its door
#   operators:   the words of all operators, at the door <- kinds <- operation.hpp, which lists them
#
# Below kernels/ the backends never meet, and what they share (kernels/*.hpp) includes none of them.
set -u -o pipefail
cd "$1/include" || exit 1

find mpar -name '*.hpp' -o -name '*.cuh' | LC_ALL=C sort | xargs grep -H -n -E '^[[:space:]]*#[[:space:]]*include' | awk '
BEGIN {
    split("core tensor kernels comm io shard operators layers net matmul train models migrate", names, " ")
    split("0    1      2       2    2  3     4         5      6   6      7     7      7", levels, " ")
    for (i in names) level[names[i]] = levels[i]
    split("net/graph net/plan net/place net/choose net/run net/simulate", rooms, " ")
    split("0         1        2         3          3       4", depths, " ")
    for (i in rooms) depth[rooms[i]] = depths[i]
    split("kernels/cpu/tile kernels/cpu/conv2d kernels/cpu/gemm kernels/cpu/winograd", rooms, " ")
    split("0                1                  1                2", depths, " ")
    for (i in rooms) depth[rooms[i]] = depths[i]
    split("io/parse io/picture io/weights operators/kinds", rooms, " ")
    split("0        1          1          0", depths, " ")
    for (i in rooms) depth[rooms[i]] = depths[i]
}
# Whether the rooms of a folder may not include the file, which stands at its door.
function at_the_door(file, folder) {
    return folder == "net" || folder == "io" || file == "mpar/operators/operation.hpp"
}
# The room of a file: the deepest folder of it that has a place in the order of its house.
function room(parts, n,    at) {
    at = parts[2] "/" parts[3]
    if (n > 4 && (at "/" parts[4]) in depth) return at "/" parts[4]
    return n > 3 && at in depth ? at : ""
}
function house(name) { sub(/\/[^\/]*$/, "", name); return name }
function say(why) { print "include/" where ": " text ": " why; bad++ }
{
    match($0, /:[0-9]+:/)
    file = substr($0, 1, RSTART - 1)
    where = substr($0, 1, RSTART + RLENGTH - 2)
    text = substr($0, RSTART + RLENGTH)
    sub(/^[ \t]+/, "", text)
    count++
    if (text ~ /include[ \t]*"/) { say("ours are spelled <mpar/...>"); next }
    if (text !~ /<mpar\//) next
    match(text, /<mpar\/[^>]*>/)
    target = substr(text, RSTART + 1, RLENGTH - 2)
    n = split(file, from, "/"); m = split(target, to, "/")
    if (n == 2) next                                    # the umbrella includes whatever it likes
    if (m == 2) { say("the umbrella is for users"); next }
    if (!(from[2] in level)) { say("folder " from[2] " has no place in the order"); next }
    if (!(to[2] in level)) { say("folder " to[2] " has no place in the order"); next }
    if (system("test -e \"" target "\"") != 0) { say("there is no such file"); next }
    if (from[2] != to[2]) {
        if (level[to[2]] > level[from[2]]) say(from[2] " stands left of " to[2])
        else if (level[to[2]] == level[from[2]]) say(from[2] " and " to[2] " are siblings")
    } else if (from[2] == "kernels" && m > 3 && (n == 3 || from[3] != to[3])) {
        say(n == 3 ? "what backends share knows no backend" : "backends " from[3] " and " to[3] " do not meet")
    }
    here = room(from, n); there = room(to, m)
    if (here == there || here == "" && there == "") next
    if (here == "" ) next                               # a door
    if (there == "") {
        if (m == 3 && from[2] == to[2] && at_the_door(target, to[2])) say(here " is not to know the door")
    } else if (house(here) == house(there)) {
        if (depth[there] > depth[here]) say(here " stands left of " there)
        else if (depth[there] == depth[here]) say(here " and " there " are siblings")
    }
}
END {
    if (!count) { print "no #include was read"; exit 1 }
    print count " includes, " bad + 0 " against the order"
    exit bad > 0
}'
