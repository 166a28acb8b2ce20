# SPDX-License-Identifier: MIT
"""Which engines are compared, in which settings, and which of them count on which ISA. Knows no process and no clock."""

NAMES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "mnn": "MNN", "ncnn": "ncnn"}
PEERS = tuple(NAMES)
# By engine and threads; the best counts.
TRIED = {
    ("onnxruntime", 1): [{}, {"level": "extended"}],
    ("onnxruntime", 2): [{}, {"spin": "0"}, {"level": "extended"}],
    ("openvino", 1): [{}],
    ("openvino", 2): [{}, {"pin": "0"}],
    ("mnn", 1): [{}],
    ("mnn", 2): [{}],
    ("ncnn", 1): [{}],
    ("ncnn", 2): [{}, {"bind": "1"}],
}
HALVES = {"onnxruntime": [{"streams": "2"}], "openvino": [{"streams": "2"}]}  # besides, for a batch on two threads
DIRECT = {"mnn": [{"winograd": "0"}], "ncnn": [{"winograd": "0"}]}            # besides, where direct sums are compared
HELD = {"openvino", "mnn"}  # can be held to AVX2 on a machine with AVX-512; the others take what it has

AVX2 = "AVX2+FMA"  # as MPAR_ISA has it


def tried(engine, threads, batch=1, direct=False):
    more = HALVES.get(engine, []) if batch > 1 and threads > 1 else []
    return TRIED[engine, threads] + more + (DIRECT.get(engine, []) if direct else [])


def held(isa, machine):
    """The settings that hold an engine to the programs' ISA, where that is less than the machine's."""
    return {"isa": "avx2"} if isa == AVX2 and machine == "AVX-512" else {}


def counts(engine, isa, machine):
    """Whether the verdict is taken from it: not if it runs on a better ISA than mpar.

    >>> [[e for e in PEERS if counts(e, AVX2, machine)] for machine in ("AVX-512", AVX2)]
    [['openvino', 'mnn'], ['onnxruntime', 'openvino', 'mnn', 'ncnn']]
    """
    return engine in HELD or not held(isa, machine)


def sums_directly(engine, of_it):
    """Whether it filters by the sum, as mpar's exact mode does: not by Winograd's."""
    return engine in ("onnxruntime", "openvino") or of_it.get("winograd") == "0"


def listed(engines):
    """
    >>> listed(["mnn"]), listed(PEERS)
    ('MNN', 'ONNX Runtime, OpenVINO, MNN and ncnn')
    """
    names = [NAMES[e] for e in engines]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def machine_isa():
    with open("/proc/cpuinfo") as file:
        flags = set(next((line for line in file if line.startswith("flags")), "").split())
    if "avx512f" in flags:
        return "AVX-512"
    return AVX2 if {"avx2", "fma"} <= flags else "128-bit"


def named(label):
    """A contestant's label with its engine's own name.

    >>> named("onnxruntime 2 threads spin=0"), named("mpar, 1 rank")
    ('ONNX Runtime 2 threads spin=0', 'mpar, 1 rank')
    """
    engine, *rest = label.split(" ")
    return " ".join([NAMES.get(engine, engine)] + rest)
