# SPDX-License-Identifier: MIT
"""An ONNX file in the formats of MNN and ncnn, by their own converters. Knows no network.

usage: formats.py NAME.onnx            writes NAME.mnn, NAME.ncnn.param and NAME.ncnn.bin beside it, unless they are there
"""
import importlib.util
import os
import subprocess
import sys
import tempfile

IMAGE = "[1,3,224,224]f32"  # what pnnx works the shapes out with; the batch stays free


def run(command, folder):
    """throws: OSError."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise OSError(f"{os.path.basename(command[0])} does not convert: {words[-1] if words else 'no word'}")


def write_mnn(onnx, folder):
    """By the extension module: its command line would install a package and send a report of what it converted."""
    words = ["mnnconvert", "-f", "ONNX", "--modelFile", onnx, "--MNNModel", "net.mnn", "--bizCode", "mpar"]
    run([sys.executable, "-c", "import _tools, sys; sys.exit(not _tools.mnnconvert(sys.argv[1:]))"] + words, folder)
    return {"net.mnn": ".mnn"}


def write_ncnn(onnx, folder):
    """By the program in pnnx' package, whose Python needs PyTorch and is not asked."""
    os.symlink(onnx, os.path.join(folder, "net.onnx"))
    found = importlib.util.find_spec("pnnx")
    if not found:
        raise OSError("pnnx is not installed")
    run([os.path.join(os.path.dirname(found.origin), "pnnx"), "net.onnx", "inputshape=" + IMAGE, "fp16=0"], folder)
    return {"net.ncnn.param": ".ncnn.param", "net.ncnn.bin": ".ncnn.bin"}


def write(onnx):
    stem = os.path.abspath(onnx).removesuffix(".onnx")
    for convert, endings in ((write_mnn, [".mnn"]), (write_ncnn, [".ncnn.param", ".ncnn.bin"])):
        if all(os.path.exists(stem + ending) for ending in endings):
            continue
        with tempfile.TemporaryDirectory(dir=os.path.dirname(stem)) as folder:
            for name, ending in convert(stem + ".onnx", folder).items():
                os.replace(os.path.join(folder, name), stem + ending)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for path in sys.argv[1:]:
        write(path)
