#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# classify_many.sh BIN DATA: many pictures in one call: folders, bad ones among good ones, memory; how they are prepared; labels.
# timeout: 200
# processors: 2
# sanitize: no
set -u
bin=$1 data=$2
# shellcheck source=tests/support/packages.sh
. "$(dirname "$0")/../support/packages.sh"
prepare_mpi >/dev/null
find_launcher
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
bad=0 checks=0
complain() { echo "$*"; bad=$((bad + 1)); }

# classify RANKS CODE OPTION...: that exit code; what is printed is in out and err, which has one line of error or none
classify() {
    local ranks=$1 expected=$2 launch=() code lines=1
    shift 2
    name="on $ranks: $*"
    [ "$ranks" -gt 1 ] && launch=("$launcher" ${options[@]+"${options[@]}"} -n "$ranks")
    checks=$((checks + 1))
    ${launch[@]+"${launch[@]}"} "${program[@]}" --model resnet18 --weights seeded --numerics exact "$@" >out 2>err </dev/null
    code=$?
    [ $code -eq "$expected" ] || complain "$name: exit code $code, expected $expected: $(cat err)"
    [ "$expected" -eq 0 ] && lines=0
    [ "$(grep -c '^mpar: error: ' err)" -eq $lines ] || complain "$name: not $lines lines of error: $(cat err)"
    [ "$(wc -l <err)" -eq $lines ] || complain "$name: more than its error on stderr: $(cat err)"
}
program=("$bin/classify")

# has FILE WORDS: a line like that
has() { grep -q -E -- "$2" "$1" || complain "$name: nothing like '$2': $(head -n 20 "$1")"; }
is_silent() { [ -s out ] && complain "$name: printed: $(head -n 3 out)"; }
# same A B: logits to the last bit
same() {
    "$bin/compare_tensors" "$1" "$2" 2>&1 | grep -qx 'greatest difference: 0' || complain "$name: other logits in $1 than in $2"
}
other() {
    "$bin/compare_tensors" "$1" "$2" 2>&1 | grep -qx 'greatest difference: 0' && complain "$name: the logits are those of $2"
}

# bmp FILE COLOUR: 2 x 2 pixels, one of that level
bmp() {
    printf 'BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0'
    printf '\0%.0s' {1..24}
    printf '\1\2\3\4\5\6\0\0\7\10\11%b\13\14\0\0' "\\x$(printf %02x "$2")"
} >"$1"

mkdir -p folder/below empty
for i in 0 1 2 3 4 5 6; do bmp "folder/$i.bmp" $((30 * i)); done
mv folder/4.bmp folder/4.BMP
bmp folder/below/7.bmp 9
bmp folder/8 9
echo 'no picture' | tee folder/notes.txt >text.png
files=(folder/0.bmp folder/1.bmp folder/2.bmp folder/3.bmp folder/4.BMP folder/5.bmp folder/6.bmp)

# A folder is its pictures in the order of names; batches and ranks change nothing.
classify 1 0 "${files[@]}" --batch 7 --logits right
cp out table
for ranks in 1 2 3; do
    classify $ranks 0 --batch 3 --logits logits folder
    cmp -s out table || complain "$name: another table: $(cat out)"
    same logits right
    classify $ranks 3 --logits logits empty
    has err 'empty: the folder has no pictures'
    is_silent
done

# Each rank reads its own pictures of a batch, and no others.
mkdir -p rank0 rank1
cp folder/[024].* rank0 && cp folder/[13].* rank1
mv rank0/4.BMP rank0/4.bmp
cat >apart <<'SCRIPT'
#!/usr/bin/env bash
cd "rank${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-${PMI_RANK:?}}}" && exec "$@"
SCRIPT
program=(bash apart "$bin/classify")
classify 2 0 --batch 4 {0,1,2,3}.bmp --logits "$tmp/logits"
classify 2 3 --batch 4 {0,2,1,3}.bmp
has err '2 of 4 pictures cannot be read: 2.bmp: cannot be opened.*; 1.bmp: cannot be opened'
program=("$bin/classify")
classify 1 0 folder/{0,1,2,3}.bmp --logits right
same logits right

# Bad ones among good ones: the others are classified, the bad ones named once, at the end.
head -c 60 folder/1.bmp >cut.bmp
list=(folder/0.bmp none.png folder/1.bmp cut.bmp text.png folder/2.bmp folder/3.bmp empty.bmp)
: >empty.bmp
for ranks in 1 2 3; do
    classify $ranks 3 --batch 2 --json report --logits logits "${list[@]}"
    has err '^mpar: error: 4 of 8 pictures cannot be read: none.png: cannot be opened.*; cut.bmp: is a bad BMP.*; text.png: is neither'
    has out '^  not classified: is a bad BMP'
    [ "$(grep -c '^  0\.' out)" -eq 20 ] || complain "$name: not four pictures with five classes: $(cat out)"
    has report '"error": "cannot be opened'
    if command -v python3 >/dev/null; then
        python3 - report logits right <<'SCRIPT' || complain "$name: a bad report or bad logits: $(head -n 40 report)"
import array, json, struct, sys
images = json.load(open(sys.argv[1]))["images"]
assert [set(i) for i in images] == [{"file", w} for w in "top error top error error top top error".split()]
assert [i["file"] for i in images][:2] == ["folder/0.bmp", "none.png"] and images[7]["error"] == "is empty"
def rows(path):
    with open(path, "rb") as f:
        length, = struct.unpack("<Q", f.read(8))
        shape = json.loads(f.read(length))["logits"]["shape"]
        values = array.array("f", f.read())
        assert len(values) == shape[0] * 1000 and shape[1] == 1000
        return [values[1000 * i:1000 * i + 1000] for i in range(shape[0])]
some, right = rows(sys.argv[2]), rows(sys.argv[3])
assert len(some) == 8 and [some[i] for i in (0, 2, 5, 6)] == right
assert all(v != v for i in (1, 3, 4, 7) for v in some[i])
SCRIPT
    fi
    echo old >report
    classify $ranks 3 --strict --batch 2 --json report "${list[@]}"
    has err 'none.png: cannot be opened'
    is_silent
    classify $ranks 3 --json report --describe text.png none.png
    has err '2 of 2 pictures cannot be read'
    is_silent
    [ "$(cat report)" = old ] || complain "$name: the report was touched"
done
classify 1 0 --strict --batch 2 folder
cmp -s out table || complain "$name: another table: $(cat out)"

# Results come as they are computed: the first is there while the job goes on.
many() { for ((i = 0; i < $1; i++)); do printf 'folder/0.bmp\n'; done; }
mapfile -t list < <(many 20000)
checks=$((checks + 1)) name='20,000 pictures'
"$bin/classify" --model resnet18 --weights seeded --batch 2 "${list[@]}" >first 2>err </dev/null &
for ((tenths = 0; tenths < 1200; tenths++)); do
    [ -s first ] && break
    sleep 0.1
done
kill $! 2>/dev/null || complain "$name: the job was over: $(cat err)"
wait $! 2>/dev/null
has first '^folder/0.bmp'

# Memory is that of a batch or two: 54 pictures more would be 32 MB as the network takes them.
peak() { sed -n '/peak_rss/,$p' out | tr -dc '0-9\n' | sort -n | tail -n 1; }
for ranks in 1 2; do
    mapfile -t list < <(many 6)
    classify $ranks 0 --batch 2 --team off --json - "${list[@]}"
    few=$(peak)
    mapfile -t list < <(many 60)
    classify $ranks 0 --batch 2 --team off --json - "${list[@]}"
    more=$(($(peak) - few)) batch=$((2 * 3 * 224 * 224 * 4))
    [ $more -le $((4 * batch)) ] || complain "$name: 60 pictures take $more bytes more than 6"
done

# How pictures are prepared.
one=folder/1.bmp
classify 1 0 --preprocess half --logits right $one
classify 1 0 --mean 0.5,0.5,0.5 --std 0.5,.5,5e-1 --logits logits $one
same logits right
classify 1 0 --resize 256 --crop 224 --interpolation bilinear --preprocess half --logits logits $one
same logits right
for way in '--interpolation bicubic' '--resize 232' '--mean 0.4,0.5,0.5' '--std 0.5,0.5,0.4'; do
    # shellcheck disable=SC2086
    classify 2 0 --preprocess half $way --logits logits $one
    other logits right
done
classify 2 0 --crop 256 --logits logits $one
refuses() {
    classify 1 2 "${@:2}" $one
    has err "$1"
    is_silent
}
refuses 'crop is 1 to --resize, and --resize at most 16384: not 257 of 256' --crop 257
refuses 'not 0 of 256' --crop 0
refuses 'not 224 of 200' --resize 200
refuses 'not 224 of 16385' --resize 16385
refuses 'there is no interpolation nearest; there are bilinear and bicubic' --interpolation nearest
for three in 0.5 0.5,0.5 0.5,0.5,0.5,0.5 nan,0,0 0,inf,0 ',,' 0.5,0.5,x '0.5 0.5 0.5' 1e999,0,0; do
    refuses 'mean is three numbers, red, green, blue' --mean "$three"
done
refuses 'std is three numbers' --std 1,1,nan
refuses 'std is more than 0 for each colour, not 1,0,1' --std 1,0,1
refuses 'std is more than 0' --std 1,-1,1

# Labels: however lines end, and as many as there are classes.
classify 1 0 --labels "$data/imagenet_labels.txt" $one
cp out table
{ printf '\xef\xbb\xbf'; sed 's/$/\r/' "$data/imagenet_labels.txt"; printf '\r\n\r\n'; } >labels
classify 1 0 --labels labels $one
cmp -s out table || complain "$name: other labels: $(cat -A out)"
{ echo background; cat "$data/imagenet_labels.txt"; } >labels
classify 2 3 --labels labels $one
has err 'labels: 1001 labels for 1000 classes'
is_silent

echo "$checks runs, $bad complaints"
[ $bad -eq 0 ]
