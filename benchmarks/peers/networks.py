# SPDX-License-Identifier: MIT
"""The networks that are compared, as ONNX with seeded weights. Knows no engine and no clock.

usage: networks.py FOLDER NAME...      writes NAME.onnx and NAME.safetensors (the same weights under the same names)
"""
import math
import os
import sys

import numpy as np


def seeded(name, shape):
    """The values that include/mpar/io/seeded.hpp makes from a tensor's name, as float32."""
    with np.errstate(over="ignore"):
        h = np.uint64(0xCBF29CE484222325)
        for byte in name.encode():
            h = (h ^ np.uint64(byte)) * np.uint64(0x100000001B3)
        x = h + np.arange(math.prod(shape), dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    v = ((x >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0).reshape(shape)
    fan_in = math.prod(shape[1:])
    if name == "input":
        pass
    elif name.endswith("running_var"):
        v = 1 + 0.5 * v
    elif name.endswith(("running_mean", "bias")):
        v = 0.1 * v
    elif len(shape) == 1:
        v = 0.75 + 0.25 * v
    else:
        v = v * math.sqrt((3 if len(shape) == 2 else 6) / fan_in)
    return v.astype(np.float32)


def seeded_input(batch):
    return seeded("input", (batch, 3, 224, 224))


class Graph:
    """ONNX nodes in order, and the weights that they name. A tensor is (name, channels, height and width)."""

    def __init__(self, epsilon):
        self.nodes, self.weights, self.epsilon = [], {}, epsilon
        self.input = ("input", 3, 224)

    def add(self, kind, inputs, channels, size, **attributes):
        from onnx import helper

        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return (name, channels, size)

    def weight(self, name, *shape):
        self.weights[name] = seeded(name, shape)
        return name

    def conv(self, x, name, channels, kernel, stride=1, groups=1, same=False):
        source, inputs, size = x
        if same:  # TensorFlow's: outputs = ceil(inputs / stride), the odd row or column last
            total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
            before, after = total // 2, total - total // 2
        else:
            before = after = kernel // 2
        out = (size + before + after - kernel) // stride + 1
        w = self.weight(name + ".weight", channels, inputs // groups, kernel, kernel)
        return self.add("Conv", [source, w], channels, out, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                        pads=[before] * 2 + [after] * 2, group=groups)

    def norm(self, x, name):
        source, channels, size = x
        of = [self.weight(f"{name}.{what}", channels) for what in ("weight", "bias", "running_mean", "running_var")]
        return self.add("BatchNormalization", [source] + of, channels, size, epsilon=self.epsilon)

    def relu(self, x):
        return self.add("Relu", [x[0]], x[1], x[2])

    def relu6(self, x):
        for name, value in (("zero", 0), ("six", 6)):
            self.weights[name] = np.array(value, np.float32)
        return self.add("Clip", [x[0], "zero", "six"], x[1], x[2])

    def plus(self, x, y):
        return self.add("Add", [x[0], y[0]], x[1], x[2])

    def max_pool(self, x):
        return self.add("MaxPool", [x[0]], x[1], (x[2] - 1) // 2 + 1, kernel_shape=[3, 3], strides=[2, 2],
                        pads=[1, 1, 1, 1])

    def classifier(self, x, name):
        x = self.add("GlobalAveragePool", [x[0]], x[1], 1)
        x = self.add("Flatten", [x[0]], x[1], 1)
        inputs = x[1]
        x = self.add("Gemm", [x[0], self.weight(name + ".weight", 1000, inputs), self.weight(name + ".bias", 1000)],
                     1000, 1, transB=1)
        self.nodes[-1].output[0] = "logits"

    def model(self):
        from onnx import TensorProto, helper, numpy_helper

        graph = helper.make_graph(
            self.nodes, "network",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, 224, 224])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1000])],
            [numpy_helper.from_array(value, name) for name, value in self.weights.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def resnet(blocks, bottleneck):
    """torchvision's, version 1.5: the stride sits in the 3x3."""
    g = Graph(1e-5)
    x = g.max_pool(g.relu(g.norm(g.conv(g.input, "conv1", 64, 7, 2), "bn1")))
    for s, count in enumerate(blocks):
        for b in range(count):
            at, mid, stride = f"layer{s + 1}.{b}.", 64 << s, 2 if s > 0 and b == 0 else 1
            steps = [(mid, 1, 1), (mid, 3, stride), (4 * mid, 1, 1)] if bottleneck else [(mid, 3, stride), (mid, 3, 1)]
            y, skip = x, x
            for i, (channels, kernel, by) in enumerate(steps, 1):
                y = g.norm(g.conv(y, f"{at}conv{i}", channels, kernel, by), f"{at}bn{i}")
                if i < len(steps):
                    y = g.relu(y)
            if y[1:] != x[1:]:
                skip = g.norm(g.conv(x, at + "downsample.0", y[1], 1, stride), at + "downsample.1")
            x = g.relu(g.plus(y, skip))
    g.classifier(x, "fc")
    return g


def efficientnet_lite0():
    """As the PyPI package efficientnet_lite_pytorch has it."""
    g = Graph(1e-3)
    x = g.relu6(g.norm(g.conv(g.input, "_conv_stem", 32, 3, 2, same=True), "_bn0"))
    stages = [(1, 16, 3, 1, 1), (2, 24, 3, 2, 6), (2, 40, 5, 2, 6), (3, 80, 3, 2, 6), (3, 112, 5, 1, 6),
              (4, 192, 5, 2, 6), (1, 320, 3, 1, 6)]
    block = 0
    for count, channels, kernel, by, expand in stages:
        for b in range(count):
            at, stride = f"_blocks.{block}.", by if b == 0 else 1
            y, wide = x, x[1] * expand
            if expand > 1:
                y = g.relu6(g.norm(g.conv(y, at + "_expand_conv", wide, 1), at + "_bn0"))
            y = g.conv(y, at + "_depthwise_conv", wide, kernel, stride, groups=wide, same=True)
            y = g.relu6(g.norm(y, at + "_bn1"))
            y = g.norm(g.conv(y, at + "_project_conv", channels, 1), at + "_bn2")
            x = g.plus(y, x) if y[1:] == x[1:] else y
            block += 1
    x = g.relu6(g.norm(g.conv(x, "_conv_head", 1280, 1), "_bn1"))
    g.classifier(x, "_fc")
    return g


NETWORKS = {
    "resnet18": lambda: resnet([2, 2, 2, 2], False),
    "resnet34": lambda: resnet([3, 4, 6, 3], False),
    "resnet50": lambda: resnet([3, 4, 6, 3], True),
    "efficientnet_lite0": efficientnet_lite0,
}


def write(folder, name):
    """NAME.onnx and NAME.safetensors, unless they are there."""
    import onnx
    from safetensors.numpy import save_file

    paths = [os.path.join(folder, name + ending) for ending in (".onnx", ".safetensors")]
    if all(os.path.exists(path) for path in paths):
        return
    graph = NETWORKS[name]()
    model = graph.model()
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, paths[0] + ".part")
    save_file({n: v for n, v in graph.weights.items() if v.ndim}, paths[1] + ".part")
    for path in paths:
        os.replace(path + ".part", path)


if __name__ == "__main__":
    if len(sys.argv) < 3 or any(name not in NETWORKS for name in sys.argv[2:]):
        sys.exit(__doc__ + "NAME: " + ", ".join(NETWORKS))
    for network in sys.argv[2:]:
        write(sys.argv[1], network)
