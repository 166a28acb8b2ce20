#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the hot code of the compiled kernels leans on, counted in a program's disassembly (x86). Runs nothing.

    benchmarks/inner_loops.py [PROGRAM...] [--match REGEX] [--least N] [--json FILE]

Of each function whose name matches (the register tiles), the stretch without jumps that has the most multiply-adds, which is a
loop's body or the part of it that is written out (AVX2: a block of channels): those; separate
products and sums; loads, and how many of them are operands of arithmetic; prefetches; stores; what touches the stack (spills,
of addresses too); everything else. Then, for each multiply-add: instructions, micro-operations (an operand in memory is one more, a compare and
the jump after it are one) and bytes that are read. A core that is alone hides what a busy neighbour on its other hardware
thread lays bare: front end, load ports and the path to L1 serve both threads, and 2 multiply-adds a cycle leave room for
1 to 2 other instructions each.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(\S+)\s*(.*?)\s*(?:#.*)?$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
FUSED = re.compile(r"^vfn?m(add|sub)\w*(ps|pd)$")
ARITHMETIC = re.compile(r"^v?(mul|add|sub|min|max)(ps|pd)$")
WIDTH = {"x": 16, "y": 32, "z": 64}
COLUMNS = ("multiply-adds", "products, sums", "loads", "of them operands", "prefetches", "stores", "stack", "others",
           "instructions")
RATIOS = ("instructions", "micro-operations", "bytes read")


def functions(program, wanted):
    """(name, [(address, mnemonic, operands)]) of each function that is wanted."""
    try:
        listing = subprocess.run(["objdump", "-d", "-C", "--no-show-raw-insn", program], capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit("inner_loops.py: objdump is not here (Debian: binutils)")
    if listing.returncode:
        sys.exit(f"inner_loops.py: {listing.stderr.strip()}")
    name, body = None, []
    for line in listing.stdout.splitlines():
        if begins := FUNCTION.match(line):
            if name:
                yield name, body
            name, body = begins[1] if wanted.search(begins[1]) else None, []
        elif name and (found := INSTRUCTION.match(line)):
            body.append((int(found[1], 16), found[2], found[3]))
    if name:
        yield name, body


def stretches(body):
    """From a jump, or where one leads, to the next."""
    targets = {int(t[1], 16) for _, mnemonic, operands in body
               if mnemonic.startswith("j") and (t := re.match(r"([0-9a-f]+) <", operands))}
    current = []
    for instruction in body:
        if instruction[0] in targets and current:
            yield current
            current = []
        current.append(instruction)
        if instruction[1].startswith(("j", "ret", "call")):
            yield current
            current = []
    if current:
        yield current


def bytes_read(mnemonic, operands):
    if "broadcastss" in mnemonic or "{1to" in operands or mnemonic.endswith("ss"):
        return 4
    if "broadcastsd" in mnemonic or mnemonic.endswith("sd"):
        return 8
    registers = re.findall(r"%([xyz])mm", operands)
    return max((WIDTH[r] for r in registers), default=8)


def counted(loop):
    n = dict.fromkeys(COLUMNS + RATIOS, 0)
    before = ""
    for _, mnemonic, operands in loop:
        memory = "(" in operands
        kind = ("prefetches" if mnemonic.startswith("prefetch") else "multiply-adds" if FUSED.match(mnemonic) else
                "products, sums" if ARITHMETIC.match(mnemonic) else "others")
        arithmetic = kind in ("multiply-adds", "products, sums")
        stores = memory and re.search(r"\([^)]*\)(\{%k\d\})?$", operands) and mnemonic[:3] not in ("cmp", "tes")
        reads = memory and not stores and kind != "prefetches" and not mnemonic.startswith(("lea", "nop", "j"))
        n["stack"] += bool(memory and re.search(r"\(%r[sb]p", operands) and kind != "prefetches")
        n["loads"] += bool(reads)
        n["of them operands"] += bool(reads and arithmetic)
        n["bytes read"] += bytes_read(mnemonic, operands) if reads else 0
        if stores and kind != "prefetches":
            kind = "stores"
        elif reads and not arithmetic and mnemonic.startswith(("vmov", "vbroadcast", "mov")):
            kind = ""
        if kind:
            n[kind] += 1
        n["instructions"] += 1
        n["micro-operations"] += 1 + bool(reads and (arithmetic or kind == "others"))
        if mnemonic.startswith("j") and before.startswith(("cmp", "test", "sub", "add", "dec", "inc")):
            n["micro-operations"] -= 1
        before = mnemonic
    each = n["multiply-adds"] or n["products, sums"] / 2  # without multiply-adds: a product and a sum
    return {c: n[c] for c in COLUMNS} | {"each": {r: n[r] / each for r in RATIOS}}


def work(loop):
    """Multiply-adds, then what may be halves of some."""
    return [sum(bool(kind.match(mnemonic)) for _, mnemonic, _ in loop) for kind in (FUSED, ARITHMETIC)]


def short(name):
    name = re.sub(r"^\w[\w ]*? (?=mpar::)|mpar::cpu::(\w+::)?", "", name)
    return name[:name.rindex("(")] if name.endswith(")") else name


def kernels(program, wanted, least):
    """The one with the most multiply-adds first."""
    rows = {}
    for name, body in functions(program, wanted):
        loop = max(stretches(body), key=work, default=[])
        if max(work(loop)) >= least:
            rows[short(name)] = counted(loop)
    return dict(sorted(rows.items(), key=lambda r: (-r[1]["multiply-adds"], r[0])))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = pathlib.Path(__file__).resolve().parent.parent / "build/release/bin/bench_kernels"
    p.add_argument("programs", nargs="*", default=[default], metavar="PROGRAM", help=f"{default.name} of the release build")
    p.add_argument("--match", default=r"tile<", help="functions that are looked at: a regular expression (tile<)")
    p.add_argument("--least", type=int, default=2, help="multiply-adds, or products and sums, that it must have (2)")
    p.add_argument("--json", help="file for the figures")
    o = p.parse_args()
    found = {str(program): kernels(program, re.compile(o.match), o.least) for program in o.programs}
    for program, rows in found.items():
        print(f"\n{program}\n")
        print("| hot code | " + " | ".join(COLUMNS) + " | instructions for each | micro-operations | bytes read |")
        print("| --- |" + " ---: |" * (len(COLUMNS) + len(RATIOS)))
        for name, n in rows.items():
            print(f"| `{name}` | " + " | ".join(str(n[c]) for c in COLUMNS) + " | " +
                  " | ".join(f"{n['each'][r]:.2f}" for r in RATIOS) + " |")
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(found, indent=2) + "\n")
    if not all(found.values()):
        sys.exit("inner_loops.py: no function matches, or none multiplies and adds")


if __name__ == "__main__":
    main()
