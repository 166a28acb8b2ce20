# SPDX-License-Identifier: MIT
"""Times mpar and other engines in turn. run.sh calls it, and sees to programs and engines."""
import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys

import contestants
import formats
import networks
import report
from bench import Bench
from contestants import Failed
from groups import OPTIONAL, groups
from neighbour import KINDS
from settings import PEERS, listed

TOP = os.path.dirname(os.path.dirname(contestants.HERE))
PROGRAMS = {"native": "build/release/bin", "avx2": "build/peers/avx2/bin"}


def output_of(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=contestants.mpi_environment())
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def machine():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, {platform.system()}"


def commit(programs):
    name = output_of("git", "-C", TOP, "rev-parse", "--short", "HEAD") or "unknown"
    changed = output_of("git", "-C", TOP, "status", "--porcelain", "--untracked-files=no", "include", "tools")
    built = programs in [os.path.join(TOP, p) for p in PROGRAMS.values()]
    given = "" if built else " (the tree's; the programs were given)"
    return name + (" with changes" if changed else "") + given


def arguments():
    p = argparse.ArgumentParser(prog="benchmarks/peers/run.sh", description=f"Times mpar, {listed(PEERS)} and Open "
                                "MPI in turn on the same networks and prints a table.")
    p.add_argument("--isa", choices=list(PROGRAMS), default="native", help="avx2: mpar's programs are built for AVX2, engines "
                   "that can be are held to it, and the others are shown but do not count (native)")
    p.add_argument("--only", help="names of groups, with commas between; --list prints them")
    p.add_argument("--list", action="store_true", help="print the names of the groups")
    p.add_argument("--rounds", type=int, default=60, help="rounds in which each contestant runs once (60)")
    p.add_argument("--patience", type=float, default=2, help="how many times as many rounds there may be when other "
                   "processes disturb some; the quietest count (2)")
    p.add_argument("--each", type=int, default=2, help="timed forwards of a contestant in a round, after one that is "
                   "not timed (2)")
    p.add_argument("--starts", type=int, default=10, help="starts of each program for the start's row (10)")
    p.add_argument("--core", type=int, default=1, help="where contestants of one thread run (1)")
    p.add_argument("--nice", type=int, default=0, help="priority of all contestants, below 0 (root only) where other "
                   "processes cannot be stopped (0)")
    p.add_argument("--neighbour", choices=KINDS, help="for the group neighbour: a process that reads and writes through "
                   "the caches, or multiplies, on the other hardware thread of the same core")
    p.add_argument("--programs", help="folder of mpar's programs, instead of building them")
    p.add_argument("--json", help="where results go, build/peers/results.json or results-avx2.json; groups that are there "
                   "already stay unless measured again")
    p.add_argument("--page", help="a file between whose markers the tables of all results are written: "
                   "docs/performance.md")
    p.add_argument("--render", action="store_true", help="measure nothing: print what is in the file of --json, or write it "
                   "to --page")
    o = p.parse_args()
    o.programs = o.programs or os.path.join(TOP, PROGRAMS[o.isa])
    o.json = o.json or os.path.join(TOP, "build/peers", "results.json" if o.isa == "native" else f"results-{o.isa}.json")
    return o


def stamp(bench, version, programs):
    return {"command": " ".join(["benchmarks/peers/run.sh"] + sys.argv[1:]), "machine": machine(),
            "commit": commit(programs), "mpar's build": version, "ISA": bench.conditions(),
            "begun": datetime.datetime.now().strftime("%Y-%m-%d %H:%M")}


def progress(name):
    def show(done, of):
        if sys.stderr.isatty():
            print(f"\r{name}: round {done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)
    return show


def prepared(bench):
    """Folders, and every network in every engine's format."""
    for folder in (bench.models, bench.scratch):
        os.makedirs(folder, exist_ok=True)
    for name in networks.NETWORKS:
        networks.write(bench.models, name)
        formats.write(bench.model(name, ".onnx"))


def measure(o):
    program = os.path.join(o.programs, "peer_forward")
    version = output_of(program, "--version")
    if not version:
        raise Failed(f"{program} does not run: build it, or name its folder with --programs")
    contestants.NICE = o.nice
    bench = Bench(o, TOP, version, takes_cache="--cache" in output_of(program, "--help"))
    known = groups(bench.isa)
    standard = [name for name in known if name not in OPTIONAL or o.neighbour]
    chosen = [] if o.render else o.only.split(",") if o.only else standard
    for name in chosen:
        if name not in known:
            raise Failed(f"there is no group {name}; there are {', '.join(known)}")
    if o.list:
        print("\n".join(known))
        return
    if os.cpu_count() < 2:
        raise Failed("the comparison needs two cores")
    prepared(bench)
    results = {"groups": {}}
    if os.path.exists(o.json):
        with open(o.json) as file:
            results = json.load(file)
    begun = stamp(bench, version, o.programs)
    for name in chosen:
        bench.progress = progress(name)
        found = known[name](bench)
        results["groups"][name] = {"stamp": begun, **found}
        results["groups"] = {k: results["groups"][k] for k in known if k in results["groups"]}
        with open(o.json + ".part", "w") as file:
            json.dump(results, file)
        os.replace(o.json + ".part", o.json)
        print("\n".join(report.page({"groups": {name: results["groups"][name]}})), flush=True)
        print()
    if o.render and not o.page:
        print("\n".join(report.page(results)))
    if o.page:
        report.insert(o.page, "\n".join(report.page(results)) + "\n", bench.isa)


if __name__ == "__main__":
    try:
        measure(arguments())
    except (Failed, OSError, ValueError) as e:
        sys.exit(f"benchmarks/peers/run.sh: {e}")
    except KeyboardInterrupt:
        sys.exit("benchmarks/peers/run.sh: interrupted")
