# SPDX-License-Identifier: MIT
"""What is said of samples: percentiles, and ratios with the interval that chance leaves them. Knows no engine."""
import numpy as np

STATISTICS = {"min": lambda v: v.min(axis=-1), "p10": lambda v: np.quantile(v, 0.1, axis=-1),
              "median": lambda v: np.median(v, axis=-1)}
RESAMPLES = 2000


def summary(samples):
    v = np.asarray(samples, float)
    return {name: float(f(v)) for name, f in STATISTICS.items()} | {"n": len(v)}


def ratio(ours, theirs):
    """ours / the best of theirs: {min, p10, median, interval}. `theirs`: lists of samples taken in the same rounds.

    The interval holds the ratio of p10s in 95 % of resamples of whole rounds, so that a slow minute of the machine
    stays one event for all.
    """
    return of([ours] + theirs, lambda first, *others: first / np.minimum.reduce(others))


def of(lists, combine):
    """`combine` of the statistic of each list."""
    lists = [np.asarray(v, float) for v in lists]
    result = {name: float(combine(*(f(v) for v in lists))) for name, f in STATISTICS.items()}
    draws = np.random.default_rng(1).integers(len(lists[0]), size=(RESAMPLES, len(lists[0])))
    resampled = combine(*(STATISTICS["p10"](v[draws]) for v in lists))
    result["interval"] = [float(q) for q in np.quantile(resampled, (0.025, 0.975))]
    return result
