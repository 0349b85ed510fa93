"""Figures of cost: where time and memory of a fresh process go, and every raw value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.checks import find_ceiling
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.samples import collect_samples
from benchmarks.analyse.summary import Case, Line
from benchmarks.render import style
from benchmarks.render.csv import tabulate
from benchmarks.render.numbers import MIB, choose_column_unit, format_with_unit
from benchmarks.render.results import COSTS, order_lines, select_headline
from benchmarks.render.style import Drawing

# A colour ends where its phase ends; neighbours differ in lightness, so that grey is enough.
PHASES = (
    ("start and import", ("time_start_s", "time_import_s"), "#56B4E9"),
    ("data and build", ("time_data_s", "time_build_s"), "#F6EFA6"),
    ("training", ("time_train_cold_s",), "#004B7A"),
    ("prediction and exit", ("time_predict_s", "time_exit_s"), "#9A7B4F"),
)
COSTS_CAPTION = (
    "Where the time of a fresh process goes (medians; each colour ends when its phase ends, the"
    " total is written behind), and the memory at its peak. Both scales are logarithmic: equal"
    " distances are equal factors."
)
RAW_CAPTION = (
    "Every measured value: one dot per block (scores: per seed), a bar at the median (scores:"
    " mean). Black: mapicx; blue: other networks; orange: classical models; grey: bounds."
)
MEMORY_CAPTION = "Resident memory over the life of one process of each system."
CURVES = 9  # more cannot be told apart; the table has every system


def draw_costs(data: RunData, case: Case) -> Drawing | None:
    """Time by phase and peak memory of the headline systems."""
    lines = [line for line in select_headline(data, case, 9) if line.has("time_total_s")]
    if not lines:
        return None
    names = [name for _, metrics, _ in PHASES for name in metrics]
    table = tabulate(order_lines(data.lines(case)), [*names, "time_total_s", "memory_peak_bytes"])
    return Drawing(table, lambda: _plot_costs(lines))


def _plot_costs(lines: list[Line]) -> Any:
    both = any(line.has("memory_peak_bytes") for line in lines)
    widths = [2, 1] if both else [1]
    fig, axes = style.make_figure(
        10,
        0.36 * len(lines) + 1.3,
        ncols=len(widths),
        sharey=True,
        squeeze=False,
        width_ratios=widths,
    )
    time = axes[0][0]
    totals = np.array([line.value("time_total_s") for line in lines])
    first = min(totals) / 6
    for row, line in enumerate(lines):
        end = first
        for label, metrics, colour in PHASES:
            begin = end
            end += sum(line.value(name) for name in metrics if line.has(name))
            end -= first if begin == first else 0
            if end <= begin:
                end = begin
                continue
            (bar,) = time.barh(row, end - begin, 0.66, begin, color=colour,
                               edgecolor="black", linewidth=0.4,
                               label=label if row == 0 else None)  # fmt: skip
            spent = sum(line.value(name) for name in metrics if line.has(name))
            style.add_tip(bar, f"{line.system}, {label}: {spent:.3g} s")
        text = format_with_unit(line.estimate("time_total_s"), "s")
        time.annotate(text, (max(end, totals[row]), row), (4, 0), textcoords="offset points",
                      va="center", fontsize=8)  # fmt: skip
    time.set_xlim(first, max(totals) * 1.9)
    style.set_log_axis(time, np.append(totals, first * 2), "time since the process began (s)")
    time.set_yticks(range(len(lines)), [line.system for line in lines])
    time.invert_yaxis()
    handles, labels = time.get_legend_handles_labels()
    fig.legend(handles, labels, fontsize=8, frameon=False, loc="outside upper center", ncols=4)
    if both:
        _plot_memory(axes[0][1], lines)
    return fig


def _plot_memory(axis: Any, lines: list[Line]) -> None:
    peaks = np.array([line.value("memory_peak_bytes") / MIB for line in lines])
    known = peaks[np.isfinite(peaks)]
    first = min(known) / 3
    for row, (line, peak) in enumerate(zip(lines, peaks, strict=True)):
        if np.isfinite(peak):
            (bar,) = axis.barh(row, peak - first, 0.66, first, color="0.75", edgecolor="black",
                               linewidth=0.4)  # fmt: skip
            style.add_tip(bar, f"{line.system}: {peak:.3g} MiB at its peak")
            axis.annotate(f"{peak:.3g} MiB", (peak, row), (4, 0), textcoords="offset points",
                          va="center", fontsize=8)  # fmt: skip
    axis.set_xlim(first, max(known) * 3)
    style.set_log_axis(axis, known, "peak memory (MiB)")


def draw_raw_values(data: RunData, case: Case) -> Drawing | None:
    """One row per system, one panel per quantity, one dot per process or seed."""
    metrics = [data.score(case), *COSTS]
    lines = [x for x in order_lines(data.lines(case)) if any(x.has(m) for m in metrics)]
    metrics = [m for m in metrics if any(line.has(m) for line in lines)]
    if not lines:
        return None
    rows = data.rows(case)
    values = {
        (line.system, metric): list(
            collect_samples(rows[rows["system"].eq(line.system)], METRICS[metric]).values()
        )
        for line in lines
        for metric in metrics
        if line.has(metric)
    }
    table = pd.DataFrame(
        [
            {"system": system, "metric": metric, "value": value}
            for (system, metric), found in values.items()
            for value in found
        ]
    )
    ceiling = find_ceiling(rows)
    return Drawing(table, lambda: _plot_raw_values(lines, metrics, values, ceiling))


def _plot_raw_values(lines: list[Line], metrics: list[str], values: dict, ceiling: float) -> Any:
    size = (2.9 * len(metrics) + 1, 0.23 * len(lines) + 1.2)
    fig, axes = style.make_figure(*size, ncols=len(metrics), sharey=True, squeeze=False)
    for axis, metric in zip(axes[0], metrics, strict=True):
        scale, unit = choose_column_unit(lines, metric)
        for row, line in enumerate(lines):
            dots = np.array(values.get((line.system, metric), ())) / scale
            colour, _ = style.choose_mark(line)
            axis.plot(dots, np.full(len(dots), row), "o", color=colour, markersize=3.5, alpha=0.45,
                      markeredgewidth=0)  # fmt: skip
            if line.has(metric):
                (bar,) = axis.plot(line.value(metric) / scale, row, "|", color=colour,
                                   markersize=11, markeredgewidth=1.8)  # fmt: skip
                shown = format_with_unit(line.estimate(metric), METRICS[metric].unit, bounds=True)
                style.add_tip(bar, f"{line.system}, {METRICS[metric].heading}: {shown}")
        axis.grid(axis="both", color="0.9", linewidth=0.7)
        axis.set_axisbelow(True)
        heading = METRICS[metric].heading
        if METRICS[metric].unit:
            every = np.concatenate([v for (_, m), v in values.items() if m == metric]) / scale
            style.set_log_axis(axis, every, f"{heading} ({unit})")
        else:
            axis.set_xlabel(heading)
        if metric == "accuracy_test" and np.isfinite(ceiling):
            axis.axvline(ceiling, color="black", linestyle="--", linewidth=1)
            axis.set_title(f"- - ceiling {ceiling:.3f}", loc="right", fontsize=8)
    axes[0][0].set_yticks(range(len(lines)), [line.system for line in lines])
    axes[0][0].invert_yaxis()
    return fig


def draw_memory(data: RunData, case: Case) -> Drawing | None:
    """The sampled curve of one process of each headline system."""
    shown = {line.system for line in select_headline(data, case, CURVES)}
    curves = {}
    for system, arrays in data.read_arrays(case, "memory"):
        seconds, size = arrays.get("memory_s"), arrays.get("memory_bytes")
        if system in shown and seconds is not None and size is not None and len(seconds):
            curves[system] = style.thin(seconds - seconds[0], size)
    if not curves:
        return None
    table = pd.concat(
        [pd.DataFrame({"system": s, "seconds": x, "bytes": y}) for s, (x, y) in curves.items()],
        ignore_index=True,
    )
    return Drawing(table, lambda: _plot_curves(curves))


def _plot_curves(curves: dict[str, list[np.ndarray]]) -> Any:
    fig, axis = style.make_figure(8.5, 4.2)
    # The legend stands in the order in which the curves lie above one another.
    for index, system in enumerate(sorted(curves, key=lambda s: -curves[s][1].max())):
        seconds, size = curves[system]
        look = style.choose_curve(index, system == "mapicx", len(seconds))
        axis.plot(np.maximum(seconds, 0.01), size / MIB, label=system, **look)
    every = np.concatenate([seconds for seconds, _ in curves.values()])
    style.set_log_axis(axis, every[every > 0.01], "time since exec (s)")
    axis.set_yscale("log")
    sizes = np.concatenate([size for _, size in curves.values()]) / MIB
    style.set_plain_ticks(axis.yaxis, sizes)
    axis.set_ylabel("resident memory (MiB), log scale")
    axis.grid(color="0.9", linewidth=0.7)
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig
