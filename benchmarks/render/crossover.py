"""From which size on a framework's step is faster than mapicx's: sentences, table, picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.crossover import UNITS, Crossing
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.stats import SMALLEST_N
from benchmarks.render import figure_style as style
from benchmarks.render.escape import markdown, table, write_csv
from benchmarks.render.numbers import quantity

NAME = "crossover"
CAPTION = (
    "Step time of mapicx divided by that of each framework's best variant; below the line mapicx"
    " is faster. Dots on the line: crossings; bars: 95 % intervals."
)
MARKERS = ("o", "s", "^", "v", "D")


def sentences(found: list[Crossing]) -> list[str]:
    """One per axis and number of threads."""
    said = []
    many = len({one.threads for one in found}) > 1
    for axis, threads in dict.fromkeys((one.axis.name, one.threads) for one in found):
        part = [one for one in found if (one.axis.name, one.threads) == (axis, threads)]
        with_threads = f" on {threads} thread{'s' if threads != 1 else ''}" if many else ""
        verdicts = "; ".join(f"{verdict(one)} ({markdown(one.framework)})" for one in part)
        said.append(f"{axis.capitalize()}{with_threads}: {BASE} is {verdicts}.")
    return said


def verdict(one: Crossing) -> str:
    """ "faster below N units (95 % interval a to b)", or where it is so throughout."""
    at, unit = one.at, UNITS[one.axis.name]
    if not at.known:
        return "not compared: no block has every size"
    bounds = ""
    if at.kind == "interval" and at.low != at.high:
        bounds = f" (95 % interval {_bound(one, at.low)} to {_bound(one, at.high)})"
    if math.isinf(at.value):
        above = [size for size, ratio in one.ratios.items() if ratio.value >= 1]
        first = "at every size measured" if not above else f"above {max(above):,} {unit}"
        return f"faster {first}{bounds}"
    if at.value == 0:
        return f"slower at every size measured{bounds}"
    mixed = [s for s, ratio in one.ratios.items() if s < at.value and ratio.value >= 1]
    some = f", but for {', '.join(f'{s:,}' for s in mixed)}" if mixed else ""
    return f"faster below {_number(at.value)} {unit}{some}{bounds}"


def _number(size: float) -> str:
    return f"{float(f'{size:.2g}'):,.0f}" if size >= 10 else f"{size:.2g}"


def _bound(one: Crossing, size: float) -> str:
    if size == 0:
        return f"below {min(one.ratios):,}"
    return f"beyond {max(one.ratios):,}" if math.isinf(size) else _number(size)


def compact(found: list[Crossing]) -> list[str]:
    """One row per axis and framework."""
    body = []
    for one in found:
        first, last = min(one.ratios), max(one.ratios)
        ends = [f"{quantity(one.ratios[size].alone())} at {size:,}" for size in (first, last)]
        what = f"{one.axis.name} ({UNITS[one.axis.name]})"
        body.append([what, str(one.threads), markdown(one.framework), *ends, verdict(one)])
    head = ["axis", "threads", "framework", f"smallest: {BASE} / best", f"largest: {BASE} / best"]
    return [*table([*head, f"{BASE} is"], body), "", _notes(found)]


def _notes(found: list[Crossing]) -> str:
    said = f"Ratios of step times, {BASE} / framework's best variant at that size, paired in"
    said += f" blocks: below 1 {BASE} is faster."
    if any(one.at.kind == "single" for one in found):
        said += f" No interval below {SMALLEST_N} blocks."
    return said


def tables(found: list[Crossing]) -> list[str]:
    """Per axis: every size, every framework's best variant and ratio."""
    lines: list[str] = []
    for axis, threads in dict.fromkeys((one.axis.name, one.threads) for one in found):
        part = [one for one in found if (one.axis.name, one.threads) == (axis, threads)]
        sizes = sorted({size for one in part for size in one.ratios})
        body = [
            [f"{size:,}", *(_cell(one, size) for one in part)]
            for size in sizes
        ]  # fmt: skip
        head = [UNITS[axis], *(f"{BASE} / {markdown(one.framework)}" for one in part)]
        title = f"{axis.capitalize()}, {threads} thread" + ("s" if threads != 1 else "")
        lines += [f"### {title}", "", *table(head, body), ""]
    return lines


def _cell(one: Crossing, size: int) -> str:
    if size not in one.ratios:
        return "–"
    return f"{quantity(one.ratios[size])} {markdown(one.variants[size])}"


def data(found: list[Crossing]) -> pd.DataFrame:
    """One line per axis, framework and size; the crossing repeats on each."""
    lines = []
    for one in found:
        for size, ratio in one.ratios.items():
            line = {"axis": one.axis.name, "threads": one.threads, "framework": one.framework}
            line |= {
                "size": size,
                "variant": one.variants[size],
                "mapicx_over_variant": ratio.value,
            }
            line |= {"low": ratio.low, "high": ratio.high, "n": ratio.n, "kind": ratio.kind}
            line |= {"crossing": one.at.value, "crossing_low": one.at.low}
            lines.append(line | {"crossing_high": one.at.high, "crossing_kind": one.at.kind})
    return pd.DataFrame(lines)


def draw(found: list[Crossing], path: Path, picture: bool = True) -> None:
    """One panel per axis and number of threads."""
    write_csv(data(found), path.with_suffix(".csv"))
    if not picture:
        return
    panels = list(dict.fromkeys((one.axis.name, one.threads) for one in found))
    names = sorted({one.framework for one in found})
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    fig, axes = style.figure(
        4.8 * columns + 1.5, 3.4 * rows, nrows=rows, ncols=columns, squeeze=False, sharey=True
    )
    handles: dict[str, Any] = {}
    ratios = np.array([ratio.value for one in found for ratio in one.ratios.values()])
    for axis, (name, threads) in zip(axes.ravel(), panels, strict=False):
        part = [one for one in found if (one.axis.name, one.threads) == (name, threads)]
        for one in part:
            handles[one.framework] = _curve(axis, one, names.index(one.framework))
        axis.axhline(1, color="black", linewidth=1.2)
        axis.set_yscale("log")
        axis.set_title(f"{name}, {threads} thread" + ("s" if threads != 1 else ""), fontsize=9)
        axis.grid(color="0.9", linewidth=0.7)
        sizes = np.array([size for one in part for size in one.ratios], dtype=float)
        style.log_axis(axis, sizes, UNITS[name])
    for axis in axes.ravel()[len(panels) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel(f"step of {BASE} / framework's best, log scale", fontsize=8)
        style.plain_ticks(axis.yaxis, ratios)
    fig.legend(handles.values(), handles.keys(), loc="outside right center", frameon=False)
    style.save(fig, path)


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
