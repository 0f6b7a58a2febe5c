#!/usr/bin/env python3
"""Draws peers.json: a small bar chart for each case, shorter is better.

usage: bench/peers/plot.py PEERS.json OUT.svg
"""
import json
import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["svg.hashsalt"] = "rondo"  # The same figures give the same file.
from matplotlib import pyplot  # noqa: E402

from programs import REACH  # noqa: E402

COLOURS = {"rondo": "#d1495b", "nghttp2 floor": "#b8bec6", "TCP floor": "#dde1e6"}
PEER = "#30638e"
ORDER = ["rondo", "grpc C++ async", "grpc C++ callback", "grpc-go", "tonic, 1 thread", "tonic, 2 threads",
         "nghttp2 floor"]


def short(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def draw(axes, row, results):
    def median(group, name, figure):
        found = results.get(f"{group} | {name}", {}).get(figure)
        return statistics.median(found) if found else None

    values = {}
    for name in ORDER:
        value, other = row.of(median, name)
        if value is not None:
            values[name + " *" * other] = value
    names = list(values)[::-1]
    axes.barh(names, [values[n] for n in names], color=[COLOURS.get(n.removesuffix(" *"), PEER) for n in names], height=0.72)
    most = max(values.values(), default=1)
    for i, name in enumerate(names):
        weight = "bold" if name == "rondo" else "normal"
        axes.text(values[name] + most * 0.015, i, short(values[name]), va="center", fontsize=9, fontweight=weight)
    axes.axvline(row.here(median), color="#edae49", linewidth=1.6, linestyle="--", zorder=3)
    axes.set_xlim(0, most * 1.18)
    axes.set_title(f"{row.title}, {row.unit}", fontsize=9.5, loc="left", fontweight="bold")
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.tick_params(axis="x", labelsize=7, colors="#888888")
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() == "rondo" else "normal")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def main():
    data = json.loads(pathlib.Path(sys.argv[1]).read_text())
    about, results = data["machine"], data["results"]
    rows = [r for r in REACH if any(key.startswith(f"{r.group} | ") for key in results)]
    columns = 3
    lines = -(-len(rows) // columns)
    figure, grid = pyplot.subplots(lines, columns, figsize=(17, 2.35 * lines + 1.1), squeeze=False)
    for axes in grid.flat[len(rows):]:
        axes.set_visible(False)
    for axes, row in zip(grid.flat, rows):
        draw(axes, row, results)
    figure.suptitle("rondo beside its peers: shorter is better. Dashed: what is to be reached. Grey: a bare nghttp2 "
                    "pair. *: under load", x=0.01, ha="left", fontsize=13, fontweight="bold")
    told = "; ".join(f"{name} {number}" for name, number in about["peers"].items())
    figure.text(0.01, 0.008, f"rondo {about['rondo']}, {about['date']}; {about['cpu']}, Linux {about['kernel']}, "
                f"{about['compiler']}; {told}; {about['runs']}, medians", fontsize=7.5, color="#666666")
    figure.tight_layout(rect=(0, 0.025, 1, 0.975), w_pad=2.0)
    figure.savefig(sys.argv[2], metadata={"Date": None})


main()
