# SPDX-License-Identifier: MIT
"""What is held against what: groups of contestants that run in turn, and the table's rows that come of them."""
import json
import math
import os
import subprocess
import sys
import tempfile
from importlib import metadata

import contestants
import figures
from contestants import Failed, Peer, Ranks

PEERS = ("onnxruntime", "openvino")
# the settings of each engine that are tried: the best counts
SETTINGS = {
    ("onnxruntime", 1): [{}, {"level": "extended"}],
    ("onnxruntime", 2): [{}, {"spin": "0"}, {"level": "extended"}],
    ("openvino", 1): [{}],
    ("openvino", 2): [{}, {"pin": "0"}],
}
HALVES = [{"streams": "2"}]  # besides, for a batch on two threads


class Bench:
    """Where things are, and how much is asked for."""

    def __init__(self, top, programs, models, scratch, rounds, patience, each, starts, core, cache):
        self.forward = os.path.join(programs, "peer_forward")
        self.collectives = os.path.join(programs, "bench_collectives")
        self.top, self.models, self.scratch, self.rounds, self.each, self.starts = top, models, scratch, rounds, each, starts
        self.patience = patience
        self.core, self.both = [core], sorted([core, 1 - core] if core < 2 else [core, core - 1])
        self.cache = cache  # does peer_forward know --cache?
        self.progress = None
        self.notes = []

    def model(self, name, ending=".onnx"):
        return os.path.join(self.models, name + ending)

    def mpar(self, label, network, batch, ranks, **options):
        if ranks > 1:
            options["team"] = "claim"
        return Ranks(label, self.forward, ranks, self.both if ranks > 1 else self.core, model=network,
                     batch=batch, **options)

    def peer(self, engine, network, batch, threads, settings):
        label = " ".join([engine, f"{threads} thread{'s' * (threads > 1)}"] + [f"{k}={v}" for k, v in settings.items()])
        return Peer(label, engine, self.model(network), batch, threads,
                    self.both if threads > 1 else self.core, **settings)


def check_logits(contestants_):
    """All agree to 1e-4 of the greatest. throws: Failed."""
    reference = None
    for c in contestants_:
        y = c.logits()
        if reference is None:
            reference, first = y, c.label
        worst, greatest = abs(y - reference).max(), abs(reference).max()
        if y.shape != reference.shape or not worst <= 1e-4 * greatest:
            raise Failed(f"{c.label} and {first} give different logits: they differ by {worst:g}, the greatest is "
                         f"{greatest:g}")


