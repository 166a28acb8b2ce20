#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds what mpar simulate predicts against what classify measures, on 2 ranks: bytes and messages
exactly, times as a table. Fails when a byte or a message differs, or a time by more than --within.

Calibrates the machine first unless --machine is given, and again in each round: on a machine that is
not quiet the least of the rounds is taken on both sides.
"""
import argparse
import json
import pathlib
import sys
import tempfile

from policies import run

MODELS = "resnet18,resnet50"
POLICIES = "none,batch,rows,cols,output,input"


def options():
    here = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, default=here / "build/release/bin")
    parser.add_argument("--models", default=MODELS, help=f"with commas ({MODELS})")
    parser.add_argument("--policies", default=POLICIES, help=f"with commas ({POLICIES})")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=2, help="images in a forward (2)")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement (3)")
    parser.add_argument("--repeat", type=int, default=15, help="forwards of a round (15)")
    parser.add_argument("--machine", help="file of mpar calibrate")
    parser.add_argument("--within", type=float, help="per cent by which a time may be off")
    parser.add_argument("--json", help="file to write the rows to")
    return parser.parse_args()


def calibrate(o, folder, index):
    path = o.machine
    if not path:
        path = pathlib.Path(folder) / f"machine{index}.json"
        run(o.ranks, [str(o.programs / "mpar"), "calibrate", "--output", str(path)])
    return path


def predict(o, machine, model, policy):
    text = run(1, [str(o.programs / "mpar"), "simulate", "--model", model, "--policy", policy,
                   "--ranks", str(o.ranks), "--batch", str(o.batch), "--machine", str(machine),
                   "--json", "-"])
    return json.loads(text)["runs"][0]


def measure(o, model, policy):
    text = run(o.ranks, [str(o.programs / "classify"), "--model", model, "--weights", "seeded",
                         "--input", f"seeded:{o.batch}", "--batch", str(o.batch), "--policy", policy,
                         "--team", "off", "--repeat", str(o.repeat), "--json", "-"])
    return json.loads(text)


def rows(o):
    cases = [(model, policy) for model in o.models.split(",") for policy in o.policies.split(",")]
    times = {case: ([], []) for case in cases}
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        for index in range(o.rounds):
            machine = calibrate(o, folder, index)
            for case in cases:
                predicted, measured = predict(o, machine, *case), measure(o, *case)
                times[case][0].append(predicted["time_ms"])
                times[case][1].append(measured["latency_ms"]["min"])
                sent = measured["communication"]
                counts[case] = {
                    "predicted_bytes": [predicted["bytes_per_rank"], predicted["bytes"]],
                    "measured_bytes": [max(sent["bytes_per_rank"]), sum(sent["bytes_per_rank"])],
                    "predicted_messages": [predicted["messages_per_rank"], predicted["messages"]],
                    "measured_messages": [max(sent["messages_per_rank"]),
                                          sum(sent["messages_per_rank"])],
                }
    for case in cases:
        predicted, measured = min(times[case][0]), min(times[case][1])
        yield {"model": case[0], "policy": case[1], "ranks": o.ranks, "batch": o.batch,
               "predicted_ms": predicted, "measured_ms": measured,
               "off_percent": 100 * (predicted / measured - 1)} | counts[case]


def main():
    o = options()
    found = list(rows(o))
    print(f"{'model':12}{'policy':10}{'bytes':>11}{'messages':>10}{'predicted ms':>14}"
          f"{'measured ms':>13}{'off':>8}")
    wrong = 0
    for r in found:
        exact = (r["predicted_bytes"] == r["measured_bytes"] and
                 r["predicted_messages"] == r["measured_messages"])
        late = o.within is not None and abs(r["off_percent"]) > o.within
        wrong += (not exact) + late
        print(f"{r['model']:12}{r['policy']:10}{r['measured_bytes'][0]:11}"
              f"{r['measured_messages'][0]:10}{r['predicted_ms']:14.2f}{r['measured_ms']:13.2f}"
              f"{r['off_percent']:+7.1f}%{'' if exact else '  predicted otherwise: ' + str(r)}")
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
