# SPDX-License-Identifier: MIT
# make.py: writes the .pth files beside it, as torch.save(..., pickle_protocol=N) does, with Python's own pickle module
# and classes that stand in for torch's. Needs no torch. Each holds 'model' -> 'state_dict' -> a [2, 2], b [], beside baggage.
import collections
import io
import pathlib
import pickle
import struct
import sys
import types
import zipfile

torch = types.ModuleType("torch")
utils = types.ModuleType("torch._utils")
sys.modules.update({"torch": torch, "torch._utils": utils})


class FloatStorage:
    """The class that names a storage's element type."""


class LongStorage:
    """The same for integers."""


def _rebuild_tensor_v2(*_):
    """What torch calls when it reads a tensor."""


for thing, module in ((FloatStorage, torch), (LongStorage, torch), (_rebuild_tensor_v2, utils)):
    thing.__module__ = module.__name__
    setattr(module, thing.__name__, thing)


class Storage:
    def __init__(self, key, kind, values):
        self.key, self.kind, self.count = key, kind, len(values)
        self.bytes = struct.pack("<%d%s" % (self.count, "f" if kind is FloatStorage else "q"), *values)


class Tensor:
    def __init__(self, storage, shape, strides):
        self.arguments = (storage, 0, shape, strides, False, collections.OrderedDict())

    def __reduce_ex__(self, protocol):
        return _rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    def __init__(self, file, protocol, tail):
        super().__init__(file, protocol)
        self.tail = tail

    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", value.kind, value.key, "cpu", value.count) + self.tail
        return None


class Options:
    """A class that no reader knows."""

    def __init__(self):
        self.rate = 0.1


floats = Storage("0", FloatStorage, [1.0, 2.0, 3.0, 4.0])
count = Storage("1", LongStorage, [7])
state = collections.OrderedDict(a=Tensor(floats, (2, 2), (2, 1)), b=Tensor(count, (), ()))
state._metadata = collections.OrderedDict(version=1)
checkpoint = {
    "epoch": 3,
    "tags": {1, 2},
    "frozen": frozenset([1, 2]),
    "raw": b"abc",
    "buffer": bytearray(b"abc"),
    "long": b"z" * 300,
    "options": Options(),
    "huge": 1 << 90,
    "optimizer": {"state": {0: {"step": 1, "exp_avg": Tensor(floats, (4,), (1,))}}},
    "model": {"name": "little", "state_dict": state},
}


def pickled(value, protocol, tail=()):
    file = io.BytesIO()
    Pickler(file, protocol, tail).dump(value)
    return file.getvalue()


def save(name, protocol):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_STORED) as archive:
        for path, data in (("data.pkl", pickled(checkpoint, protocol)), ("byteorder", b"little"),
                           ("data/0", floats.bytes), ("data/1", count.bytes), ("version", b"3\n")):
            archive.writestr(zipfile.ZipInfo("archive/" + path), data)


def save_stream(name, protocol):
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    with open(name, "wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, system):
            file.write(pickled(value, protocol))
        file.write(pickled(checkpoint, protocol, (None,)) + pickled(["0", "1"], protocol))
        for storage in (floats, count):
            file.write(struct.pack("<q", storage.count) + storage.bytes)


here = pathlib.Path(__file__).parent
for protocol in (2, 3, 4, 5):
    save(here / ("protocol%d.pth" % protocol), protocol)
    save_stream(here / ("protocol%d_stream.pth" % protocol), protocol)
