# SPDX-License-Identifier: MIT
"""Where things are and how much is asked for; starts contestants. Knows no row."""
import os
import shutil
import subprocess

import contestants
import settings
from contestants import Failed, Peer, Ranks


class Bench:
    """o: compare.py's options."""

    def __init__(self, o, top, version, takes_cache):
        self.top, self.rounds, self.patience, self.each, self.starts = top, o.rounds, o.patience, o.each, o.starts
        self.forward, self.collectives = (os.path.join(o.programs, p) for p in ("peer_forward", "bench_collectives"))
        self.models = os.path.join(top, "build/peers/models")
        self.scratch = os.path.join(os.path.dirname(os.path.abspath(o.json)), "scratch-" + o.isa)
        self.core, self.both = [o.core], sorted([o.core, 1 - o.core] if o.core < 2 else [o.core, o.core - 1])
        self.isa = version.split("built for ")[-1].split(";")[0]
        self.machine = settings.machine_isa()
        self.held = settings.held(self.isa, self.machine)
        self.takes_cache = takes_cache  # does peer_forward know --cache?
        self.neighbour, self.progress = o.neighbour, None

    def model(self, name, ending=""):
        return os.path.join(self.models, name + ending)

    def mpar(self, label, network, batch, ranks, **options):
        if ranks > 1:
            options["team"] = "claim"
        return Ranks(label, self.forward, ranks, self.both if ranks > 1 else self.core, model=network,
                     batch=batch, **options)

    def multiply_adds(self, ranks):
        """In registers alone: what the cores give."""
        return Ranks(f"multiply-adds, {ranks} rank{'s' * (ranks > 1)}", self.forward, ranks,
                     self.both if ranks > 1 else self.core, model="fma")

    def peer(self, engine, network, batch, threads, how):
        how = how | (self.held if engine in settings.HELD else {})
        label = " ".join([engine, f"{threads} thread{'s' * (threads > 1)}"] + [f"{k}={v}" for k, v in how.items()])
        if not self.counts(engine):
            label += f" ({self.machine})"
        return Peer(label, engine, self.model(network), batch, threads, self.both if threads > 1 else self.core, **how)

    def counts(self, engine):
        return settings.counts(engine, self.isa, self.machine)

    def counted(self):
        """Engines that the verdict is taken from."""
        return [e for e in settings.PEERS if self.counts(e)]

    def weights(self, network):
        """mpar's options for a start: its file of weights, and the folder where it keeps them packed."""
        cached = {"cache": os.path.join(self.scratch, "weights")} if self.takes_cache else {}
        return {"weights": self.model(network, ".safetensors")}, cached

    def conditions(self):
        """Which ISA is real and which is held, in a sentence."""
        if not self.held:
            return f"every engine with the best ISA it has here; the machine has {self.machine}"
        named = settings.listed
        return (f"mpar built for {self.isa} on a machine with {self.machine}; held to AVX2: "
                f"{named([e for e in settings.PEERS if e in settings.HELD])}; with {self.machine}, so not counted: "
                f"{named([e for e in settings.PEERS if e not in settings.HELD])}")

    def compile(self, source, *more):
        """A C++ program of this folder for mpar's ISA. returns: its path. throws: Failed."""
        program = os.path.join(self.scratch, os.path.splitext(source)[0])
        march = "-march=znver3" if self.held else "-march=native"
        mpi = subprocess.run(["mpicxx", "--showme:compile"], capture_output=True, text=True).stdout.split()
        done = subprocess.run(["g++", "-std=c++20", "-O2", march, "-DNDEBUG", "-DOMPI_SKIP_MPICXX", *mpi,
                               f"-I{self.top}/include", f"-I{self.top}/benchmarks", os.path.join(contestants.HERE, source),
                               "-o", program, *more], capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"{source} does not compile: {(done.stderr.splitlines() or ['no word'])[0]}")
        return program

    def forget(self, path):
        """returns: the path, where nothing is any more."""
        shutil.rmtree(path, ignore_errors=True)
        if os.path.exists(path):
            os.remove(path)
        return path