def forwards(bench, network, batch, threads, ours, rows, alone=()):
    """Runs `ours` (functions that start contestants) and all peers in turn. returns: the group's result."""
    started = []
    try:
        started += [start() for start in ours]
        more = HALVES if batch > 1 and threads > 1 else []
        started += [bench.peer(e, network, batch, threads, s) for e in PEERS for s in SETTINGS[e, threads] + more]
        for c in started:
            c.ready()
        check_logits([c for c in started if c.label not in alone])
        pause = contestants.quiet_pause(started)
        rounds = max(1, bench.rounds // (2 if batch > 1 else 1))
        took, others = contestants.interleaved(started, rounds, bench.patience, pause, bench.each, bench.progress)
        result = {"contestants": {c.label: figures.summary(took[c.label]) for c in started},
                  "versions": {c.engine: c.version for c in started if isinstance(c, Peer)},
                  "pause_ms": pause * 1e3, "others": others, "samples": took}
        result["rows"] = rows(took, [c.label for c in started if isinstance(c, Peer)])
        return result
    finally:
        for c in started:
            c.stop()


def against_peers(what, ours, threads, goal):
    """A row: ours against the better engine in its best setting."""
    def row(took, labels):
        best = min(labels, key=lambda label: figures.summary(took[label])["p10"])
        return {"what": what, "ours": ours, "theirs": best, "at_most": goal, "unit": "ms",
                "peer": f"the better of ONNX Runtime and OpenVINO, {threads} thread{'s' * (threads > 1)}",
                "ratio": figures.ratio(took[ours], [took[label] for label in labels])}
    return row


def one_rank(bench, network, batch, goal, title, exact=None):
    ours, rows = [lambda: bench.mpar("mpar, 1 rank", network, batch, 1)], []
    rows.append(against_peers(f"{title}, 1 rank", "mpar, 1 rank", 1, goal))
    if exact:
        ours.append(lambda: bench.mpar("mpar exact, 1 rank", network, batch, 1, exact=True))
        rows.append(against_peers(f"{title} exact, 1 rank", "mpar exact, 1 rank", 1, exact))
    return forwards(bench, network, batch, 1, ours, lambda t, p: [row(t, p) for row in rows])


def two_ranks(bench, network, batch, goal, title, scaling=None):
    ours, alone = [lambda: bench.mpar("mpar, 2 ranks", network, batch, 2)], ()
    if scaling:
        alone = ("multiply-adds, 1 rank", "multiply-adds, 2 ranks")
        ours += [lambda: bench.mpar("mpar, 1 rank", network, batch, 1),
                 lambda: Ranks(alone[0], bench.forward, 1, bench.core, model="fma"),
                 lambda: Ranks(alone[1], bench.forward, 2, bench.both, model="fma")]

    def rows(took, peers):
        result = [against_peers(f"{title}, 2 ranks", "mpar, 2 ranks", 2, goal)(took, peers)]
        if scaling:
            lists = [took[k] for k in ("mpar, 2 ranks", "mpar, 1 rank", alone[1], alone[0])]
            result.append({"what": f"{title}, 2 ranks / 1 rank", "peer": "multiply-adds in registers, 2 cores / 1 core",
                           "ratio": figures.of(lists, lambda a, b, c, d: (a / b) / (c / d)), "at_most": scaling,
                           "of": [a["p10"] / b["p10"] for a, b in
                                  ((figures.summary(lists[0]), figures.summary(lists[1])),
                                   (figures.summary(lists[2]), figures.summary(lists[3])))]})
        return result
    return forwards(bench, network, batch, 2, ours, rows, alone)


def start(bench, network, goal):
    """From the process' beginning to the first logits, against a session's making and first run."""
    weights, cached = bench.model(network, ".safetensors"), {}
    if bench.cache:
        cached = {"cache": os.path.join(bench.scratch, "weights")}
    saved = {"onnxruntime": os.path.join(bench.scratch, network + ".optimised.onnx"),
             "openvino": os.path.join(bench.scratch, "compiled")}
    for path in saved.values():
        subprocess.run(["rm", "-rf", path], check=True)
    kinds = {
        "mpar, 1 rank": lambda: bench.mpar("", network, 1, 0, weights=weights, **cached),
        "mpar under mpirun, 1 rank": lambda: bench.mpar("", network, 1, 1, weights=weights, **cached),
        "mpar under mpirun, 2 ranks": lambda: bench.mpar("", network, 1, 2, weights=weights, **cached),
    }
    if cached:
        kinds["mpar without its cache, 1 rank"] = lambda: bench.mpar("", network, 1, 0, weights=weights)
    for e in PEERS:
        kinds[f"{e} session"] = lambda e=e: bench.peer(e, network, 1, 1, {})
        kinds[f"{e} session, saved"] = lambda e=e: bench.peer(e, network, 1, 1, {"saved": saved[e]})
    took = {k: [] for k in kinds}
    took |= {f"mpar, 1 rank: until {what}": [] for what in ("MPI_Init is done", "its weights are there")}
    took |= {f"{e} whole process": [] for e in PEERS}
    order = list(kinds)
    for r in range(bench.starts + 1):
        for k in order[r % len(order):] + order[: r % len(order)]:
            contestants.rest(0.05)
            c = kinds[k]()
            try:
                c.ready()
            finally:
                c.stop()
            if r == 0:
                continue  # files come into memory, caches are written
            took[k].append(c.first)
            if k == "mpar, 1 rank":
                took["mpar, 1 rank: until MPI_Init is done"].append(c.moments[0])
                took["mpar, 1 rank: until its weights are there"].append(c.moments[1])
            elif k.endswith("session"):
                took[f"{c.engine} whole process"].append(c.whole)
        if bench.progress:
            bench.progress(r + 1, bench.starts + 1)
    return {"contestants": {k: figures.summary(v) for k, v in took.items()}, "samples": took, "rows": [
        {"what": f"{network}: start of the process to first logits, 1 rank" + (", weights cached" if cached else ""),
         "ours": "mpar, 1 rank", "theirs": "onnxruntime session", "at_most": goal, "unit": "ms",
         "peer": "ONNX Runtime: making the session and the first run",
         "ratio": figures.ratio(took["mpar, 1 rank"], [took["onnxruntime session"]])}]}


def memory(bench, network, one, two):
    """The most that was resident, and what is shared counted once."""
    weights, cached = bench.model(network, ".safetensors"), {}
    if bench.cache:
        cached = {"cache": os.path.join(bench.scratch, "weights")}
    kinds = {"mpar, 1 rank": lambda: bench.mpar("", network, 1, 1, weights=weights, **cached),
             "mpar, 2 ranks": lambda: bench.mpar("", network, 1, 2, weights=weights, **cached)}
    kinds |= {e: lambda e=e: bench.peer(e, network, 1, 1, {}) for e in PEERS}
    found = {}
    for k, make in kinds.items():
        c = make()
        try:
            c.ready()
            c.run(3)
            found[k] = {"peak": c.peak(), "proportional": c.proportional(), "before": getattr(c, "before", 0)}
        finally:
            c.stop()
    theirs = found["onnxruntime"]["peak"]

    def row(what, ours, goal):
        return {"what": f"{network}: {what}", "peer": "ONNX Runtime's process, VmHWM", "at_most": goal,
                "of": [ours, theirs], "unit": "MB", "ratio": {"p10": ours / theirs}}
    return {"memory": found, "rows": [
        row("peak memory of 1 rank, VmHWM", found["mpar, 1 rank"]["peak"], one),
        row("memory of 2 ranks, what they share counted once (PSS)", found["mpar, 2 ranks"]["proportional"], two),
        row("the same, shared pages counted for each (sum of VmHWM)", found["mpar, 2 ranks"]["peak"], None)]}


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
    venv, program = sys.prefix, os.path.join(bench.scratch, "onednn_layers")
    mpi = subprocess.run(["mpicxx", "--showme:compile"], capture_output=True, text=True).stdout.split()
    done = subprocess.run(
        ["g++", "-std=c++20", "-O2", "-march=native", "-DNDEBUG", "-DOMPI_SKIP_MPICXX", *mpi, "-I" + bench.top + "/include",
         "-I" + bench.top + "/benchmarks", "-isystem", venv + "/include", contestants.HERE + "/onednn_layers.cpp", "-o",
         program, "-L" + venv + "/lib", "-ldnnl", "-Wl,--disable-new-dtags,-rpath," + venv + "/lib"],
        capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"onednn_layers.cpp does not compile: {(done.stderr.splitlines() or ['no word'])[0]}")
    done = subprocess.run([program, str(bench.rounds)], capture_output=True, text=True,
                          env=dict(os.environ, OMP_NUM_THREADS="1"), **contestants.on(bench.core))
    if done.returncode:
        raise Failed(f"onednn_layers ended with code {done.returncode}: {done.stderr.strip()}")
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    total = {k: sum(f[k] * f["times"] for f in found) for k in ("direct", "fast", "onednn")}
    rows = [{"what": f"{network}'s {sum(f['times'] for f in found)} convolutions, {words}", "unit": "ms", "at_most": None,
             "peer": "oneDNN, 1 thread, layer by layer", "of": [total[k], total["onednn"]],
             "ratio": {"p10": total[k] / total["onednn"]}}
            for k, words in (("direct", "direct"), ("fast", "Winograd where it pays"))]
    return {"layers": found, "rows": rows, "versions": {"onednn-cpu-gomp": metadata.version("onednn-cpu-gomp")}}


def groups(isa):
    """{name: function of a Bench}, in the order of the table."""
    resnet50 = 0.80 if isa == "AVX-512" else 0.75
    return {
        "resnet50_1": lambda b: one_rank(b, "resnet50", 1, resnet50, "ResNet-50", exact=1.00),
        "resnet50_2": lambda b: two_ranks(b, "resnet50", 1, 0.70, "ResNet-50", scaling=1.08),
        "resnet50_8_1": lambda b: one_rank(b, "resnet50", 8, 0.78, "ResNet-50, batch 8"),
        "resnet50_8_2": lambda b: two_ranks(b, "resnet50", 8, 0.78, "ResNet-50, batch 8"),
        "resnet18_1": lambda b: one_rank(b, "resnet18", 1, 0.65, "ResNet-18"),
        "resnet34_1": lambda b: one_rank(b, "resnet34", 1, 0.65, "ResNet-34"),
        "efficientnet_lite0_1": lambda b: one_rank(b, "efficientnet_lite0", 1, 0.90,
                                                   "EfficientNet-Lite0"),
        "start": lambda b: start(b, "resnet50", 0.25),
        "memory": lambda b: memory(b, "resnet50", 0.7, 1.0),
        "collectives": lambda b: collectives(b, 0.33),
        "layers": lambda b: layers(b, "ResNet-50"),
    }
