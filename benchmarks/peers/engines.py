# SPDX-License-Identifier: MIT
"""The other engines, one thread or more, in float32, in their best settings. Knows no clock and no contestant.

Settings of all: isa (avx2: held to it, for engines that can be), and those that a class names.
"""
import collections
import os
from concurrent import futures

import numpy as np

import networks


class Engine:
    """What an engine tells: version, and kernels: those of its convolutions, without "avx512" if it can be held to AVX2 and
    was; "": the machine's best.
    """

    kernels = ""

    def __init__(self, batch, threads, settings):
        self.streams = int(settings.get("streams", 1))
        self.each, self.threads = batch // self.streams, threads // self.streams
        self.x = networks.seeded_input(batch)
        self.halves = [np.ascontiguousarray(x) for x in np.split(self.x, self.streams)]
        if settings.get("isa") == "avx2":
            os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"

    def logits(self):
        return np.concatenate(self.parts())


class OnnxRuntime(Engine):
    """settings: level (all: the NCHWc layout too; extended: without it), spin (1, 0), streams (2: the batch in two halves at
    the same time, one thread each), saved (a file: what the first process optimised, for the next ones)
    """

    format = ".onnx"

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
        self.path, self.options = path, o

    def load(self):
        import onnxruntime

        self.session = onnxruntime.InferenceSession(self.path, self.options, providers=["CPUExecutionProvider"])
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
    """settings: pin (1, 0), streams (as ONNX Runtime's), saved (a folder, as ONNX Runtime's file)"""

    format = ".onnx"

    def __init__(self, path, batch, threads, settings):
        super().__init__(batch, threads, settings)
        import openvino

        self.version = openvino.__version__.split("-")[0]
        self.core, self.path = openvino.Core(), path
        if "saved" in settings:
            self.core.set_property({"CACHE_DIR": settings["saved"]})
        self.how = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": self.streams,
                    "PERFORMANCE_HINT": "LATENCY" if self.streams == 1 else "THROUGHPUT",
                    "ENABLE_CPU_PINNING": settings.get("pin", "1") == "1"}

    def load(self):
        import openvino

        model = self.core.read_model(self.path)
        model.reshape([self.each, 3, 224, 224])
        self.compiled = self.core.compile_model(model, "CPU", self.how)
        self.requests = []
        for x in self.halves:
            request = self.compiled.create_infer_request()
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

    @property
    def kernels(self):
        about = [node.get_rt_info() for node in self.compiled.get_runtime_model().get_ops()]
        words = lambda i, key: getattr(i[key], "value", i[key])
        count = collections.Counter(words(i, "primitiveType") for i in about if words(i, "layerType") == "Convolution")
        return ", ".join(f"{n} {name}" for name, n in count.items())

    def parts(self):
        return [request.get_output_tensor().data for request in self.requests]


class Mnn(Engine):
    """settings: winograd (0: direct sums)"""

    format = ".mnn"

    def __init__(self, path, batch, threads, settings):
        super().__init__(batch, threads, settings)
        import MNN
        from MNN import expr, nn

        self.version, self.path = MNN.version(), path
        high = 1  # of power: the quick cores
        self.how = nn.create_runtime_manager(({"backend": "CPU", "numThread": threads, "precision": "high",
                                               "memory": 0, "power": high},))
        if settings.get("winograd") == "0":
            winograd_memory_level = 3  # the hint's number
            self.how.set_hint(winograd_memory_level, 0)
        self.input = expr.placeholder([batch, 3, 224, 224], expr.NCHW, expr.float)
        self.input.write(self.x)

    def load(self):
        from MNN import nn

        self.net = nn.load_module_from_file(self.path, ["input"], ["logits"], runtime_manager=self.how,
                                            shape_mutable=False)

    def forward(self):
        self.y = self.net.forward(self.input)

    @property
    def kernels(self):
        """It chooses at run time among what it was built with, and tells nobody."""
        import _mnncengine

        with open(_mnncengine.__file__, "rb") as library:
            above = any(b"AVX512" in part for part in iter(lambda: library.read(1 << 20), b""))
        return "" if above else "avx2 at most, as it is built"

    def parts(self):
        return [self.y.read().reshape(-1, 1000)]


class Ncnn(Engine):
    """settings: winograd (0: direct sums), bind (1: its OpenMP threads stay on their cores)"""

    format = ".ncnn"

    def __init__(self, path, batch, threads, settings):
        super().__init__(batch, threads, settings)
        if settings.get("bind") == "1":
            os.environ["OMP_PROC_BIND"] = "true"
        import ncnn

        self.version, self.path, self.net = ncnn.__version__, path, ncnn.Net()
        o = self.net.opt
        for storage in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
            setattr(o, "use_" + storage, False)
        o.num_threads, o.lightmode = threads, True
        o.use_winograd_convolution = settings.get("winograd", "1") == "1"
        self.input = ncnn.Mat(self.x, batch_index=0)

    def load(self):
        for load, ending in ((self.net.load_param, ".param"), (self.net.load_model, ".bin")):
            if load(self.path + ending) != 0:
                raise OSError(f"ncnn does not read {self.path}{ending}")

    def forward(self):
        with self.net.create_extractor() as run:
            run.input("in0", self.input)
            self.y = run.extract("out0")[1]

    def parts(self):
        return [np.array(self.y.numpy(batch_index=0)).reshape(-1, 1000)]


ENGINES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "mnn": Mnn, "ncnn": Ncnn}
