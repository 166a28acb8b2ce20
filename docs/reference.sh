#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# docs/reference.sh: writes the public names of the headers that users include into build/reference, as Markdown.
# Begin with build/reference/README.md.
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$here/build/reference" && rm -f "$here"/build/reference/*.md
exec bash "$here/tests/architecture/reference.sh" "$here" "$here/build/reference"
