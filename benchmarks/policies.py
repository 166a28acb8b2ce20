#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every policy of every network on the ranks of this machine: measured against predicted, automatic against the best.

    benchmarks/policies.py [--programs build/release/bin] [--ranks 2] [--models resnet18,resnet50] [--policies rows,output]
                           [--rounds 3] [--repeat 20] [--team off] [--json FILE]

Calibrates first, unless --machine names a file. Runs are interleaved: a round is one run of each policy; of all rounds the
least counts. With --team claim the ranks are one seat, and all policies compute the same.
Exit code 1: a prediction is off by more than --tolerance (0.15), or automatic is slower than the best by more than 5 %.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--programs", default=root / "build/release/bin", type=pathlib.Path)
    parser.add_argument("--ranks", default=2, type=int)
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--policies", default=POLICIES)
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--repeat", default=20, type=int)
    parser.add_argument("--batch", default=1, type=int)
    parser.add_argument("--team", default="off", choices=["off", "claim", "static"])
    parser.add_argument("--machine", help="constants that mpar calibrate has written; else they are measured now")
    parser.add_argument("--tolerance", default=0.15, type=float)
    parser.add_argument("--json", help="file for the figures")
    o = parser.parse_args()

    models, policies = o.models.split(","), o.policies.split(",")
    with tempfile.TemporaryDirectory() as folder:
        machine = o.machine or f"{folder}/machine.json"
        if not o.machine:
            run(o.ranks, [str(o.programs / "mpar"), "calibrate", "--output", machine])
        figures, bad = [], []
        for model in models:
            least, predicted = {}, {}
            for _ in range(o.rounds):
                for policy in policies:
                    report = json.loads(run(o.ranks, [
                        str(o.programs / "classify"), "--model", model, "--weights", "seeded",
                        "--input", f"seeded:{o.batch}", "--batch", str(o.batch), "--team", o.team, "--policy", policy,
                        "--machine", machine, "--repeat", str(o.repeat), "--json", "-"]))
                    time = report["latency_ms"]["min"]
                    least[policy] = min(time, least.get(policy, time))
                    predicted[policy] = report["predicted_ms"]
            single = {p: t for p, t in least.items() if p != "automatic"}
            best = min(single, key=single.get) if single else None
            print(f"\n{model}, {o.ranks} ranks, batch {o.batch}, team {o.team}")
            print(f"{'policy':>12} {'measured ms':>12} {'predicted ms':>13} {'off by':>8} {'of the best':>12}")
            for policy in policies:
                off = predicted[policy] / least[policy] - 1
                share = least[policy] / single[best] if best else 1
                print(f"{policy:>12} {least[policy]:12.3f} {predicted[policy]:13.3f} {off:+8.1%} {share:12.3f}")
                figures.append({"model": model, "policy": policy, "ranks": o.ranks, "batch": o.batch, "team": o.team,
                                "measured_ms": least[policy], "predicted_ms": predicted[policy]})
                if o.team == "off" and abs(off) > o.tolerance:
                    bad.append(f"{model}, {policy}: predicted {off:+.1%}")
                if policy == "automatic" and share > 1.05:
                    bad.append(f"{model}: automatic takes {share:.3f} of what {best} takes")
            sys.stdout.flush()
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(figures, indent=2) + "\n")
    print()
    for line in bad:
        print(f"missed: {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
