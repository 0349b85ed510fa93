"""The figure of crossovers: mapicx's step over each framework's best, against the size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.crossover import PARTS, UNITS, Crossing
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case
from benchmarks.errors import format_count
from benchmarks.render import style
from benchmarks.render.csv import make_frame
from benchmarks.render.numbers import format_estimate
from benchmarks.render.style import Drawing


def draw(data: RunData, case: Case) -> Drawing | None:
    """Draw a row of panels per axis and number of threads, a column per part of the step."""
    found = data.crossings
    return Drawing(_tabulate(found), lambda: _plot(found)) if found else None


def _tabulate(found: list[Crossing]) -> pd.DataFrame:
    """Make a line per axis, threads, part, framework and size; each repeats the crossing."""
    lines: list[dict[str, Any]] = []
    for crossing in found:
        place = {"axis": crossing.axis.name, "threads": crossing.threads, "part": crossing.part}
        place |= {"framework": crossing.framework}
        for size, ratio in crossing.ratios.items():
            line = place | {"size": size, "variant": crossing.variants[size]}
            line |= {"mapicx_over_variant": ratio, "verdict": crossing.verdicts[size].kind.value}
            lines.append(line | {"crossing": crossing.at})
        lines += [place | {"size": size, "verdict": "not resolved"} for size in crossing.unresolved]
    return make_frame(lines)


def _plot(found: list[Crossing]) -> Any:
    parts = [
        part
        for part in PARTS
        if any(crossing.part == part and crossing.ratios for crossing in found)
    ]
    places = list(dict.fromkeys((crossing.axis.name, crossing.threads) for crossing in found))
    panels = [(*place, part) for place in places for part in parts]
    # With the whole step alone, put two panels in a row.
    columns = len(parts) if len(parts) > 1 else min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    fig, axes = style.make_figure(
        3.4 * columns + 1.6, 2.7 * rows + 0.3, nrows=rows, ncols=columns, sharey=True
    )
    names = sorted({crossing.framework for crossing in found})
    handles: dict[str, Any] = {}
    for axis, panel in zip(axes, panels, strict=False):
        handles |= _plot_panel(axis, panel, found, names)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    ratios = np.array([ratio.value for crossing in found for ratio in crossing.ratios.values()])
    for axis in axes[::columns]:
        axis.set_ylabel(f"{BASE} / framework's best, log scale", fontsize=8)
        style.set_plain_ticks(axis.yaxis, ratios)
    shown = [name for name in names if name in handles]
    fig.legend([handles[name] for name in shown], shown, loc="outside lower center", fontsize=9,
               ncols=len(shown))  # fmt: skip
    return fig


def _plot_panel(
    axis: Any, panel: tuple[str, int, str], found: list[Crossing], names: list[str]
) -> dict[str, Any]:
    """Draw one panel; return each framework's curve for the legend."""
    name, threads, part = panel
    these = [c for c in found if (c.axis.name, c.threads, c.part) == panel and c.ratios]
    handles = {
        crossing.framework: _plot_curve(axis, crossing, names.index(crossing.framework))
        for crossing in these
    }
    axis.axhline(1, color="black", linewidth=1.2)
    axis.set_yscale("log")
    axis.set_title(f"{name}, {format_count(threads, 'thread')}: {part}", fontsize=9)
    # Only sizes that have a point, so that the axis does not extend past the data.
    sizes = np.array(sorted({size for crossing in these for size in crossing.ratios}), dtype=float)
    if sizes.size:
        style.set_log_axis(axis, sizes, UNITS[name])
        axis.set_xlim(sizes.min() / 1.15, sizes.max() * 1.15)
    else:
        axis.text(0.5, 0.5, "not resolved", transform=axis.transAxes, ha="center", fontsize=8)
    return handles


def _plot_curve(axis: Any, crossing: Crossing, place: int) -> Any:
    sizes, ratios = list(crossing.ratios), list(crossing.ratios.values())
    look = style.choose_curve(place, False)
    marker = style.MARKS[place % len(style.MARKS)]
    (line,) = axis.plot(sizes, [r.value for r in ratios], **look)
    axis.vlines(sizes, [r.low for r in ratios], [r.high for r in ratios], color=look["color"],
                linewidth=1.5)  # fmt: skip
    for size, ratio in crossing.ratios.items():
        (dot,) = axis.plot(size, ratio.value, marker, color=look["color"], markersize=4)
        style.add_tip(dot, f"{crossing.framework} at {size:,}: {format_estimate(ratio)}")
    if crossing.at.known and 0 < crossing.at.value < math.inf:
        left, right = max(crossing.at.low, sizes[0]), min(crossing.at.high, sizes[-1])
        axis.plot([left, right], [1, 1], color=look["color"], linewidth=5, alpha=0.5, zorder=4)
        axis.plot(crossing.at.value, 1, marker, color=look["color"], markeredgecolor="black",
                  markersize=6, zorder=5)  # fmt: skip
    return line
