# SPDX-License-Identifier: MIT
"""Rows of parts of a network: collectives of two ranks, and convolutions layer by layer."""
import json
import math
import os
import subprocess
import sys
import tempfile
from importlib import metadata

import contestants
from contestants import Failed


def collectives(bench, goal):
    """bench_collectives on two ranks: mpar and MPI in turn in one process, MPI with and without single copies."""
    runs = []
    for mechanism in ("cma", "none"):
        with tempfile.NamedTemporaryFile(suffix=".json") as out:
            command = [
                "mpirun", "-q", "-n", "2", "--bind-to", "core", bench.collectives, f"--rounds={bench.rounds * 5}",
                "--benchmark_out_format=json", f"--benchmark_out={out.name}"]
            environment = dict(contestants.mpi_environment(), OMPI_MCA_btl_vader_single_copy_mechanism=mechanism)
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, **contestants.on(bench.both))
            if done.returncode == 0:
                runs.append([{"single_copy": mechanism == "cma"} | b for b in json.load(open(out.name))["benchmarks"]])
    if not runs:  # some containers forbid the first
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise Failed(f"bench_collectives ended with code {done.returncode}: {words[-1] if words else 'no word'}")
    fields = ("name", "bytes", "mpar_us", "mpi_us", "ratio", "ratio_min", "ratio_median", "single_copy")
    sizes = [{k: min(same, key=lambda b: b["mpi_us"])[k] for k in fields} for same in zip(*runs)]
    rows = []
    for kind in ("all_gather", "all_reduce"):
        for part, words, limit in (("call", "", goal), ("whole", ", writing before and reading after included", None)):
            small = [s for s in sizes if s["name"].startswith(f"{kind}/{part}/") and s["bytes"] <= 64 << 10]
            worst = max(small, key=lambda s: s["ratio"])
            mean = math.prod(s["ratio"] for s in small) ** (1 / len(small))
            rows.append({"what": f"{kind} on a node, 8 B to 64 KiB{words}: the worst, {int(worst['bytes'])} B "
                                 f"(geometric mean {mean:.3f})",
                         "peer": "Open MPI's MPI_All" + kind[4:], "at_most": limit, "unit": "us",
                         "of": [worst["mpar_us"], worst["mpi_us"]],
                         "ratio": {"p10": worst["ratio"], "min": worst["ratio_min"], "median": worst["ratio_median"]}})
    return {"sizes": sizes, "rows": rows}


def layers(bench, network):
    """Every convolution of ResNet-50: mpar's kernels and oneDNN's in turn in one process on one core."""
    venv = sys.prefix
    program = bench.compile("onednn_layers.cpp", "-isystem", venv + "/include", "-L" + venv + "/lib", "-ldnnl",
                            "-Wl,--disable-new-dtags,-rpath," + venv + "/lib")
    environment = dict(os.environ, OMP_NUM_THREADS="1", **({"ONEDNN_MAX_CPU_ISA": "AVX2"} if bench.held else {}))
    done = subprocess.run([program, str(bench.rounds)], capture_output=True, text=True,
                          env=environment, **contestants.on(bench.core))
    if done.returncode:
        raise Failed(f"onednn_layers ended with code {done.returncode}: {done.stderr.strip()}")
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    total = {k: sum(f[k] * f["times"] for f in found) for k in ("direct", "fast", "onednn")}
    rows = [{"what": f"{network}'s {sum(f['times'] for f in found)} convolutions, {words}", "unit": "ms", "at_most": None,
             "peer": "oneDNN, 1 thread, layer by layer", "of": [total[k], total["onednn"]],
             "ratio": {"p10": total[k] / total["onednn"]}}
            for k, words in (("direct", "direct"), ("fast", "Winograd where it pays"))]
    return {"layers": found, "rows": rows, "versions": {"onednn-cpu-gomp": metadata.version("onednn-cpu-gomp")}}
