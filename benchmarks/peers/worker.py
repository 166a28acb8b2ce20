# SPDX-License-Identifier: MIT
"""Another engine in a process of its own, which sleeps until it is told to run. contestants.py speaks with it.

usage: worker.py ENGINE MODEL BATCH THREADS [SETTING=VALUE...]        MODEL: a path without its ending
Writes a line of JSON when the first forward is done, then obeys: 'run N', 'logits FILE' (raw floats), 'quit'.
"""
import gc
import json
import os
import sys
import time

import numpy as np

from engines import ENGINES


def resident():
    """Bytes of VmHWM, the most that was ever resident."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def own_answers():
    """What only answers are written to: some engines print, and mean it for a person."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def main():
    name, path, batch, threads = sys.argv[1:5]
    settings = dict(s.split("=", 1) for s in sys.argv[5:])
    answers = own_answers()
    made = ENGINES[name]
    e = made(path + made.format, int(batch), int(threads), settings)
    before, began = resident(), time.perf_counter_ns()
    e.load()
    e.forward()
    first, at = time.perf_counter_ns() - began, time.monotonic_ns()
    gc.collect()
    gc.disable()
    kernels = e.kernels if "isa" in settings else ""
    print(json.dumps({"version": e.version, "kernels": kernels, "first": first, "at": at, "before": before}),
          file=answers, flush=True)
    for line in sys.stdin:
        what, *argument = line.split()
        if what == "run":
            took = []
            for _ in range(int(argument[0])):
                began = time.perf_counter_ns()
                e.forward()
                took.append(time.perf_counter_ns() - began)
            print(*took, file=answers, flush=True)
        elif what == "logits":
            np.ascontiguousarray(e.logits(), np.float32).tofile(argument[0])
            print(0, file=answers, flush=True)
        else:
            return


if __name__ == "__main__":
    main()
