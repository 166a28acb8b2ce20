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
from concurrent import futures

import numpy as np

import networks


class Engine:
    """settings of both: streams (2: the batch in two halves at the same time, one thread each), saved (what the first
    process optimised, for the next ones: a file of ONNX Runtime's, a folder of OpenVINO's)"""

    def __init__(self, batch, threads, settings):
        self.streams = int(settings.get("streams", 1))
        self.each, self.threads = batch // self.streams, threads // self.streams
        self.x = networks.seeded_input(batch)
        self.halves = [np.ascontiguousarray(x) for x in np.split(self.x, self.streams)]

    def logits(self):
        return np.concatenate(self.parts())


class OnnxRuntime(Engine):
    """settings: level (all: the NCHWc layout too; extended: without it), spin (1, 0)"""

    def __init__(self, path, batch, threads, settings):
        super().__init__(batch, threads, settings)
        import onnxruntime

        self.version = onnxruntime.__version__
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = self.threads, 1
        o.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        o.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel,
                                             "ORT_ENABLE_" + settings.get("level", "all").upper())
        o.add_session_config_entry("session.intra_op.allow_spinning", settings.get("spin", "1"))
        o.add_free_dimension_override_by_name("batch", self.each)
        o.log_severity_level = 3
        saved = settings.get("saved")
        if saved and os.path.exists(saved):
            path, o.graph_optimization_level = saved, onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        elif saved:
            o.optimized_model_filepath = saved
        self.before, self.began = resident(), time.perf_counter_ns()
        self.session = onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])
        self.bound, self.results = [], []
        for x in self.halves:
            bound = self.session.io_binding()
            y = onnxruntime.OrtValue.ortvalue_from_shape_and_type((self.each, 1000), np.float32)
            bound.bind_cpu_input("input", x)
            bound.bind_ortvalue_output("logits", y)
            self.bound.append(bound)
            self.results.append(y)
        self.others = futures.ThreadPoolExecutor(1) if self.streams > 1 else None

    def forward(self):
        waiting = [self.others.submit(self.session.run_with_iobinding, b) for b in self.bound[1:]]
        self.session.run_with_iobinding(self.bound[0])
        for w in waiting:
            w.result()

    def parts(self):
        return [y.numpy() for y in self.results]


class OpenVino(Engine):
    """settings: pin (1, 0)"""

    def __init__(self, path, batch, threads, settings):
        super().__init__(batch, threads, settings)
        import openvino

        self.version = openvino.__version__.split("-")[0]
        core = openvino.Core()
        if "saved" in settings:
            core.set_property({"CACHE_DIR": settings["saved"]})
        self.before, self.began = resident(), time.perf_counter_ns()
        model = core.read_model(path)
        model.reshape([self.each, 3, 224, 224])
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": self.streams,
            "PERFORMANCE_HINT": "LATENCY" if self.streams == 1 else "THROUGHPUT",
            "ENABLE_CPU_PINNING": settings.get("pin", "1") == "1"})
        self.requests = []
        for x in self.halves:
            request = compiled.create_infer_request()
            request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
            self.requests.append(request)

    def forward(self):
        if self.streams == 1:
            self.requests[0].infer(share_outputs=True)
            return
        for request in self.requests:
            request.start_async()
        for request in self.requests:
            request.wait()

    def parts(self):
        return [request.get_output_tensor().data for request in self.requests]


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
