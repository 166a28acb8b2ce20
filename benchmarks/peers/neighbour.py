# SPDX-License-Identifier: MIT
"""A busy neighbour on the other hardware thread of the core: what mpar and the peers keep beside it. Knows no ISA."""
import os
import signal
import subprocess

import figures
import numpy as np
import settings
import turns
from contestants import Contestant, Failed, Peer

KINDS = ("stream", "multiply")
WHERE = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def sibling(core):
    """The other hardware thread of a core. throws: Failed, where none is to be seen."""
    with open(WHERE.format(core)) as file:
        words = file.read().strip()
    known = set()
    for part in words.split(","):
        first, _, last = part.partition("-")
        known |= set(range(int(first), int(last or first) + 1))
    others = sorted((known - {core}) & os.sched_getaffinity(0))
    if not others:
        raise Failed(f"core {core} shows no second hardware thread (thread_siblings_list: {words}), so nobody can be put "
                     "beside mpar here; benchmarks/inner_loops.py counts what its inner loops lean on instead")
    return others[0]


class Neighbour(Contestant):
    """neighbour.cpp, which is stopped and goes on by signals."""

    def __init__(self, program, kind, core):
        super().__init__(f"{kind}ing neighbour", "neighbour", {core})
        self.spawn([program, kind], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.pids = [self.process.pid]
        self.is_busy(False)

    def is_busy(self, busy):
        os.kill(self.process.pid, signal.SIGCONT if busy else signal.SIGSTOP)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Beside:
    """A contestant while the neighbour is busy."""

    def __init__(self, contestant, neighbour, counts):
        self.contestant, self.neighbour, self.label = contestant, neighbour, contestant.label + ", beside"
        self.counts = counts  # the neighbour's time, once for all

    def run(self, count):
        self.neighbour.is_busy(True)
        try:
            return self.contestant.run(count)
        finally:
            self.neighbour.is_busy(False)

    def ran(self):
        return self.neighbour.ran() if self.counts else np.array([0, 0])


def beside(bench, network, goal):
    """Each contestant alone and beside the neighbour, in turn, one thread each."""
    if bench.neighbour not in KINDS:
        raise Failed(f"the group neighbour asks for --neighbour {' or '.join(KINDS)}")
    core = sibling(bench.core[0])
    started = []
    try:
        started.append(Neighbour(bench.compile("neighbour.cpp"), bench.neighbour, core))
        started += [bench.mpar("mpar, 1 rank", network, 1, 1), bench.multiply_adds(1)]
        started += [bench.peer(e, network, 1, 1, {}) for e in bench.counted()]
        neighbour, *timed = started
        for c in timed:
            c.ready()
        pairs = timed + [Beside(c, neighbour, c is timed[0]) for c in timed]
        pause = turns.quiet_pause(timed)
        took, others = turns.interleaved(pairs, bench.rounds, bench.patience, pause, bench.each, bench.progress)

        def kept(peer):
            lists = [took[k] for k in ("mpar, 1 rank, beside", "mpar, 1 rank", peer + ", beside", peer)]
            loss = [figures.summary(v)["p10"] for v in lists]
            return {"what": f"{network}, 1 rank beside a neighbour that {bench.neighbour}s / alone", "at_most": goal,
                    "peer": f"{settings.named(peer)}: the same", "of": [loss[0] / loss[1], loss[2] / loss[3]],
                    "ratio": figures.of(lists, lambda a, b, c, d: (a / b) / (c / d))}
        return {"contestants": {c.label: figures.summary(took[c.label]) for c in pairs}, "samples": took,
                "versions": {c.engine: c.version for c in timed if isinstance(c, Peer)}, "pause_ms": pause * 1e3,
                "others": others, "rows": [kept(c.label) for c in timed if isinstance(c, Peer)]}
    finally:
        for c in started:
            c.stop()
