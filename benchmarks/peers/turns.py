# SPDX-License-Identifier: MIT
"""Contestants that run in turn, in rounds of which the quietest count. Knows no engine and no row of the table."""
import os
import time

from contestants import Failed


def rest(seconds):
    """Lets spinning threads fall asleep before the next contestant runs."""
    time.sleep(seconds)


QUIET = 0.02  # others may use this share of the cores in a round


def interleaved(contestants, rounds, patience, pause, each=1, progress=None):
    """{label: [ns, ...]}, [what others used of the cores, by round]: in every round each contestant runs once untimed and
    `each` times timed, in rotated order. Rounds that other processes disturbed are repeated; of all, at most
    `patience` * `rounds`, the `rounds` quietest count: for every contestant the same ones.
    """
    done = []
    for r in range(round(rounds * patience)):
        turn, usage, took = r % len(contestants), Usage(contestants), {}
        for c in contestants[turn:] + contestants[:turn]:
            rest(pause)
            took[c.label] = c.run(1 + each)[1:]
        done.append((usage.until_now(), took))
        quiet = sum(others <= QUIET for others, _ in done)
        if progress:
            progress(min(rounds, max(quiet, len(done) - round(rounds * (patience - 1)))), rounds)
        if quiet == rounds:
            break
    kept = sorted(done, key=lambda d: d[0])[:rounds]
    return {c.label: [t for _, took in kept for t in took[c.label]] for c in contestants}, [others for others, _ in kept]


def asleep(contestants, pause, watched=0.2):
    """The share of a core that the contestants burn together when none is told to run."""
    rest(pause)
    before, began = sum(c.ran()[0] for c in contestants), time.monotonic()
    time.sleep(watched)
    return (sum(c.ran()[0] for c in contestants) - before) * 1e-9 / (time.monotonic() - began)


def quiet_pause(contestants):
    """How long the contestants need, in seconds, until none of them burns a core. throws: Failed."""
    pause = 0.005
    while asleep(contestants, pause) > 0.01:
        pause *= 2
        if pause > 0.5:
            awake = [c.label for c in contestants if asleep([c], pause) > 0.01]
            raise Failed(f"{', '.join(awake) or 'a contestant'} burns a core while it should sleep")
    return pause


class Usage:
    """How far others than the contestants use the cores from now on, the host's other guests included."""

    def __init__(self, contestants):
        self.contestants = contestants
        self.began, self.busy, self.own = time.monotonic(), self.all(), self.ours()

    def ours(self):
        return sum(c.ran() for c in self.contestants) * 1e-9 + [time.process_time(), 0]

    @staticmethod
    def all():
        """Seconds that all cores together have been busy or stolen, in steps of some ticks."""
        with open("/proc/stat") as file:
            user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    def until_now(self):
        """A share: of all cores in others' hands, or of the time in which contestants wanted a core and had none."""
        seconds = time.monotonic() - self.began
        ran, waited = self.ours() - self.own
        ticks = 4 / os.sysconf("SC_CLK_TCK")
        return max(waited / (ran + waited), (self.all() - self.busy - ran - ticks) / seconds / os.cpu_count(), 0.0)
