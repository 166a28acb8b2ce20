# SPDX-License-Identifier: MIT
"""What each row may at most be, by the ISA of mpar's programs. Knows no row's contents.

A number: the ratio of p10s and of medians, both. A dictionary: these statistics.
"""
from settings import AVX2

COMMON = {"scaling": 1.08, "resnet50_8_1": 0.78, "resnet50_8_2": 0.78, "efficientnet_lite0_1": 0.85, "start": 0.25,
          "start_of_all": 1.0, "memory_1": 0.7, "memory_2": 1.0, "memory_of_all": 1.0, "collectives": 0.33, "neighbour": 1.25}
GOALS = {
    "AVX-512": {"resnet50_1": 0.80, "resnet50_1_exact": 1.00, "resnet50_2": 0.70, "resnet18_1": 0.65, "resnet34_1": 0.65},
    AVX2: {"resnet50_1": {"p10": 0.77, "median": 0.85, "min": 0.75}, "resnet50_1_exact": 0.95,
           "resnet50_2": {"p10": 0.75, "median": 0.80, "min": 0.71}, "resnet18_1": 0.75, "resnet34_1": 0.75},
}
# psgemm's time over mpar's, at least; of minima, of p10s and of medians. `peak`: share of the multiply-adds' peak.
PRODUCTS = {
    "AVX-512": {(2048, 2048, 2048): {"ratio": 1.6, "peak": 0.85}, (512, 512, 512): {"ratio": 1.5},
                (64, 4096, 4096): {"ratio": 1.7}},
    AVX2: {(2048, 2048, 2048): {"ratio": 1.6, "peak": 0.85}, (512, 512, 512): {"ratio": 1.4},
           (64, 4096, 4096): {"ratio": 1.6}},
}


def goals(isa):
    return COMMON | GOALS.get(isa, GOALS[AVX2])


def limits(goal):
    """{statistic: limit}"""
    if goal is None:
        return {}
    return goal if isinstance(goal, dict) else {"p10": goal, "median": goal}


def met(ratio, goal):
    """requires: a goal. returns: whether every statistic that there is keeps to it.

    >>> met({"p10": 0.79, "median": 0.81, "min": 0.7}, 0.80), met({"p10": 0.79, "median": 0.80, "min": 0.9}, 0.80)
    (False, True)
    >>> met({"p10": 0.76, "median": 0.84, "min": 0.76}, GOALS[AVX2]["resnet50_1"]), met({"p10": 0.7}, 0.7)
    (False, True)
    """
    return all(ratio[name] <= limit for name, limit in limits(goal).items() if name in ratio)


def words(goal):
    """As the table says it.

    >>> words(0.8), words({"p10": 0.77, "median": 0.85}), words(None)
    ('0.80', '0.77, median 0.85', '')
    """
    if goal is None or not isinstance(goal, dict):
        return "" if goal is None else f"{goal:.2f}"
    return ", ".join(f"{limit:.2f}" if name == "p10" else f"{name} {limit:.2f}" for name, limit in goal.items())
