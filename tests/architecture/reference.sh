#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# reference.sh SOURCE_DIR [OUT_DIR]: reads the headers that users include, and fails on a name at the top of a namespace
# without a comment of three strokes. One comment serves the declarations that follow it without an empty line, and the
# overloads of its name. With OUT_DIR it writes each header's names there as Markdown. Members are listed, not checked.
set -u -o pipefail
cd "$1/include/mpar" || exit 1
out=${2:-}
[ -z "$out" ] || mkdir -p "$out" || exit 1

shopt -s nullglob
doors=(layers/*.hpp models/*.hpp io/*.hpp net/*.hpp)
for header in comm/mesh core/error matmul/product net/graph/chain net/graph/dynamic_graph net/graph/graph net/run/options shard/policy; do
    [ ! -e $header.hpp ] || doors+=("$header.hpp")
done
[ ${#doors[@]} -gt 0 ] || { echo "no header was read"; exit 1; }

LC_ALL=C awk -v out="$out" '
function close_block() {
    if (fenced) print "```\n" >page
    fenced = 0
}
function put(text) {
    if (out == "") return
    if (!fenced) print "```cpp" >page
    fenced = 1
    print text >page
}
# A declaration without the body that it begins.
function bare(text) { sub(/ \{.*$/, "", text); return text }
function name_in(text,    words) {
    if (match(text, /(^|[ \]])(struct|class|enum class|enum|concept|using) [A-Za-z_0-9]+/)) {
        words = substr(text, RSTART, RLENGTH)
        if (substr(text, RSTART + RLENGTH, 1) ~ /[<;]/ || text ~ /^using namespace/) return ""   # of another declaration
        sub(/.* /, "", words)
        return words
    }
    if (text !~ /^static_assert/ && match(text, /[a-z_0-9]+\(/)) return substr(text, RSTART, RLENGTH - 1)
    return ""
}
FNR == 1 {
    close_block()
    if (out != "" && page != "") close(page)
    hidden = covered = open = 0
    file = name = FILENAME
    gsub(/\//, "-", name); sub(/\.hpp$/, ".md", name)
    page = out "/" name
    if (out != "") {
        print "# mpar/" file "\n" >page
        print "- [mpar/" file "](" name ")" >(out "/README.md")
    }
}
/^namespace detail/ { hidden = 1 }
/^}  \/\/ namespace detail/ { hidden = 0; next }
hidden { next }
/^$/ { covered = 0; if (!inside) close_block(); next }
/^\/\/\// { covered = 1; close_block(); if (out != "") { text = $0; sub(/^\/\/\/ ?/, "", text); print text >page }; next }
/^(namespace|#|\/\/)/ { next }
/^}/ { if (inside) put("};"); inside = shown = open = 0; next }
/^public:/ { shown = 1; next }
/^(private|protected):/ { shown = open = 0; next }
/^    static_assert/ { next }
/^template|^requires|^\[\[.*\]\]$/ { put($0); next }
/^[A-Za-z\[]/ {
    what = name_in($0)
    if (what != "" && !covered && !((file, what) in known)) { print "include/mpar/" file ":" FNR ": " what " has no words"; bad++ }
    if (what != "") { known[file, what] = 1; count++ }
    inside = shown = /(^|[ \]])(struct|class|enum class|enum) / && !/};$/
    put(inside ? $0 : bare($0))
    open = !/[;{}]$/ && !/ \{ /
    next
}
!inside && /^ +/ { if (open) put(bare($0)); if (/[;{]$/ || / \{ /) open = 0; next }
shown && /^    [^ }]/ { put(bare($0)); open = !/[;{},]$/ && !/ \{ / && !/^    \/\//; next }
shown && open { put(bare($0)); if (/[;{}]$/) open = 0 }
END {
    close_block()
    if (!count) { print "no name was read"; exit 1 }
    print count " public names, " bad + 0 " without words"
    exit bad > 0
}' "${doors[@]}"
