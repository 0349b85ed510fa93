"""Figures of cost: where a fresh process spends time and memory, and every raw value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.metrics import METRICS, PHASES, Metric
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case, Line
from benchmarks.render import style
from benchmarks.render.csv import tabulate
from benchmarks.render.headline import select_headline
from benchmarks.render.numbers import MIB, choose_column_unit, format_with_unit
from benchmarks.render.results import COSTS, order_lines
from benchmarks.render.style import Drawing

# One colour per phase; neighbours differ in lightness, so they can be told apart in grey.
COLOURS = ("#56B4E9", "#F6EFA6", "#004B7A", "#9A7B4F")  # of PHASES
CURVES = 9  # more could not be told apart; the table has every system


def draw_costs(data: RunData, case: Case) -> Drawing | None:
    """Draw time by phase and peak memory of the headline systems."""
    lines = [line for line in select_headline(data, case, CURVES) if line.has("time_total_s")]
    if not lines:
        return None
    names = [name for metrics in PHASES.values() for name in metrics]
    table = tabulate(order_lines(data.lines(case)), [*names, "time_total_s", "memory_peak_bytes"])
    return Drawing(table, lambda: _plot_costs(lines))


def _plot_costs(lines: list[Line]) -> Any:
    peaks = np.array([line.value("memory_peak_bytes") / MIB for line in lines])
    widths = [2, 1] if np.isfinite(peaks).any() else [1]
    fig, axes = style.make_figure(
        10, 0.36 * len(lines) + 1.3, ncols=len(widths), sharey=True, width_ratios=widths
    )
    totals = np.array([line.value("time_total_s") for line in lines])
    _plot_phases(axes[0], lines, totals)
    style.name_rows(axes[0], [line.system for line in lines])
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    for axis in axes[1:]:
        _plot_peaks(axis, lines, peaks)
    for axis in axes:
        axis.grid(False)
    return fig


def _plot_phases(axis: Any, lines: list[Line], totals: np.ndarray) -> None:
    first = min(totals) / 6
    for row, (line, total) in enumerate(zip(lines, totals, strict=True)):
        end = 0.0
        for (label, metrics), colour in zip(PHASES.items(), COLOURS, strict=True):
            spent = sum(line.value(name) for name in metrics if line.has(name))
            begin, end = max(end, first), end + spent
            if end > begin:
                tip = f"{line.system}, {label}: {spent:.3g} s"
                style.add_bar(axis, row, begin, end, colour, tip, None if row else label)
        text = format_with_unit(line.estimate("time_total_s"), "s")
        style.write_behind(axis, max(end, total), row, text)
    axis.set_xlim(first, max(totals) * 1.9)
    style.set_log_axis(axis, np.append(totals, first * 2), "time since the process began (s)")


def _plot_peaks(axis: Any, lines: list[Line], peaks: np.ndarray) -> None:
    known = peaks[np.isfinite(peaks)]
    first = min(known) / 3
    for row in map(int, np.flatnonzero(np.isfinite(peaks))):
        shown = f"{peaks[row]:.3g} MiB"
        tip = f"{lines[row].system}: {shown} at its peak"
        style.add_bar(axis, row, first, peaks[row], "0.75", tip)
        style.write_behind(axis, peaks[row], row, shown)
    axis.set_xlim(first, max(known) * 3)
    style.set_log_axis(axis, known, "peak memory (MiB)")


def draw_raw_values(data: RunData, case: Case) -> Drawing | None:
    """Draw one row per system, one panel per quantity, one dot per process or seed."""
    names = [data.score(case), *COSTS]
    lines = [x for x in order_lines(data.lines(case)) if any(x.has(name) for name in names)]
    metrics = [METRICS[name] for name in names if any(line.has(name) for line in lines)]
    if not lines:
        return None
    table = pd.DataFrame(
        {"system": line.system, "metric": metric.name, "value": value}
        for line in lines
        for metric in metrics
        if line.has(metric.name)
        for value in data.collect(case, line.system, metric).values()
    )
    ceiling = data.ceiling(case)
    return Drawing(table, lambda: _plot_raw_values(lines, metrics, table, ceiling))


def _plot_raw_values(
    lines: list[Line], metrics: list[Metric], table: pd.DataFrame, ceiling: float
) -> Any:
    size = (2.9 * len(metrics) + 1, 0.23 * len(lines) + 1.2)
    fig, axes = style.make_figure(*size, ncols=len(metrics), sharey=True)
    for axis, metric in zip(axes, metrics, strict=True):
        scale, unit = choose_column_unit(lines, metric.name)
        values = table[table["metric"].eq(metric.name)].set_index("system")["value"] / scale
        for row, line in enumerate(lines):
            dots = values[values.index == line.system]
            colour, _ = style.choose_mark(line)
            axis.plot(dots, np.full(len(dots), row), "o", color=colour, markersize=3.5, alpha=0.45,
                      markeredgewidth=0)  # fmt: skip
            if line.has(metric.name):
                (bar,) = axis.plot(line.value(metric.name) / scale, row, "|", color=colour,
                                   markersize=11, markeredgewidth=1.8)  # fmt: skip
                shown = format_with_unit(line.estimate(metric.name), metric.unit, bounds=True)
                style.add_tip(bar, f"{line.system}, {metric.heading}: {shown}")
        axis.set_axisbelow(True)
        axis.set_xlabel(metric.heading)
        if metric.unit:
            style.set_log_axis(axis, values.to_numpy(), f"{metric.heading} ({unit})")
        if metric.name == "accuracy_test" and np.isfinite(ceiling):
            axis.axvline(ceiling, color="black", linestyle="--", linewidth=1)
            axis.set_title(f"- - ceiling {ceiling:.3f}", loc="right", fontsize=8)
    style.name_rows(axes[0], [line.system for line in lines])
    return fig


def draw_memory(data: RunData, case: Case) -> Drawing | None:
    """Draw the sampled memory curve of one process of each headline system."""
    shown = {line.system for line in select_headline(data, case, CURVES)}
    curves = {}
    for system, arrays in data.read_arrays(case, "memory"):
        seconds, size = arrays.get("memory_s"), arrays.get("memory_bytes")
        if system in shown and seconds is not None and size is not None and len(seconds):
            x, y = style.thin(seconds - seconds[0], size)
            curves[system] = pd.DataFrame({"system": system, "seconds": x, "bytes": y})
    if not curves:
        return None
    table = pd.concat(curves.values(), ignore_index=True)
    return Drawing(table, lambda: _plot_memory(table))


def _plot_memory(table: pd.DataFrame) -> Any:
    # The legend lists the curves from top to bottom.
    order = (
        table.groupby("system", sort=False)["bytes"]
        .max()
        .sort_values(ascending=False, kind="stable")
    )
    curves = {}
    for system in order.index:
        part = table[table["system"].eq(system)]
        curves[system] = np.maximum(part["seconds"], 0.01), part["bytes"] / MIB
    fig, axis = style.plot_curves(curves, "resident memory (MiB)")
    seconds, sizes = table["seconds"].to_numpy(), table["bytes"].to_numpy() / MIB
    style.set_log_axis(axis, seconds[seconds > 0.01], "time since exec (s)")
    style.set_plain_ticks(axis.yaxis, sizes)
    return fig
