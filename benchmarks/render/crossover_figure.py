"""Crossovers as a picture and as the table of numbers behind it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.crossover import PARTS, UNITS, Crossing
from benchmarks.analyse.frameworks import BASE
from benchmarks.render import figure_style as style
from benchmarks.render.escape import write_csv

NAME = "crossover"
CAPTION = (
    "Time of mapicx divided by that of each framework's best variant, for a whole training step"
    " and, where it was measured, for its matrix products and for everything else; below the line"
    " mapicx is faster. Marks on the line: from there on the framework is faster; wide bars: their"
    " 95 % intervals. Sizes at which everything else is not resolved against noise are left out."
)
MARKERS = ("o", "s", "^", "v", "D")


def data(found: list[Crossing]) -> pd.DataFrame:
    """One line per axis, threads, part, framework and size; the crossing repeats on each."""
    lines = []
    for one in found:
        place = {"axis": one.axis.name, "threads": one.threads, "part": one.part}
        place |= {"framework": one.framework}
        crossing: dict[str, object] = {"crossing": one.at.value, "crossing_low": one.at.low}
        crossing |= {"crossing_high": one.at.high, "crossing_kind": one.at.kind}
        for size, ratio in one.ratios.items():
            line = place | {"size": size, "variant": one.variants[size]}
            line |= {"mapicx_over_variant": ratio.value, "low": ratio.low, "high": ratio.high}
            line |= {"n": ratio.n, "kind": ratio.kind, "verdict": one.verdicts[size]}
            lines.append(line | crossing)
        for size in one.unresolved:
            lines.append(place | {"size": size, "verdict": "not resolved"})
    return pd.DataFrame(lines)


def draw(found: list[Crossing], folder: Path, picture: bool = True) -> None:
    """One row of panels per axis and number of threads, one column per part of the step."""
    path = folder / f"{NAME}.png"
    write_csv(data(found), path.with_suffix(".csv"))
    if not picture:
        return
    places = list(dict.fromkeys((one.axis.name, one.threads) for one in found))
    parts = [part for part in PARTS if any(one.part == part for one in found)]
    grid = [[(*place, part) for part in parts] for place in places]
    if len(parts) == 1:  # the whole step alone: two panels side by side
        flat = [row[0] for row in grid]
        grid = [flat[i : i + 2] for i in range(0, len(flat), 2)]
    names = sorted({one.framework for one in found})
    columns = max(len(row) for row in grid)
    fig, axes = style.figure(
        3.4 * columns + 1.6, 2.7 * len(grid), nrows=len(grid), ncols=columns, squeeze=False,
        sharey=True,
    )  # fmt: skip
    handles: dict[str, Any] = {}
    for row, panels in enumerate(grid):
        for column in range(columns):
            if column < len(panels):
                handles |= _panel(axes[row][column], panels[column], found, names)
            else:
                axes[row][column].set_axis_off()
    ratios = np.array([ratio.value for one in found for ratio in one.ratios.values()])
    for axis in axes[:, 0]:
        axis.set_ylabel(f"{BASE} / framework's best, log scale", fontsize=8)
        style.plain_ticks(axis.yaxis, ratios)
    ordered = [name for name in names if name in handles]
    fig.legend([handles[name] for name in ordered], ordered, loc="outside right center",
               frameon=False)  # fmt: skip
    style.save(fig, path)


def _panel(
    axis: Any, panel: tuple[str, int, str], found: list[Crossing], names: list[str]
) -> dict[str, Any]:
    """Draw one panel; returns the curve of each framework for the legend."""
    name, threads, part = panel
    these = [one for one in found if (one.axis.name, one.threads, one.part) == panel]
    handles = {
        one.framework: _curve(axis, one, names.index(one.framework)) for one in these if one.ratios
    }
    axis.axhline(1, color="black", linewidth=1.2)
    axis.set_yscale("log")
    said = f"{name}, {threads} thread" + ("s" if threads != 1 else "")
    axis.set_title(f"{said}: {part}", fontsize=9)
    axis.grid(color="0.9", linewidth=0.7)
    workloads = next(one.axis.workloads for one in found if one.axis.name == name)
    sizes = np.array(list(workloads), dtype=float)
    style.log_axis(axis, sizes, UNITS[name])
    axis.set_xlim(sizes.min() / 1.15, sizes.max() * 1.15)
    if not handles:
        axis.text(0.5, 0.7, "not resolved", transform=axis.transAxes, ha="center", fontsize=8)
    return handles


def _curve(axis: Any, one: Crossing, place: int) -> Any:
    sizes = list(one.ratios)
    values, low, high = (
        np.array([getattr(ratio, part) for ratio in one.ratios.values()])
        for part in ("value", "low", "high")
    )
    look = style.curve_style(place, False)
    marker = MARKERS[place % len(MARKERS)]
    (line,) = axis.plot(sizes, values, marker=marker, markersize=4, **look)
    axis.vlines(sizes, low, high, color=look["color"], linewidth=1.5)
    if one.at.known and 0 < one.at.value < math.inf:
        left, right = max(one.at.low, sizes[0]), min(one.at.high, sizes[-1])
        axis.plot([left, right], [1, 1], color=look["color"], linewidth=5, alpha=0.5, zorder=4)
        axis.plot(
            one.at.value, 1, marker, color=look["color"], markeredgecolor="black", markersize=6,
            zorder=5,
        )  # fmt: skip
    return line
