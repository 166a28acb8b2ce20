# SPDX-License-Identifier: MIT
"""Rows of what a process costs before its first answer: the time and the memory."""
import figures
import settings
import turns

ONNX_RUNTIME = "onnxruntime session"


def start(bench, network, of_onnx_runtime, of_all):
    """From the process' beginning to the first logits, against a session's making and first run."""
    weights, cached = bench.weights(network)
    saved = {"onnxruntime": bench.forget(f"{bench.scratch}/{network}.optimised.onnx"),
             "openvino": bench.forget(f"{bench.scratch}/compiled")}
    kinds = {
        "mpar, 1 rank": lambda: bench.mpar("", network, 1, 0, **weights, **cached),
        "mpar under mpirun, 1 rank": lambda: bench.mpar("", network, 1, 1, **weights, **cached),
        "mpar under mpirun, 2 ranks": lambda: bench.mpar("", network, 1, 2, **weights, **cached),
    }
    if cached:
        kinds["mpar without its cache, 1 rank"] = lambda: bench.mpar("", network, 1, 0, **weights)
    for e in settings.PEERS:
        kinds[f"{e} session"] = lambda e=e: bench.peer(e, network, 1, 1, {})
        if e in saved:
            kinds[f"{e} session, saved"] = lambda e=e: bench.peer(e, network, 1, 1, {"saved": saved[e]})
    took = {k: [] for k in kinds}
    took |= {f"mpar, 1 rank: until {what}": [] for what in ("MPI_Init is done", "its weights are there")}
    took |= {f"{e} whole process": [] for e in settings.PEERS}
    order = list(kinds)
    for r in range(bench.starts + 1):
        for k in order[r % len(order):] + order[: r % len(order)]:
            turns.rest(0.05)
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
    sessions = [f"{e} session" for e in bench.counted()]

    def row(peer, theirs, goal):
        best = min(theirs, key=lambda k: figures.summary(took[k])["p10"])
        return {"what": f"{network}: start of the process to first logits, 1 rank" + ", weights cached" * bool(cached),
                "ours": "mpar, 1 rank", "theirs": best, "at_most": goal, "unit": "ms",
                "peer": f"{peer}: making the session and the first run",
                "ratio": figures.ratio(took["mpar, 1 rank"], [took[k] for k in theirs])}
    rows = [row(f"the best of {settings.listed(bench.counted())}", sessions, of_all)]
    if ONNX_RUNTIME in sessions:
        rows.insert(0, row("ONNX Runtime", [ONNX_RUNTIME], of_onnx_runtime))
    return {"contestants": {k: figures.summary(v) for k, v in took.items()}, "samples": took, "rows": rows}


def memory(bench, network, one, two, of_all):
    """The most that was resident, and what is shared counted once."""
    weights, cached = bench.weights(network)
    kinds = {"mpar, 1 rank": lambda: bench.mpar("", network, 1, 1, **weights, **cached),
             "mpar, 2 ranks": lambda: bench.mpar("", network, 1, 2, **weights, **cached)}
    kinds |= {e: lambda e=e: bench.peer(e, network, 1, 1, {}) for e in settings.PEERS}
    found = {}
    for k, make in kinds.items():
        c = make()
        try:
            c.ready()
            c.run(3)
            found[k] = {"peak": c.peak(), "proportional": c.proportional(), "before": getattr(c, "before", 0)}
        finally:
            c.stop()
    least = min(bench.counted(), key=lambda e: found[e]["peak"])

    def row(what, ours, goal, engine="onnxruntime"):
        theirs = found[engine]["peak"]
        return {"what": f"{network}: {what}", "peer": f"{settings.NAMES[engine]}'s process, VmHWM", "at_most": goal,
                "of": [ours, theirs], "unit": "MB", "ratio": {"p10": ours / theirs}}
    peak, shared = found["mpar, 1 rank"]["peak"], found["mpar, 2 ranks"]["proportional"]
    return {"memory": found, "rows": [
        row("peak memory of 1 rank, VmHWM", peak, one),
        row("memory of 2 ranks, what they share counted once (PSS)", shared, two),
        row("the same, shared pages counted for each (sum of VmHWM)", found["mpar, 2 ranks"]["peak"], None),
        row("peak memory of 1 rank, against the least of all peers", peak, of_all, least)]}
