# SPDX-License-Identifier: MIT
"""Processes that sleep until they are told to run, all spoken to in the same way. Knows no row of the table."""
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


class Failed(Exception):
    """One sentence for the user."""


NICE = 0  # of all contestants alike


def on(cores):
    """What a child process does before its program: its cores, and its priority. A session of its own is a group of its
    own to the scheduler, with a priority too.
    """
    def settle():
        os.sched_setaffinity(0, cores)
        if NICE:
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
            if os.path.exists("/proc/self/autogroup"):
                with open("/proc/self/autogroup", "w") as file:
                    file.write(str(NICE))
    return {"start_new_session": True, "preexec_fn": settle}


class Contestant:
    """A process, or a job of several, that answers an order with one line of numbers."""

    patience = 600  # seconds

    def __init__(self, label, engine, cores):
        self.label, self.engine, self.cores, self.pids, self.process = label, engine, cores, [], None

    def ask(self, order):
        self.order(order)
        return self.line()

    def run(self, count):
        """Nanoseconds of each of `count` forwards."""
        return [int(n) for n in self.ask(f"run {count}").split()]

    def logits(self):
        with tempfile.NamedTemporaryFile() as file:
            self.ask("logits " + file.name)
            return np.fromfile(file.name, np.float32)

    def ran(self):
        """Nanoseconds that all threads of the contestant so far have spent on cores, and waited for one."""
        ran = waited = 0
        for pid in self.pids:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    own = file.read().split()
                ran, waited = ran + int(own[0]), waited + int(own[1])
        return np.array([ran, waited])

    def peak(self):
        """Bytes: the sum of the processes' VmHWM; what they share counts once for each."""
        total = 0
        for pid in self.pids:
            with open(f"/proc/{pid}/status") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
        return total

    def proportional(self):
        """Bytes resident now, what is shared counted once: the sum of the processes' Pss."""
        total = 0
        for pid in self.pids:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
        return total

    def readable(self, fd):
        waited = 0
        while not select.select([fd], [], [], 1)[0]:
            waited += 1
            if self.process.poll() is not None or waited > self.patience:
                raise self.failed()

    def failed(self):
        if self.process.poll() is None:
            return Failed(f"{self.label} has not answered for {self.patience} s")
        self.errors.seek(0)
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        return Failed(f"{self.label} ended with code {self.process.returncode}: {words[-1] if words else 'no word'}")

    def spawn(self, command, environment=None, **streams):
        self.errors = tempfile.TemporaryFile()
        self.began = time.monotonic_ns()
        self.process = subprocess.Popen(command, stderr=self.errors, env=environment, **streams, **on(self.cores))


class Peer(Contestant):
    """Another engine: worker.py. `model`: a path without its ending."""

    def __init__(self, label, engine, model, batch, threads, cores, **settings):
        super().__init__(label, engine, cores)
        self.settings = settings
        self.spawn([sys.executable, os.path.join(HERE, "worker.py"), engine, model, str(batch),
                                    str(threads)] + [f"{k}={v}" for k, v in settings.items()],
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pids = [self.process.pid]
        self.rest = b""

    def ready(self):
        said = json.loads(self.line())
        self.first = said["first"]    # ns of making the session and of the first forward
        self.whole = said["at"] - self.began  # the same from the process' beginning, interpreter and imports included
        self.version, self.kernels = said["version"], said["kernels"]
        if "isa" in self.settings and (not self.kernels or "avx512" in self.kernels):
            raise Failed(f"{self.label} is not held to AVX2; its kernels: {self.kernels or 'the best of the machine'}")
        self.before = said["before"]  # bytes of VmHWM when the engine was imported and no session made

    def order(self, words):
        try:
            self.process.stdin.write((words + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            self.process.wait()
            raise self.failed()

    def line(self):
        fd = self.process.stdout.fileno()
        while b"\n" not in self.rest:
            self.readable(fd)
            more = os.read(fd, 1 << 16)
            if not more:
                self.process.wait()
                raise self.failed()
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Ranks(Contestant):
    """mpar, or multiply-adds alone: peer_forward, a pipe for each rank. 0 ranks: one, without mpirun."""

    def __init__(self, label, program, ranks, cores, **options):
        super().__init__(label, "mpar", cores)
        self.folder = tempfile.mkdtemp(prefix="mpar-peers-")
        names = [f"orders.{r}" for r in range(max(ranks, 1))]
        for name in names + ["answers"]:
            os.mkfifo(os.path.join(self.folder, name))
        opened = [os.open(os.path.join(self.folder, name), os.O_RDWR) for name in names + ["answers"]]
        self.orders, self.answers, self.rest = opened[:-1], opened[-1], b""
        command = [program, "--channels", self.folder]
        for key, value in options.items():
            command += ["--" + key] + ([] if value is True else [str(value)])
        # one rank stays on the very core of the other contestants; several get one core each
        binding = ["--bind-to", "none"] if ranks == 1 else ["--bind-to", "core"]
        launcher = ["mpirun", "-q", "-n", str(ranks)] + binding if ranks else []
        self.spawn(launcher + command, mpi_environment(), stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)

    def ready(self):
        # ns from the process' beginning until MPI was there, the weights were, the first logits
        self.moments = [int(n) - self.began for n in self.line().split()]
        self.first = self.moments[-1]
        self.pids = [int(n) for n in self.line().split()]

    def order(self, words):
        for fd in self.orders:
            os.write(fd, (words + "\n").encode())

    def line(self):
        while b"\n" not in self.rest:
            self.readable(self.answers)
            self.rest += os.read(self.answers, 1 << 16)
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def stop(self):
        if self.process.poll() is None:
            self.order("quit")
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.terminate()
                self.process.wait()
        for fd in self.orders + [self.answers]:
            os.close(fd)
        shutil.rmtree(self.folder, ignore_errors=True)


def mpi_environment():
    """Open MPI as root, and where containers forbid process_vm_readv."""
    e = dict(os.environ, OMPI_MCA_btl_vader_single_copy_mechanism="none")
    if os.getuid() == 0:
        e.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return e
