# SPDX-License-Identifier: MIT
"""Times matmul_scaling and scalapack_gemm in turn and prints a table. matmul.sh calls it."""
import argparse
import json
import os
import statistics
import subprocess
import sys

SHAPES = (((2048, 2048, 2048), 1.6), ((512, 512, 512), 1.5), ((64, 4096, 4096), 1.7))
PEAK_GOAL = {(2048, 2048, 2048): 0.85}
BLOCKS = (32, 64, 128, 256, 512)
BEGIN, END = "<!-- matmul: begin -->", "<!-- matmul: end -->"


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
            peer.setdefault((r["nb"], r["grid"]), []).extend(r["ms"])
        if number >= 1:
            best = sorted(peer, key=lambda name: min(peer[name]))[:2]
            blocks = sorted({nb for nb, _ in best})
    return mpar, peer, core


def row(shape, goal, mpar, peer):
    flops = 2e-6 * shape[0] * shape[1] * shape[2]
    best = min(peer, key=lambda name: min(peer[name]))
    middle = min(peer, key=lambda name: statistics.median(peer[name]))
    times, reports = peer[best], mpar["static"]
    minimum = min(r["time_ms"]["min"] for r in reports)
    median = statistics.median(r["time_ms"]["median"] for r in reports)
    off = min(r["time_ms"]["min"] for r in mpar["off"])
    peak = max(r["peak_gflops"] for r in reports)
    ratio, fraction = min(times) / minimum, flops / minimum / peak
    wanted = PEAK_GOAL.get(shape)
    chosen = reports[0]
    grid = " x ".join(map(str, chosen["grid"]))
    met = ratio >= goal and (not wanted or fraction >= wanted)
    return (f"| {shape[0]} x {shape[1]} x {shape[2]} | {chosen['algorithm']} {grid} | {minimum:.3f} ms | "
            f"{flops / minimum:.1f} | {100 * fraction:.1f} %{f' (at least {100 * wanted:.0f} %)' if wanted else ''} | "
            f"{off:.3f} ms | {min(times):.3f} ms (nb {best[0]}, {best[1]}) | {flops / min(times):.1f} | "
            f"**{ratio:.2f}** | {statistics.median(peer[middle]) / median:.2f} | {goal} | {'yes' if met else 'no'} |")


def main():
    parser = argparse.ArgumentParser(prog="benchmarks/peers/matmul.sh")
    parser.add_argument("--mpar", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--peer", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--repeat", type=int, default=10, help="products of each contestant in a round")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--nice", type=int, default=0, help="priority, as root: where other processes cannot be stopped")
    parser.add_argument("--page", help="a file whose lines between the matmul marks are replaced by the table")
    o = parser.parse_args()
    lines = ["| M x N x K | mpar | min | GFLOP/s | of the FMA peak | with messages | psgemm at its best, min | GFLOP/s | "
             "ratio of minima | of medians | at least | met |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"]
    core = ""
    for shape, goal in SHAPES:
        mpar, peer, core = compare(o, shape)
        lines.append(row(shape, goal, mpar, peer))
    lines += ["", f"{o.ranks} ranks, {o.rounds} rounds of {o.repeat} products each; psgemm with nb {', '.join(map(str, BLOCKS))}, "
              f"on each grid; OpenBLAS chose its kernels for {core}, one thread a rank; mpar {mpar['static'][0]['isa']}."]
    text = "\n".join(lines)
    print(text)
    if o.page:
        with open(o.page, encoding="utf-8") as file:
            page = file.read()
        before, rest = page.split(BEGIN)
        with open(o.page, "w", encoding="utf-8") as file:
            file.write(before + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
