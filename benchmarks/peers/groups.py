# SPDX-License-Identifier: MIT
"""The groups of contestants that run in turn, in the order of the table, with what each row may at most be."""
import goals
import neighbour
import parts
import rows
import startup


def groups(isa):
    """{name: function of a Bench}"""
    goal = goals.goals(isa).get
    single = {"resnet18_1": ("resnet18", "ResNet-18"), "resnet34_1": ("resnet34", "ResNet-34"),
              "efficientnet_lite0_1": ("efficientnet_lite0", "EfficientNet-Lite0")}
    return {
        "resnet50_1": lambda b: rows.one_rank(b, "resnet50", 1, goal("resnet50_1"), "ResNet-50", goal("resnet50_1_exact")),
        "resnet50_2": lambda b: rows.two_ranks(b, "resnet50", 1, goal("resnet50_2"), "ResNet-50", goal("scaling")),
        "resnet50_8_1": lambda b: rows.one_rank(b, "resnet50", 8, goal("resnet50_8_1"), "ResNet-50, batch 8"),
        "resnet50_8_2": lambda b: rows.two_ranks(b, "resnet50", 8, goal("resnet50_8_2"), "ResNet-50, batch 8"),
        **{name: lambda b, name=name, net=net, title=title: rows.one_rank(b, net, 1, goal(name), title)
           for name, (net, title) in single.items()},
        "start": lambda b: startup.start(b, "resnet50", goal("start"), goal("start_of_all")),
        "memory": lambda b: startup.memory(b, "resnet50", goal("memory_1"), goal("memory_2"),
                                           goal("memory_of_all")),
        "collectives": lambda b: parts.collectives(b, goal("collectives")),
        "layers": lambda b: parts.layers(b, "ResNet-50"),
        "neighbour": lambda b: neighbour.beside(b, "resnet50", goal("neighbour")),
    }


OPTIONAL = ("neighbour",)  # asked for by an option of its own
