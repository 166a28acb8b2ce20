# SPDX-License-Identifier: MIT
"""Another engine in a process of its own, which sleeps until it is told to run. contestants.py speaks with it.

usage: worker.py ENGINE MODEL.onnx BATCH THREADS [SETTING=VALUE...]
Writes a line of JSON when the first forward is done, then obeys: 'run N', 'logits FILE' (raw floats), 'quit'.
"""
import gc
import json
import os
import sys
import time

import numpy as np

import networks


class OnnxRuntime:
    """settings: level (all: the NCHWc layout too; extended: without it), spin (1, 0), saved (a file: the optimised
    model, written by the first session and read by the next ones)"""

    def __init__(self, path, batch, threads, settings):
        import onnxruntime

        self.version = onnxruntime.__version__
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
        o.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        o.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel,
                                             "ORT_ENABLE_" + settings.get("level", "all").upper())
        o.add_session_config_entry("session.intra_op.allow_spinning", settings.get("spin", "1"))
        o.add_free_dimension_override_by_name("batch", batch)
        o.log_severity_level = 3
        saved = settings.get("saved")
        if saved and os.path.exists(saved):
            path, o.graph_optimization_level = saved, onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        elif saved:
            o.optimized_model_filepath = saved
        self.x = networks.seeded_input(batch)
        self.before, self.began = resident(), time.perf_counter_ns()
        session = onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])
        bound = session.io_binding()
        y = onnxruntime.OrtValue.ortvalue_from_shape_and_type((batch, 1000), np.float32)
        bound.bind_cpu_input("input", self.x)
        bound.bind_ortvalue_output("logits", y)
        self.forward = lambda: session.run_with_iobinding(bound)
        self.logits = y.numpy


class OpenVino:
    """settings: pin (1, 0), saved (a folder: the compiled model, written by the first process, read by the next)"""

    def __init__(self, path, batch, threads, settings):
        import openvino

        self.version = openvino.__version__.split("-")[0]
        core = openvino.Core()
        if "saved" in settings:
            core.set_property({"CACHE_DIR": settings["saved"]})
        self.x = networks.seeded_input(batch)
        self.before, self.began = resident(), time.perf_counter_ns()
        model = core.read_model(path)
        model.reshape([batch, 3, 224, 224])
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": settings.get("pin", "1") == "1"})
        request = compiled.create_infer_request()
        request.set_input_tensor(openvino.Tensor(self.x, shared_memory=True))
        self.forward = lambda: request.infer(share_outputs=True)
        self.logits = lambda: request.get_output_tensor().data


ENGINES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}


def resident():
    """Bytes of VmHWM, the most that was ever resident."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def main():
    engine, path, batch, threads = sys.argv[1:5]
    settings = dict(s.split("=", 1) for s in sys.argv[5:])
    e = ENGINES[engine](path, int(batch), int(threads), settings)
    e.forward()
    first, at = time.perf_counter_ns() - e.began, time.monotonic_ns()
    gc.collect()
    gc.disable()
    print(json.dumps({"version": e.version, "first": first, "at": at, "before": e.before}), flush=True)
    for line in sys.stdin:
        what, *argument = line.split()
        if what == "run":
            took = []
            for _ in range(int(argument[0])):
                began = time.perf_counter_ns()
                e.forward()
                took.append(time.perf_counter_ns() - began)
            print(*took, flush=True)
        elif what == "logits":
            np.ascontiguousarray(e.logits(), np.float32).tofile(argument[0])
            print(0, flush=True)
        else:
            return


if __name__ == "__main__":
    main()
