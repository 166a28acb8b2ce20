#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes expected/operators.safetensors: what torch computes, in float64, for the nets of tests/layers/torch.cpp.

Inputs and weights are those of include/mpar/io/seeded.hpp; the input is the tensor "input" (2, 5, 9, 7).
usage: operators.py
needs: numpy, torch
"""
import json
import math
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F


def seeded(name, shape):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = (h ^ b) * 0x100000001B3 % 2**64
    values = []
    for i in range(math.prod(shape)):
        x = (h + i + 0x9E3779B97F4A7C15) % 2**64
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
        x ^= x >> 31
        values.append((x >> 40) * 2.0**-23 - 1.0)
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def conv(x, layer, outputs, window, **how):
    """A convolution without bias; its weights are rounded to float32, as the library reads them."""
    shape = (outputs, x.shape[1], window, window)
    weight = seeded(layer + ".weight", shape) * math.sqrt(6 / math.prod(shape[1:]))
    return F.conv2d(x, weight.float().double(), **how)


def results():
    x = seeded("input", (2, 5, 9, 7))
    left_right_top_bottom = (1, 4, 3, 2)
    yield "pad_reflect", F.pad(x, left_right_top_bottom, mode="reflect")
    yield "pad_edge", F.pad(x, left_right_top_bottom, mode="replicate")
    yield "pad_constant", F.pad(x, left_right_top_bottom, value=0.75)
    y = F.relu(conv(x, "0", 8, 3, stride=2, padding=1))
    y = conv(F.pad(y, (2, 2, 2, 2), mode="reflect"), "3", 6, 3)
    yield "pad_between", conv(F.pad(y, (1, 1, 1, 1), mode="replicate"), "5", 4, 3, stride=2)
    yield "product_of_itself", x * x
    yield "product_with_gate", x * x.mean(dim=(2, 3), keepdim=True)
    y = F.relu(conv(x, "0", 8, 3, padding=1))
    gate = F.relu(conv(y.mean(dim=(2, 3), keepdim=True), "2.1.1", 3, 1))
    yield "squeeze_excite", y * conv(gate, "2.1.3", 8, 1)
    yield "product_of_two", F.silu(conv(x, "0.0", 6, 1) * conv(x, "0.1", 6, 3, padding=1))


header, data = {}, b""
for name, tensor in results():
    values = tensor.numpy().astype(np.float32).tobytes()
    header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(values)]}
    data += values
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(os.path.dirname(__file__), "expected", "operators.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
