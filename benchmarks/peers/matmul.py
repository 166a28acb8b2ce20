# SPDX-License-Identifier: MIT
"""Times matmul_scaling and scalapack_gemm in turn and prints a table. matmul.sh calls it."""
import argparse
import json
import os
import statistics
import subprocess
import sys

import goals
from settings import AVX2

BLOCKS = (32, 64, 128, 256, 512)


def run(o, command):
    binding = ["--bind-to", "core"] if o.ranks <= (os.cpu_count() or 1) else ["--oversubscribe"]
    launch = ["mpirun", "-q", "-n", str(o.ranks), *binding, *command]
    if o.nice:
        launch = ["nice", "-n", str(o.nice), *launch]
    done = subprocess.run(launch, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(launch)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def ours(o, shape, team):
    m, n, k = map(str, shape)
    return run(o, [o.mpar, "--m", m, "--n", n, "--k", k, "--team", team, "--repeat", str(o.repeat), "--json", "-"])


def theirs(o, shape, blocks):
    return run(o, [o.peer, *map(str, shape), str(o.repeat), *map(str, blocks)])


def compare(o, shape):
    """Rounds of all contestants; the peer with every block size first, then with its best ones."""
    mpar = {"static": [], "off": []}
    peer, blocks = {}, BLOCKS
    core = ""
    for number in range(o.rounds):
        for team, reports in mpar.items():
            reports.append(ours(o, shape, team))
        report = theirs(o, shape, blocks)
        core = report["core"]
        for r in report["runs"]:
            peer.setdefault((r["nb"], r["grid"]), []).append(r["ms"])
        if number >= 1:
            best = sorted(peer, key=lambda name: min(map(min, peer[name])))[:2]
            blocks = sorted({nb for nb, _ in best})
    return mpar, peer, core


def p10(times):
    """The smallest one that a tenth of all do not exceed, as mpar's programs have it."""
    return sorted(times)[int(0.1 * (len(times) - 1))]


# of the products of a round, and of the rounds
STATISTICS = {"min": (min, min), "p10": (p10, statistics.median), "median": (statistics.median, statistics.median)}


def row(shape, goal, mpar, peer):
    flops = 2e-6 * shape[0] * shape[1] * shape[2]
    best = min(peer, key=lambda name: min(map(min, peer[name])))
    reports, theirs = mpar["static"], min(map(min, peer[best]))
    minimum = min(r["time_ms"]["min"] for r in reports)
    off = min(r["time_ms"]["min"] for r in mpar["off"])
    peak = max(r["peak_gflops"] for r in reports)
    ratio = {name: min(over(map(of, rounds)) for rounds in peer.values()) / over(r["time_ms"][name] for r in reports)
             for name, (of, over) in STATISTICS.items()}
    fraction, wanted = flops / minimum / peak, goal.get("peak")
    chosen = reports[0]
    grid = " x ".join(map(str, chosen["grid"]))
    met = min(ratio.values()) >= goal["ratio"] and (not wanted or fraction >= wanted)
    return (f"| {shape[0]} x {shape[1]} x {shape[2]} | {chosen['algorithm']} {grid} | {minimum:.3f} ms | "
            f"{flops / minimum:.1f} | {100 * fraction:.1f} %{f' (at least {100 * wanted:.0f} %)' if wanted else ''} | "
            f"{off:.3f} ms | {theirs:.3f} ms (nb {best[0]}, {best[1]}) | {flops / theirs:.1f} | **{ratio['min']:.2f}** | "
            f"**{ratio['p10']:.2f}** | **{ratio['median']:.2f}** | {goal['ratio']} | {'yes' if met else 'no'} |")


def insert(path, text, isa):
    name = "matmul avx2" if isa == AVX2 else "matmul"
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    with open(path, encoding="utf-8") as file:
        before, _, rest = file.read().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        sys.exit(f"matmul.py: {path} has no lines {begin} and {end}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + begin + "\n" + text + "\n" + end + after)


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/peers/matmul.sh")
    parser.add_argument("--mpar", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--peer", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--repeat", type=int, default=10, help="products of each contestant in a round")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--nice", type=int, default=0, help="priority, as root: where other processes cannot be stopped")
    parser.add_argument("--isa", choices=["native", "avx2"], default="native", help="avx2: mpar is built for AVX2 and OpenBLAS "
                        "held to it (native)")
    parser.add_argument("--page", help="a file whose lines between the matmul marks are replaced by the table")
    o = parser.parse_args()
    lines = ["| M x N x K | mpar | min | GFLOP/s | of the FMA peak | with messages | psgemm at its best, min | GFLOP/s | "
             "ratio of minima | of p10s | of medians | at least | met |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"]
    isa = run(o, [o.mpar, "--m", "8", "--n", "8", "--k", "8", "--json", "-"])["isa"]
    for shape, goal in goals.PRODUCTS.get(isa, goals.PRODUCTS[AVX2]).items():
        mpar, peer, core = compare(o, shape)
        lines.append(row(shape, goal, mpar, peer))
    lines += ["", f"{o.ranks} ranks, {o.rounds} rounds of {o.repeat} products each; psgemm with nb {', '.join(map(str, BLOCKS))}, "
              f"on each grid; OpenBLAS chose its kernels for {core}{' (held to it)' * (o.isa == 'avx2')}, one thread a rank; "
              f"mpar {isa}, and so the peak."]
    text = "\n".join(lines)
    print(text)
    if o.page:
        insert(o.page, text, isa)


if __name__ == "__main__":
    main()
