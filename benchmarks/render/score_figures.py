"""Figures of what was learnt: decision boundaries, score against cost, and losses by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from baselines.contract import Workload
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case, Line
from benchmarks.measure.data import generate_data
from benchmarks.plan.datasets import DATASETS
from benchmarks.render import style
from benchmarks.render.csv import tabulate
from benchmarks.render.numbers import choose_column_unit, format_number
from benchmarks.render.results import order_lines
from benchmarks.render.style import Drawing

PANELS = 5
BESIDE = ((1.2, 0), (-1.2, 0), (0, 1.2), (0, -1.2), (1, 0.7), (1, -0.7), (-1, 0.7), (-1, -0.7))
# Possible offsets of a number from its point, in typographic points: nearest first.
AROUND = tuple((radius * x, radius * y) for radius in (9, 17, 26, 36, 46) for x, y in BESIDE)
SMALLEST_GAP = 1e-9  # smallest loss difference drawn, in nats: below float32 precision


def draw_boundaries(data: RunData, case: Case) -> Drawing | None:
    """Draw the predicted classes of five differing systems, with the training points."""
    arrays = data.read_arrays(case, "time")
    found = {system: grid for system, kept in arrays if (grid := _read_grid(kept))}
    if not found:
        return None
    chosen = _choose_different(found)
    first = found[chosen[0]]
    x, y = np.meshgrid(first["x"], first["y"])
    labels = {s: g["label"].ravel() for s, g in found.items() if g["label"].shape == x.shape}
    table = pd.DataFrame({"x1": x.ravel(), "x2": y.ravel()} | labels)
    lines = {line.system: line for line in data.lines(case)}
    points = _draw_training_points(data, case)
    return Drawing(table, lambda: _plot_boundaries({s: found[s] for s in chosen}, lines, points))


def _read_grid(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Read x (k,), y (k,), label (k, k), sure (k, k) in 0..1; {} if there is no grid."""
    if "grid_x" not in arrays or "grid_y" not in arrays:
        return {}
    shape = (len(arrays["grid_y"]), len(arrays["grid_x"]))
    if "grid_proba" in arrays:
        proba = arrays["grid_proba"].reshape(shape[0] * shape[1], -1)
        if proba.shape[1] == 1:  # one logistic output: P(second class)
            proba = np.column_stack([1 - proba, proba])
        labels, least = proba.argmax(axis=1), 1 / proba.shape[1]
        sure = np.clip((proba.max(axis=1) - least) / (1 - least), 0, 1)
    elif "grid_labels" in arrays:
        labels = arrays["grid_labels"].astype(int).ravel()
        sure = np.ones(labels.shape)
    else:
        return {}
    grid = {"label": labels.reshape(shape), "sure": sure.reshape(shape)}
    return {"x": arrays["grid_x"], "y": arrays["grid_y"]} | grid


def _choose_different(found: dict[str, dict]) -> list[str]:
    """Choose mapicx, then repeatedly the system that differs most from all chosen so far.

    Systems that predict a single class, such as a floor, are left out: they show nothing.
    """
    able = [s for s, grid in found.items() if len(np.unique(grid["label"])) > 1] or list(found)
    chosen = [BASE if BASE in able else able[0]]
    while len(chosen) < min(PANELS, len(able)):
        distance = {
            s: min(np.mean(found[s]["label"] != found[c]["label"]) for c in chosen)
            for s in able
            if s not in chosen
        }
        chosen.append(max(sorted(distance), key=lambda s: distance[s]))
    return chosen


