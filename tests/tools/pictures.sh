#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# pictures.sh BIN DATA: what classify makes of files of pictures: how they lie, what their ends lack, what they are.
# processors: 1
# sanitize: no
set -u
bin=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0
complain() { echo "$*"; bad=$((bad + 1)); }

# logits NAME OPTION... PICTURE: computed into NAME.safetensors
logits() {
    local name=$1
    shift
    "$bin/classify" --model resnet18 --weights seeded --logits "$tmp/$name.safetensors" "$@" >"$tmp/out" 2>&1 ||
        complain "$name: exit code $?: $(cat "$tmp/out")"
}
same() { "$bin/compare_tensors" "$tmp/$1.safetensors" "$tmp/$2.safetensors" | grep -qx 'greatest difference: 0'; }

# refused CODE WORDS OPTION...: that exit code, one line of error with those words
refused() {
    local expected=$1 words=$2 code
    shift 2
    "$bin/classify" --model resnet18 --weights seeded "$@" >"$tmp/out" 2>&1
    code=$?
    [ $code -eq "$expected" ] || complain "$*: exit code $code, expected $expected"
    [ "$(grep -c '^mpar: error: ' "$tmp/out")" -eq 1 ] && grep -q -- "$words" "$tmp/out" ||
        complain "$*: nothing like '$words': $(cat "$tmp/out")"
}

# A JPEG that lies on its side: EXIF's orientation 6, in byte 49.
base64 -d >"$tmp/lying.jpg" <<'END'
/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcg
LikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//wAALCAAIABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAABgf/xAAgEAACAgEDBQAA
AAAAAAAAAAABAgMEBQARIQYSMlFh/9oACAEBAAA/ADvT9bx41Q688eKxFnIShSteIuFZ+0OQOF39k7AfTr//2Q==
END
cp "$tmp/lying.jpg" "$tmp/upright.jpg"
printf '\x01' | dd of="$tmp/upright.jpg" bs=1 seek=49 conv=notrunc 2>/dev/null
logits stored "$tmp/upright.jpg"
logits ignored --orientation ignore "$tmp/lying.jpg"
logits turned "$tmp/lying.jpg"
logits asked --orientation exif "$tmp/lying.jpg"
same stored ignored || complain 'with --orientation ignore a picture is not what is stored'
same turned asked || complain '--orientation exif is not the default'
same stored turned && complain 'a picture that lies on its side was not turned'
refused 2 'there is no orientation down' --orientation down "$tmp/lying.jpg"

# The name says nothing: a BMP of 2 x 2 pixels, and what its end or its kind leaves out.
printf 'BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0' >"$tmp/bmp.png"
printf '\0%.0s' {1..24} >>"$tmp/bmp.png"
printf '\1\2\3\4\5\6\0\0\7\10\11\12\13\14\0\0' >>"$tmp/bmp.png"
logits bmp "$tmp/bmp.png"
head -c -1 "$tmp/bmp.png" >"$tmp/cut"
refused 3 'cut: is a bad BMP: its pixels are cut off' "$tmp/cut"
head -c -2 "$tmp/upright.jpg" >"$tmp/no_end"
logits no_end "$tmp/no_end"
same stored no_end || complain 'a JPEG whose end is missing is another picture'
head -c 200 "$tmp/upright.jpg" >"$tmp/half"
refused 3 'half: is a bad JPEG' "$tmp/half"
printf 'GIF89a' >"$tmp/gif.jpg"
refused 3 'gif.jpg: is neither a JPEG nor a PNG image, nor BMP, WebP or TIFF' "$tmp/gif.jpg"

echo "$bad complaints"
[ $bad -eq 0 ]
