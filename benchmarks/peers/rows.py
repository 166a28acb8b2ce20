# SPDX-License-Identifier: MIT
"""Rows of whole networks: mpar and all peers run in turn, and what the table says of it."""
import figures
import settings
import turns
from contestants import Failed, Peer

FLOPS = 4e9  # of a contestant of multiply-adds alone, on all its ranks together


def check_logits(contestants_):
    """All agree to 1e-4 of the greatest. throws: Failed."""
    reference = None
    for c in contestants_:
        y = c.logits()
        if reference is None:
            reference, first = y, c.label
        if y.shape != reference.shape:
            raise Failed(f"{c.label} gives logits of shape {y.shape}, {first} of {reference.shape}")
        worst, greatest = abs(y - reference).max(), abs(reference).max()
        if not worst <= 1e-4 * greatest:
            raise Failed(f"{c.label} and {first} give different logits: they differ by {worst:g}, the greatest is "
                         f"{greatest:g}")


def forwards(bench, network, batch, threads, ours, rows, alone=(), direct=False):
    """Runs `ours`, contestants not yet ready, and all peers in turn. `rows`: what comes of the times and the peers that
    count. `alone`: labels of those that run no network. `direct`: peers' direct sums too. returns: the group's result.
    """
    started = []
    try:
        started += [start() for start in ours]
        started += [bench.peer(e, network, batch, threads, how)
                    for e in settings.PEERS for how in settings.tried(e, threads, batch, direct)]
        for c in started:
            c.ready()
        check_logits([c for c in started if c.label not in alone])
        pause = turns.quiet_pause(started)
        rounds = max(1, bench.rounds // (2 if batch > 1 else 1))
        took, others = turns.interleaved(started, rounds, bench.patience, pause, bench.each, bench.progress)
        peers = [c for c in started if isinstance(c, Peer)]
        peak = {label: FLOPS / figures.summary(took[label])["p10"] for label in alone}
        return {"contestants": {c.label: figures.summary(took[c.label]) for c in started}, "peak": peak,
                "versions": {c.engine: c.version for c in peers},
                "kernels": {c.engine: c.kernels for c in peers if c.kernels},
                "pause_ms": pause * 1e3, "others": others, "samples": took,
                "rows": rows(took, [c for c in peers if bench.counts(c.engine)])}
    finally:
        for c in started:
            c.stop()


def against_peers(bench, what, ours, threads, goal, direct=False):
    """A row: ours against the best engine in its best setting. `direct`: without Winograd's filtering."""
    by = f"{threads} thread{'s' * (threads > 1)}"

    def row(took, peers):
        labels = [c.label for c in peers if not direct or settings.sums_directly(c.engine, c.settings)]
        best = min(labels, key=lambda label: figures.summary(took[label])["p10"])
        return {"what": what, "ours": ours, "theirs": best, "at_most": goal, "unit": "ms",
                "peer": f"the best of {settings.listed(bench.counted())}, {by}" + ", direct sums" * direct,
                "ratio": figures.ratio(took[ours], [took[label] for label in labels])}
    return row


def one_rank(bench, network, batch, goal, title, exact=None):
    ours, alone = [lambda: bench.mpar("mpar, 1 rank", network, batch, 1), lambda: bench.multiply_adds(1)], [
        "multiply-adds, 1 rank"]
    rows = [against_peers(bench, f"{title}, 1 rank", "mpar, 1 rank", 1, goal)]
    if exact:
        ours.insert(1, lambda: bench.mpar("mpar exact, 1 rank", network, batch, 1, exact=True))
        rows.append(against_peers(bench, f"{title} exact, 1 rank", "mpar exact, 1 rank", 1, exact, direct=True))
    return forwards(bench, network, batch, 1, ours, lambda t, p: [row(t, p) for row in rows], alone, bool(exact))


def two_ranks(bench, network, batch, goal, title, scaling=None):
    ours, alone = [lambda: bench.mpar("mpar, 2 ranks", network, batch, 2), lambda: bench.multiply_adds(2)], [
        "multiply-adds, 2 ranks"]
    if scaling:
        ours[1:1] = [lambda: bench.mpar("mpar, 1 rank", network, batch, 1), lambda: bench.multiply_adds(1)]
        alone.append("multiply-adds, 1 rank")

    def rows(took, peers):
        result = [against_peers(bench, f"{title}, 2 ranks", "mpar, 2 ranks", 2, goal)(took, peers)]
        if scaling:
            lists = [took[k] for k in ("mpar, 2 ranks", "mpar, 1 rank", *alone)]
            two, one, two_alone, one_alone = (figures.summary(v)["p10"] for v in lists)
            result.append({"what": f"{title}, 2 ranks / 1 rank", "peer": "multiply-adds in registers, 2 cores / 1 core",
                           "ratio": figures.of(lists, lambda a, b, c, d: (a / b) / (c / d)), "at_most": scaling,
                           "of": [two / one, two_alone / one_alone]})
        return result
    return forwards(bench, network, batch, 2, ours, rows, alone)
