#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every policy of every network on the ranks of this machine: measured, against what the planner and the simulator
predict, and automatic against the best.

    benchmarks/policies.py [--programs build/release/bin] [--ranks 2] [--models resnet18,resnet50] [--policies rows,output]
                           [--rounds 7] [--repeat 15] [--json FILE]

A round calibrates the machine, unless --machine names a file, then predicts and runs each policy once; of a run the least
forward and of the rounds the least counts on all sides: a virtual machine's cores and what lies between them are quick in one minute and
slow in the next. Ranks exchange messages (--team off). Exit code 1: bytes or messages are not those predicted, a time is off by more than
--tolerance (0.15), or automatic is slower than the best by more than 5 %.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

MODELS = "resnet18,resnet50,densenet121,cspdarknet53,efficientnet_lite0"
POLICIES = "none,rows,cols,tiles,output,input,grid,automatic"


def launched(ranks, command):
    launcher = os.environ.get("MPIEXEC", "mpirun")
    options = ["-n", str(ranks)]
    version = subprocess.run([launcher, "--version"], capture_output=True, text=True).stdout
    if any(name in version for name in ("Open MPI", "OpenRTE", "PRRTE")):
        options = ["-q", "--oversubscribe"] + options
    return [launcher] + options + command


def run(ranks, command):
    environment = dict(os.environ)
    if os.geteuid() == 0:
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    done = subprocess.run(launched(ranks, command), capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"policies.py: {' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Figures:
    """The rounds of one policy of one network."""

    def __init__(self):
        self.measured, self.planned, self.simulated = [], [], []
        self.counts = {}

    def add(self, o, machine, model, policy):
        report = json.loads(run(o.ranks, [
            str(o.programs / "classify"), "--model", model, "--weights", "seeded", "--input", f"seeded:{o.batch}",
            "--batch", str(o.batch), "--team", "off", "--policy", policy, "--machine", machine,
            "--repeat", str(o.repeat), "--json", "-"]))
        simulated = json.loads(run(1, [
            str(o.programs / "mpar"), "simulate", "--model", model, "--policy", policy, "--ranks", str(o.ranks),
            "--batch", str(o.batch), "--machine", machine, "--json", "-"]))["runs"][0]
        self.measured.append(report["latency_ms"]["min"])
        self.planned.append(report["predicted_ms"])
        self.simulated.append(simulated["time_ms"])
        sent = report["communication"]
        self.counts = {
            "predicted_bytes": [simulated["bytes_per_rank"], simulated["bytes"]],
            "measured_bytes": [max(sent["bytes_per_rank"]), sum(sent["bytes_per_rank"])],
            "predicted_messages": [simulated["messages_per_rank"], simulated["messages"]],
            "measured_messages": [max(sent["messages_per_rank"]), sum(sent["messages_per_rank"])],
        }

    def is_exact(self):
        return (self.counts.get("predicted_bytes") == self.counts.get("measured_bytes") and
                self.counts.get("predicted_messages") == self.counts.get("measured_messages"))


def measure(o):
    """{model: {policy: Figures}}"""
    cases = {model: {policy: Figures() for policy in o.policies.split(",")} for model in o.models.split(",")}
    with tempfile.TemporaryDirectory() as folder:
        machine = o.machine or f"{folder}/machine.json"
        for _ in range(o.rounds):
            if not o.machine:
                run(o.ranks, [str(o.programs / "mpar"), "calibrate", "--output", machine])
            for model, policies in cases.items():
                for policy, figures in policies.items():
                    figures.add(o, machine, model, policy)
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--programs", default=root / "build/release/bin", type=pathlib.Path)
    parser.add_argument("--ranks", default=2, type=int)
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--policies", default=POLICIES)
    parser.add_argument("--rounds", default=7, type=int)
    parser.add_argument("--repeat", default=15, type=int)
    parser.add_argument("--batch", default=1, type=int)
    parser.add_argument("--machine", help="constants that mpar calibrate has written; else they are measured now")
    parser.add_argument("--tolerance", default=0.15, type=float)
    parser.add_argument("--json", help="file for the figures")
    o = parser.parse_args()

    rows, bad = [], []
    for model, policies in measure(o).items():
        least = {policy: min(f.measured) for policy, f in policies.items()}
        single = {policy: time for policy, time in least.items() if policy != "automatic"}
        best = min(single, key=single.get) if single else None
        print(f"\n{model}, {o.ranks} ranks, batch {o.batch}")
        print(f"{'policy':>12} {'measured ms':>12} {'planned ms':>11} {'off by':>7} {'simulated ms':>13} {'off by':>7}"
              f" {'of the best':>12} {'bytes a rank':>13} {'messages':>9}")
        for policy, f in policies.items():
            time = least[policy]
            share = time / single[best] if best else 1
            row = {"model": model, "policy": policy, "ranks": o.ranks, "batch": o.batch, "measured_ms": time,
                   "planned_ms": min(f.planned), "predicted_ms": min(f.simulated)} | f.counts
            off = {name: row[name] / time - 1 for name in ("planned_ms", "predicted_ms")}
            print(f"{policy:>12} {time:12.3f} {row['planned_ms']:11.3f} {off['planned_ms']:+7.1%}"
                  f" {row['predicted_ms']:13.3f} {off['predicted_ms']:+7.1%} {share:12.3f}"
                  f" {f.counts.get('measured_bytes', [''])[0]:>13} {f.counts.get('measured_messages', [''])[0]:>9}")
            rows.append(row)
            for name, by in off.items():
                if abs(by) > o.tolerance:
                    bad.append(f"{model}, {policy}: {name} {by:+.1%}")
            if not f.is_exact():
                bad.append(f"{model}, {policy}: not the bytes and messages that were predicted: {f.counts}")
            if policy == "automatic" and share > 1.05:
                bad.append(f"{model}: automatic takes {share:.3f} of what {best} takes")
        sys.stdout.flush()
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(rows, indent=2) + "\n")
    print()
    for line in bad:
        print(f"missed: {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
