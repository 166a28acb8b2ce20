#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes 05_own_net.pth as torch.save would write a checkpoint of data-parallel training; needs no torch.

    python3 examples/05_own_net.py examples/05_own_net.pth
"""
import collections
import io
import pickle
import struct
import sys
import types
import zipfile


class FloatStorage:
    """The elements of one tensor; torch's pickles refer to them by a key."""

    def __init__(self, key, values):
        self.key, self.values = str(key), values


def _rebuild_tensor_v2(*parts):
    raise NotImplementedError("is only named in the pickle")


torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
FloatStorage.__module__, _rebuild_tensor_v2.__module__ = torch.__name__, utils.__name__
torch.FloatStorage, utils._rebuild_tensor_v2 = FloatStorage, _rebuild_tensor_v2
sys.modules.update({torch.__name__: torch, utils.__name__: utils})


class Tensor:
    def __init__(self, key, shape):
        count = 1
        self.strides = []
        for extent in reversed(shape):
            self.strides.insert(0, count)
            count *= extent
        self.shape = shape
        # Thirteenths of -6 to 6, other ones for each tensor, small enough for sums of products.
        self.storage = FloatStorage(key, [((7 * i + 5 * key) % 13 - 6) / 13 for i in range(count)])

    def __reduce__(self):
        hooks = collections.OrderedDict()
        return _rebuild_tensor_v2, (self.storage, 0, self.shape, tuple(self.strides), False, hooks)


class Pickler(pickle._Pickler):
    def persistent_id(self, value):
        if isinstance(value, FloatStorage):
            return ("storage", FloatStorage, value.key, "cpu", len(value.values))
        return None


def main(path):
    state = collections.OrderedDict()

    def add(name, *shape):
        state["module." + name] = Tensor(len(state), shape)

    def convolution(name, channels_out, channels_in):
        add(name + ".weight", channels_out, channels_in, 3, 3)

    def norm(name, channels):
        for part in ("weight", "bias", "running_mean", "running_var"):
            add(name + "." + part, channels)
        state["module." + name + ".running_var"].storage.values = [1.0 + c for c in range(channels)]

    convolution("stem.conv", 4, 1), norm("stem.norm", 4)
    convolution("block.conv1", 4, 4), norm("block.norm1", 4)
    convolution("block.conv2", 4, 4), norm("block.norm2", 4)
    add("head.weight", 3, 4), add("head.bias", 3)

    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:

        def put(name, data):
            archive.writestr(zipfile.ZipInfo("own_net/" + name), data)  # of 1980: the same bytes each time

        pickled = io.BytesIO()
        Pickler(pickled, 2).dump({"epoch": 12, "model_state_dict": state, "loss": 0.25})
        put("data.pkl", pickled.getvalue())
        put("byteorder", b"little")
        for tensor in state.values():
            values = tensor.storage.values
            put("data/" + tensor.storage.key, struct.pack("<%df" % len(values), *values))
        put("version", b"3\n")


main(sys.argv[1])
