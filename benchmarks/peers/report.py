# SPDX-License-Identifier: MIT
"""Results as a page of Markdown. Knows no engine and no clock."""
import figures
import goals
from settings import AVX2, named


def quantity(value, unit):
    scale, digits = {"ms": (1e-6, 2), "MB": (1e-6, 0), "us": (1, 2), None: (1, 3)}[unit]
    return f"{value * scale:.{digits}f}" + (f" {unit}" if unit else "")


def table(result):
    """One group's rows."""
    for row in result["rows"]:
        unit, ratio = row.get("unit"), row["ratio"]
        if "of" in row:
            pair = row["of"]
        else:
            pair = [result["contestants"][row[k]]["p10"] for k in ("ours", "theirs")]
        best = f" ({named(row['theirs'])})" if "theirs" in row else ""
        p10, median, least = (form.format(ratio[k]) if k in ratio else "" for k, form in
                              (("p10", "**{:.3f}**"), ("median", "**{:.3f}**"), ("min", "{:.3f}")))
        if "interval" in ratio:
            p10 += " ({:.3f} to {:.3f})".format(*ratio["interval"])
        goal = row["at_most"]
        met = "" if goal is None else "yes" if goals.met(ratio, goal) else "no"
        yield [row["what"], row["peer"], quantity(pair[0], unit), quantity(pair[1], unit) + best, p10, median, least,
               goals.words(goal), met]


def rows_of(lines, right=()):
    heading, *body = lines
    yield "| " + " | ".join(heading) + " |"
    yield "|" + "|".join(" ---: " if i in right else " --- " for i in range(len(heading))) + "|"
    for line in body:
        yield "| " + " | ".join(line) + " |"


def page(results):
    """results: {"groups": {name: result}}"""
    groups = results["groups"]
    lines = [["mpar", "against", "mpar (p10)", "the other (p10)", "ratio of p10s (95 %)", "of medians", "of minima",
              "at most", "met"]]
    for result in groups.values():
        lines += table(result)
    yield from rows_of(lines, right=range(2, 8))
    yield ""
    timed = [["group", "contestant", "min", "p10", "median", "forwards"]]
    for name, result in groups.items():
        for label, s in result.get("contestants", {}).items():
            timed.append([name, named(label)] + [f"{s[k] * 1e-6:.2f}" for k in figures.STATISTICS] + [str(s["n"])])
    if len(timed) > 1:
        yield "Milliseconds of every contestant:"
        yield ""
        yield from rows_of(timed, right=range(2, 6))
        yield ""
    for result in groups.values():
        if "memory" in result:
            yield "Memory in MB:"
            yield ""
            yield from rows_of([["", "VmHWM (sum)", "PSS after the forwards", "VmHWM before the session was made"]] + [
                [named(k)] + [f"{m[w] * 1e-6:.0f}" if m[w] else "" for w in ("peak", "proportional", "before")]
                for k, m in result["memory"].items()], right=range(1, 4))
            yield ""
        if "sizes" in result:
            yield "Collectives of two ranks on a node, microseconds (p10 of batches):"
            yield ""
            yield from rows_of([["", "bytes", "mpar", "MPI", "MPI's single copies", "ratio"]] + [
                ["/".join(s["name"].split("/")[:2]), f"{s['bytes']:.0f}", f"{s['mpar_us']:.2f}", f"{s['mpi_us']:.2f}",
                 "on" if s["single_copy"] else "off", f"{s['ratio']:.3f}"] for s in result["sizes"]], right=range(1, 6))
            yield ""
        if "layers" in result:
            yield "Convolutions of ResNet-50 on one core, microseconds (p10), and GFLOP/s of the direct sum in percent of the"
            yield "core's FMA peak of the same seconds:"
            yield ""
            yield from rows_of([["layer", "times", "mpar direct", "mpar fast", "tile", "oneDNN", "oneDNN's kernel"]] + [
                [f["layer"], str(f["times"])] + [share(f, "direct"), share(f, "fast"), str(f["tile"] or ""),
                                                 share(f, "onednn"), f["implementation"]]
                for f in result["layers"]], right=range(1, 6))
            yield ""
    yield from state(groups)


def share(layer, kind):
    return f"{layer[kind] * 1e-3:.0f} ({100 * layer['flops'] / layer[kind] / layer['peak']:.0f} %)"


def state(groups):
    """Where, when and by which command each group was measured."""
    yield "How and where:"
    yield ""
    seen = {}
    for name, result in groups.items():
        seen.setdefault(tuple(result["stamp"].items()), []).append(name)
    for stamp, names in seen.items():
        stamp = dict(stamp)
        yield f"- {', '.join(names)}: `{stamp.pop('command')}`; " + "; ".join(f"{k} {v}" for k, v in stamp.items())
    versions = {named(k): v for result in groups.values() for k, v in result.get("versions", {}).items()}
    if versions:
        yield "- PyPI's " + ", ".join(f"{k} {v}" for k, v in versions.items())
    kernels = {named(k): v for result in groups.values() for k, v in result.get("kernels", {}).items()}
    if kernels:
        yield "- kernels of the convolutions, as those held to AVX2 say themselves: " + "; ".join(
            f"{k}: {v}" for k, v in kernels.items())
    for name, result in groups.items():
        for label, rate in result.get("peak", {}).items():
            yield f"- {name}: the yardstick, {label}: {rate:.1f} GFLOP/s (p10)"
    for name, result in groups.items():
        if "others" in result:
            worst, mean = max(result["others"]), sum(result["others"]) / len(result["others"])
            busy = " (a busy machine: preliminary)" if mean > 0.03 else ""
            yield (f"- {name}: in the rounds that count, other processes used {100 * mean:.1f} % of the cores, at most "
                   f"{100 * worst:.1f} %{busy}; {result['pause_ms']:.0f} ms between contestants")


def markers(isa):
    """Between which lines a page has the tables of programs of this ISA."""
    name = "peers avx2" if isa == AVX2 else "peers"
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def insert(path, text, isa):
    """Replaces what stands between the markers of a file. throws: ValueError."""
    begin, end = markers(isa)
    with open(path) as file:
        before, _, rest = file.read().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{path} has no lines {begin} and {end}")
    with open(path, "w") as file:
        file.write(before + begin + "\n" + text + end + after)