def _draw_training_points(data: RunData, case: Case) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the rows that the drawn systems were trained on; None for tables of more columns."""
    workload = data.workloads.get(case.workload) or {}
    seeds = data.rows(case, "time").sort_values(["block", "order"])["seed"]
    if workload.get("dataset") not in DATASETS or workload["layers"][0] != 2 or seeds.empty:
        return None
    try:
        made = generate_data(Workload(**workload), int(seeds.iloc[0]), "float32")
    except (TypeError, ValueError):  # a run whose workloads had other fields
        return None
    return made.arrays["X_train"], made.arrays["y_train"]


def _plot_boundaries(
    grids: dict[str, dict], lines: dict[str, Line], points: tuple[np.ndarray, np.ndarray] | None
) -> Any:
    from matplotlib.colors import to_rgba_array
    from matplotlib.patches import Patch

    def paint(classes: Any) -> np.ndarray:
        colours = to_rgba_array(style.CLASS_COLOURS)[:, :3]
        return colours[np.asarray(classes, dtype=int) % len(colours)]

    fig, axes = style.make_figure(2.3 * len(grids), 3.5, ncols=len(grids), sharex=True, sharey=True)
    for axis, (system, grid) in zip(axes, grids.items(), strict=True):
        weight = 0.35 + 0.4 * grid["sure"][..., None]
        shades = weight * paint(grid["label"]) + (1 - weight)
        extent = (grid["x"][0], grid["x"][-1], grid["y"][0], grid["y"][-1])
        axis.imshow(shades, extent=extent, origin="lower", aspect="equal", interpolation="nearest")
        for label in np.unique(grid["label"]):
            inside = (grid["label"] == label).astype(float)
            if 0 < inside.mean() < 1:
                edge = axis.contour(grid["x"], grid["y"], inside, [0.5], colors="black",
                                    linewidths=0.6)  # fmt: skip
                edge.set_rasterized(True)
        if points is not None:
            axis.scatter(*points[0].T[:2], s=7, c=paint(points[1]), edgecolors="black",
                         linewidths=0.3, rasterized=True)  # fmt: skip
            axis.set(xlim=extent[:2], ylim=extent[2:])
        score = format_number(lines[system].value("accuracy_test")) if system in lines else ""
        axis.set_title(f"{system}\nmean test accuracy {score}", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.locator_params(nbins=3)
        axis.set_xlabel("x1", fontsize=7)
        axis.grid(False)
    axes[0].set_ylabel("x2", fontsize=7)
    classes = np.unique([grid["label"] for grid in grids.values()])
    key = [Patch(facecolor=tuple(paint(c)), edgecolor="black", label=f"class {c}") for c in classes]
    fig.legend(handles=key, loc="outside lower center", ncols=len(key))
    return fig


def draw_pareto(data: RunData, case: Case) -> Drawing | None:
    """Draw score against total time and against peak memory."""
    score = data.score(case)
    lines = [x for x in order_lines(data.lines(case)) if x.family != "bound" and x.has(score)]
    costs = [c for c in ("time_total_s", "memory_peak_bytes") if any(x.has(c) for x in lines)]
    if not costs:
        return None
    table = tabulate(lines, [score, *costs])
    for cost in costs:
        table[f"{cost}_front"] = _find_front(-table[cost], table[score])
    ceiling = data.ceiling(case)
    return Drawing(table, lambda: _plot_pareto(lines, table, score, costs, ceiling))


def _find_front(cheap: pd.Series, good: pd.Series) -> list[bool]:
    """Mark the Pareto-optimal systems: those with a cost that no other dominates."""
    return [
        c == c and not ((cheap >= c) & (good >= g) & ((cheap > c) | (good > g))).any()
        for c, g in zip(cheap, good, strict=True)
    ]


def _plot_pareto(
    lines: list[Line], table: pd.DataFrame, score: str, costs: list[str], ceiling: float
) -> Any:
    fig, axes = style.make_figure(5.4 * len(costs), 4.6, ncols=len(costs), sharey=True)
    scores = [line.estimate(score) for line in lines]
    for axis, cost in zip(axes, costs, strict=True):
        scale, unit = choose_column_unit(lines, cost)
        for number, (line, estimate) in enumerate(zip(lines, scores, strict=True), start=1):
            colour, marker = style.choose_mark(line)
            x = line.value(cost) / scale
            axis.vlines(x, estimate.low, estimate.high, color=colour, linewidth=0.8)
            filled = colour if table[f"{cost}_front"][number - 1] else "white"
            (dot,) = axis.plot(x, estimate.value, marker, color=colour, markerfacecolor=filled,
                               markersize=6, label=f"{number} {line.system}")  # fmt: skip
            tip = f"{line.system}: {format_number(estimate.value)} at {format_number(x)} {unit}"
            style.add_tip(dot, tip)
        if np.isfinite(ceiling):
            axis.axhline(ceiling, color="black", linestyle="--", linewidth=1,
                         label=f"ceiling {ceiling:.3f}")  # fmt: skip
        axis.margins(0.1)  # room for the numbers
        values = table[cost].to_numpy() / scale
        style.set_log_axis(axis, values, f"{METRICS[cost].heading} ({unit})")
    axes[0].set_ylabel(METRICS[score].heading)
    style.put_legend_beside(axes[-1], fontsize=7)
    fig.canvas.draw()  # fixes the layout, so that positions on the page are known
    fig.set_layout_engine("none")
    for axis, cost in zip(axes, costs, strict=True):
        scale, _ = choose_column_unit(lines, cost)
        _number_points(axis, np.column_stack([table[cost] / scale, table[score]]))
    return fig


def _number_points(axis: Any, points: np.ndarray) -> None:
    """Number the points, placing each number clear of points and other numbers."""
    known = np.isfinite(points).all(axis=1)
    at = axis.transData.transform(points) * 72 / axis.figure.dpi  # in typographic points
    taken = [tuple(place) for place in at[known]]
    for number in np.flatnonzero(known):
        x, y = at[number]
        place = max(
            ((x + dx, y + dy) for dx, dy in AROUND),
            key=lambda p: min(min(max(abs(p[0] - a) / 10, abs(p[1] - b) / 8), 1) for a, b in taken),
        )
        taken.append(place)
        shift = (place[0] - x, place[1] - y)
        line = {"arrowstyle": "-", "linewidth": 0.4, "color": "0.4", "shrinkA": 0, "shrinkB": 0}
        axis.annotate(
            str(number + 1), points[number], shift, textcoords="offset points", fontsize=7,
            ha="center", va="center", arrowprops=line if max(map(abs, shift)) > 12 else None,
        )  # fmt: skip


def draw_losses(data: RunData, case: Case) -> Drawing | None:
    """Draw |loss - reference| of every network, for one seed."""
    found = {
        system: np.asarray(arrays["losses"], dtype=float).ravel()
        for system, arrays in data.read_arrays(case, "time")
        if "losses" in arrays and arrays["losses"].size > 1
    }
    if len(found) < 2:
        return None
    (steps,) = style.thin(np.arange(min(map(len, found.values()))))
    table = pd.DataFrame({"step": steps} | {name: losses[steps] for name, losses in found.items()})
    order = [line.system for line in order_lines(data.lines(case)) if line.system in found]
    return Drawing(table, lambda: _plot_losses(table, order))


def choose_reference(systems: list[str]) -> str:
    """Choose the network whose losses the others are compared with."""
    return next((s for s in ("numpy-plain", BASE) if s in systems), systems[0])


def _plot_losses(table: pd.DataFrame, order: list[str]) -> Any:
    reference = choose_reference(order)
    gaps = table[order].sub(table[reference], axis="index").abs().clip(lower=SMALLEST_GAP)
    curves = {name: (table["step"] + 1, gaps[name]) for name in order if name != reference}
    fig, axis = style.plot_curves(curves, f"|training loss − {reference}'s|")
    axis.set_xlabel("step")
    return fig
