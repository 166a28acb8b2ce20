#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the programs' JSON reports. benchmarks/plots.sh has matplotlib and makes the pictures of the docs.

    plot.py scaling OUT REPORT...     time of each policy by ranks, a panel for each report of mpar simulate
    plot.py bytes OUT REPORT...       what a rank receives, by ranks, against the least there is where it is known
                                      (mpar simulate; points: matmul_scaling)
    plot.py validation OUT REPORT     predicted against measured times: benchmarks/policies.py --json
"""
import argparse
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

# Okabe and Ito's colours, which all eyes tell apart, each with a mark and a dash of its own.
LOOKS = {
    "none": ("#000000", "s", "-"), "batch": ("#E69F00", "D", "-"), "rows": ("#0072B2", "o", "-"),
    "cols": ("#56B4E9", "v", "--"), "tiles": ("#009E73", "^", "-"), "output": ("#D55E00", "s", "-"),
    "input": ("#CC79A7", "P", "--"), "grid": ("#A08000", "X", "-."), "automatic": ("#000000", "*", ":"),
    "own": ("#7F7F7F", "h", "-"), "column": ("#0072B2", "o", "-"), "row": ("#D55E00", "s", "-"),
    "summa": ("#009E73", "^", "-"), "cannon": ("#CC79A7", "P", "--"), "grid3d": ("#E69F00", "D", "-."),
}
MODELS = {"resnet18": "o", "resnet50": "s", "densenet121": "^", "cspdarknet53": "D", "efficientnet_lite0": "v"}


def look(name):
    colour, mark, dash = LOOKS.get(name, ("#7F7F7F", ".", "-"))
    return {"color": colour, "marker": mark, "linestyle": dash, "markersize": 4.5, "linewidth": 1.3}


def read(path):
    try:
        return json.loads(pathlib.Path(path).read_text())
    except (OSError, ValueError) as e:
        sys.exit(f"plot.py: {path}: {e}")


def series(report):
    """Policies with their runs, in the order of the report."""
    found = {}
    for run in report["runs"]:
        found.setdefault(run["policy"], []).append(run)
    return found


def thousands(value, _=None):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def axes_of(figure_axes, ranks):
    figure_axes.set_xscale("log", base=2)
    ticks = ranks if len(ranks) <= 6 else ranks[::2]
    figure_axes.set_xticks(ticks, [thousands(r) for r in ticks], rotation=35, ha="right")
    figure_axes.set_yscale("log")
    figure_axes.yaxis.set_major_formatter(FuncFormatter(thousands))
    figure_axes.yaxis.set_minor_formatter(NullFormatter())
    figure_axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    figure_axes.set_xlabel("ranks")
    for side in ("top", "right"):
        figure_axes.spines[side].set_visible(False)


def subject(report):
    run = report["runs"][0]
    a_rank = " a rank" if report["scaling"].startswith("weak") else ""
    if "pixels" not in run:
        return f"C = A B, {run['m']:,} cubed{a_rank}"
    square = f"{run['pixels']} x {run['pixels']}"
    if report["scaling"] == "weak pixels":
        return f"{report['model']}, {square} pixels a rank"
    return f"{report['model']}, {run['batch']} image{'s' if run['batch'] > 1 else ''} of {square}{a_rank}"


def panels(reports, label):
    width = min(3.6 * len(reports) + 1.2, 12)
    figure, all_axes = plt.subplots(1, len(reports), figsize=(width, 3.7), squeeze=False, layout="constrained")
    all_axes[0][0].set_ylabel(label)
    return figure, all_axes[0]


def legend(figure, axes_list):
    """One for all panels."""
    entries = {}
    for one in axes_list:
        for handle, name in zip(*one.get_legend_handles_labels()):
            entries.setdefault(name, handle)
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=min(len(entries), 8), frameon=False,
                  fontsize=9)


def write(figure, path):
    figure.savefig(path, dpi=110)
    plt.close(figure)


def scaling(out, paths):
    reports = [read(p) for p in paths]
    figure, all_axes = panels(reports, "time of one forward, ms" if reports[0]["model"] != "matmul" else "time of one product, ms")
    for report, axes in zip(reports, all_axes):
        found = series(report)
        ranks = sorted({run["ranks"] for runs in found.values() for run in runs})
        for policy, runs in found.items():
            axes.plot([r["ranks"] for r in runs], [r["time_ms"] for r in runs], label=policy, **look(policy))
        first = min(run["time_ms"] for run in report["runs"] if run["ranks"] == ranks[0])
        least = min(run["time_ms"] for run in report["runs"])
        if report["scaling"] == "strong":
            shown = [r for r in ranks if first * ranks[0] / r > least / 3]
            axes.plot(shown, [first * ranks[0] / r for r in shown], color="#999999", linewidth=1, linestyle=(0, (1, 2)),
                      label="ideal")
        else:
            axes.axhline(first, color="#999999", linewidth=1, linestyle=(0, (1, 2)), label="ideal")
        axes_of(axes, ranks)
        axes.set_title(f"{report['scaling'].split()[0]}: {subject(report)}", fontsize=9.5)
    legend(figure, all_axes)
    write(figure, out)


def volumes(out, paths):
    measured = [r for r in map(read, paths) if "runs" not in r]
    reports = [r for r in map(read, paths) if "runs" in r]
    figure, all_axes = panels(reports, "most that a rank receives, MB")
    for report, axes in zip(reports, all_axes):
        found = series(report)
        ranks = sorted({run["ranks"] for runs in found.values() for run in runs if run["ranks"] > 1})
        for policy, runs in found.items():
            moved = [r for r in runs if r["bytes_per_rank"] > 0]
            axes.plot([r["ranks"] for r in moved], [r["bytes_per_rank"] * 1e-6 for r in moved], label=policy, **look(policy))
        bound = {r["ranks"]: r["lower_bound_bytes_per_rank"] for r in report["runs"]
                 if r.get("lower_bound_bytes_per_rank", 0) > 0}
        if bound:
            axes.plot(list(bound), [b * 1e-6 for b in bound.values()], color="#555555", linewidth=4, alpha=0.35, zorder=0,
                      label="lower bound")
        for m in measured:
            if all(m["m"] != run.get("m") for run in report["runs"] if run["ranks"] == m["ranks"]):
                continue
            axes.plot([m["ranks"]], [m["bytes_per_rank"] * 1e-6], "o", markersize=11, fillstyle="none", color="#000000",
                      label="measured: matmul_scaling")
        axes_of(axes, ranks)
        axes.set_title(f"{report['scaling'].split()[0]}: {subject(report)}", fontsize=9.5)
    legend(figure, all_axes)
    write(figure, out)


def validation(out, paths):
    rows = read(paths[0])
    figure, axes = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
    times = [r[k] for r in rows for k in ("measured_ms", "predicted_ms")]
    ends = [min(times) / 1.2, max(times) * 1.2]
    axes.fill_between(ends, [0.85 * e for e in ends], [1.15 * e for e in ends], color="#DDDDDD", label="within 15 %")
    axes.plot(ends, ends, color="#999999", linewidth=1)
    for row in rows:
        colour = LOOKS.get(row["policy"], ("#7F7F7F",))[0]
        axes.plot(row["measured_ms"], row["predicted_ms"], linestyle="", marker=MODELS.get(row["model"], "."), color=colour,
                  markersize=7, markeredgecolor="white", markeredgewidth=0.6)
    for model in dict.fromkeys(r["model"] for r in rows):
        axes.plot([], [], linestyle="", marker=MODELS.get(model, "."), color="#555555", label=model)
    for policy in dict.fromkeys(r["policy"] for r in rows):
        axes.plot([], [], linewidth=5, color=LOOKS.get(policy, ("#7F7F7F",))[0], label=policy)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="measured, ms", ylabel="predicted, ms",
             title=f"one forward on {rows[0]['ranks']} ranks, batch {rows[0]['batch']}")
    ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if ends[0] <= t <= ends[1]]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [thousands(t) for t in ticks])
        axis.set_minor_formatter(NullFormatter())
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    write(figure, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["scaling", "bytes", "validation"])
    parser.add_argument("out", help="PNG or SVG file")
    parser.add_argument("reports", nargs="+", metavar="REPORT")
    o = parser.parse_args()
    {"scaling": scaling, "bytes": volumes, "validation": validation}[o.what](o.out, o.reports)


if __name__ == "__main__":
    main()
