"""Figures of estimates: accuracy, time and memory with bounds, and accuracy against cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.checks import ceiling_of
from benchmarks.analyse.frameworks import BASE
from benchmarks.record.schema import FIELDS
from benchmarks.render import figure_style as style
from benchmarks.render.escape import write_csv
from benchmarks.render.material import Material
from benchmarks.render.numbers import unit_of
from benchmarks.render.tables import ordered, score_of

PANELS = ("accuracy_test", "r2_test", "time_total_s", "time_train_warm_s", "memory_peak_bytes")
BESIDE = ((1.2, 0), (-1.2, 0), (0, 1.2), (0, -1.2), (1, 0.7), (1, -0.7), (-1, 0.7), (-1, -0.7))
# Where a number may stand beside its point, in points of type: near places first.
AROUND = tuple((radius * x, radius * y) for radius in (9, 17, 26, 36, 46) for x, y in BESIDE)
PARTS = ("", "_low", "_high", "_n", "_kind")


def _look(line: pd.Series) -> tuple[str, str]:
    return style.BASE_STYLE if line["system"] == BASE else style.FAMILY_STYLE[line["family"]]


def _ceiling(material: Material, place: tuple[str, int]) -> float:
    rows = material.frame
    return ceiling_of(rows[rows["workload"].eq(place[0]) & rows["threads"].eq(place[1])])


def dots(material: Material, place: tuple[str, int], path: Path, picture: bool = True) -> bool:
    """One row per system, one panel per quantity. False if there is nothing to draw."""
    lines = ordered(material.at(place))
    panels = [name for name in PANELS if name in lines and lines[name].notna().any()]
    lines = lines[lines[panels].notna().any(axis=1)] if panels else lines.iloc[:0]
    if lines.empty:
        return False
    columns = ["system", "family", *(n + part for n in panels for part in PARTS)]
    write_csv(lines[columns], path.with_suffix(".csv"))
    if not picture:
        return True
    width, height = 3.1 * len(panels) + 1, 0.24 * len(lines) + 1.3
    fig, axes = style.figure(width, height, ncols=len(panels), sharey=True, squeeze=False)
    for axis, name in zip(axes[0], panels, strict=True):
        _panel(axis, lines, name)
        if name == "accuracy_test":
            _ceiling_line(axis, _ceiling(material, place))
    axes[0][0].set_yticks(range(len(lines)), lines["system"])
    axes[0][0].invert_yaxis()
    style.save(fig, path)
    return True


def _ceiling_line(axis: Any, ceiling: float) -> None:
    if np.isfinite(ceiling):
        axis.axvline(ceiling, color="black", linestyle="--", linewidth=1)
        axis.set_title(f"- - ceiling {ceiling:.3f}", loc="right", fontsize=8)


def _panel(axis: Any, lines: pd.DataFrame, name: str) -> None:
    scale, of = unit_of(lines, name)
    for row, (_, line) in enumerate(lines.iterrows()):
        if pd.isna(line[name]):
            continue
        colour, marker = _look(line)
        low, high = (float(line[name + part]) / scale for part in ("_low", "_high"))
        axis.plot([low, high], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
        axis.plot([low, high], [row, row], "|", color=colour, markersize=6)
        axis.plot(line[name] / scale, row, marker, color=colour, markersize=5.5)
    label = FIELDS[name].heading + (f" ({of})" if of else "")
    axis.grid(axis="both", color="0.9", linewidth=0.7)
    axis.set_axisbelow(True)
    if FIELDS[name].unit:
        style.log_axis(axis, lines[name].to_numpy(dtype=float) / scale, label)
    else:
        axis.set_xlabel(label)


def pareto(material: Material, place: tuple[str, int], path: Path, picture: bool = True) -> bool:
    """Accuracy against total time and against peak memory; the best of each cost is joined up."""
    lines = ordered(material.at(place))
    score = score_of(material, place)
    lines = lines[lines["family"].isin(["network", "classical"]) & lines[score].notna()]
    costs = [c for c in ("time_total_s", "memory_peak_bytes") if lines[c].notna().any()]
    if lines.empty or not costs:
        return False
    columns = ["system", "family", *(n + p for n in (score, *costs) for p in PARTS)]
    lines = lines.assign(**{f"{c}_front": _front(lines, c, score) for c in costs})
    write_csv(lines[columns + [f"{c}_front" for c in costs]], path.with_suffix(".csv"))
    if not picture:
        return True
    fig, axes = style.figure(5.4 * len(costs), 4.6, ncols=len(costs), sharey=True, squeeze=False)
    points: list[np.ndarray] = []
    for axis, cost in zip(axes[0], costs, strict=True):
        shown = lines[lines[cost].notna()]
        scale, of = unit_of(shown, cost)
        for number, (_, line) in enumerate(shown.iterrows(), start=1):
            colour, marker = _look(line)
            x, y = line[cost] / scale, line[score]
            spread = [[y - line[f"{score}_low"]], [line[f"{score}_high"] - y]]
            axis.errorbar(x, y, yerr=spread, color=colour, linewidth=0.8)
            filled = colour if line[f"{cost}_front"] else "white"
            axis.plot(x, y, marker, color=colour, markerfacecolor=filled, markersize=6)
            name = f"{number} {line['system']}"
            axis.plot([], [], marker, color=colour, markerfacecolor=filled, label=name)
        ceiling = _ceiling(material, place)
        if np.isfinite(ceiling):
            label = f"ceiling {ceiling:.3f}"
            axis.axhline(ceiling, color="black", linestyle="--", linewidth=1, label=label)
        axis.grid(color="0.9", linewidth=0.7)
        axis.margins(0.1)  # room for the numbers
        values = shown[cost].to_numpy(dtype=float) / scale
        style.log_axis(axis, values, f"{FIELDS[cost].heading} ({of})")
        points.append(np.column_stack([values, shown[score].to_numpy(dtype=float)]))
    axes[0][0].set_ylabel(FIELDS[score].heading)
    axes[0][-1].legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    fig.canvas.draw()  # after this the layout stands, and places on the sheet are known
    fig.set_layout_engine("none")
    for axis, where in zip(axes[0], points, strict=True):
        _number(axis, where)
    style.save(fig, path)
    return True


def _number(axis: Any, points: np.ndarray) -> None:
    """The points' numbers, each where it covers neither a point nor another number."""
    at = axis.transData.transform(points) * 72 / axis.figure.dpi  # in points of type
    taken = [tuple(place) for place in at]
    for number, (x, y) in enumerate(at, start=1):
        place = max(
            ((x + dx, y + dy) for dx, dy in AROUND),
            key=lambda p: min(min(max(abs(p[0] - a) / 10, abs(p[1] - b) / 8), 1) for a, b in taken),
        )
        taken.append(place)
        shift = (place[0] - x, place[1] - y)
        line = {"arrowstyle": "-", "linewidth": 0.4, "color": "0.4", "shrinkA": 0, "shrinkB": 0}
        axis.annotate(
            str(number), points[number - 1], shift, textcoords="offset points", fontsize=7,
            ha="center", va="center", arrowprops=line if max(map(abs, shift)) > 12 else None,
        )  # fmt: skip


def _front(lines: pd.DataFrame, cost: str, score: str) -> pd.Series:
    """True where no other system is both at least as good and at most as costly."""
    cheap, good = lines[cost].astype(float), lines[score].astype(float)
    beaten = [
        bool(((cheap <= c) & (good >= g) & ((cheap < c) | (good > g))).any()) or not np.isfinite(c)
        for c, g in zip(cheap, good, strict=True)
    ]
    return ~pd.Series(beaten, index=lines.index)
