"""Figures of phases and curves: where time and memory go, and the losses on top of one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.frameworks import BASE
from benchmarks.record.schema import FIELDS
from benchmarks.render import figure_style as style
from benchmarks.render.escape import write_csv
from benchmarks.render.material import Material
from benchmarks.render.numbers import MIB
from benchmarks.render.tables import BOUNDS, headline_systems, ordered

TIME_PHASES = (
    "time_start_s",
    "time_import_s",
    "time_data_s",
    "time_build_s",
    "time_train_cold_s",
    "time_predict_s",
    "time_exit_s",
)
MEMORY_PEAKS = (
    "memory_import_peak_bytes",
    "memory_build_peak_bytes",
    "memory_train_peak_bytes",
    "memory_peak_bytes",
)
# The long phases differ in lightness, the others by hatching too, so that grey is enough.
FILLS = ("0.98", "#56B4E9", "0.98", "#F6EFA6", "#004B7A", "0.98", "#E8C9A0")
HATCHES = ("", "", "////", "", "", "....", "xxx")
MARKERS = ("o", "s", "^", "D")
CURVES = 9  # more cannot be told apart; the table beside it has every system
POINTS = 500  # a curve is drawn and stored with at most so many


def phases(material: Material, place: tuple[str, int], path: Path, picture: bool = True) -> bool:
    """Stacked bars: the cold process from exec to exit, phase by phase (medians)."""
    lines = ordered(material.at(place))
    lines = lines[lines["time_total_s"].notna()]
    names = [name for name in TIME_PHASES if lines[name].notna().any()]
    if lines.empty or not names:
        return False
    write_csv(lines[["system", "family", *names, "time_total_s"]], path.with_suffix(".csv"))
    if not picture:
        return True
    fig, axis = style.figure(8.5, 0.26 * len(lines) + 1.4)
    left = np.zeros(len(lines))
    looks = dict(zip(TIME_PHASES, zip(FILLS, HATCHES, strict=True), strict=True))
    for name in names:
        width = lines[name].fillna(0).to_numpy(dtype=float)
        fill, hatch = looks[name]
        label = FIELDS[name].heading
        axis.barh(
            range(len(lines)), width, 0.72, left, color=fill, hatch=hatch, label=label,
            edgecolor="black", linewidth=0.4,
        )  # fmt: skip
        left += width
    axis.plot(lines["time_total_s"], range(len(lines)), "k|", markersize=12, label="total")
    axis.set_yticks(range(len(lines)), lines["system"])
    axis.invert_yaxis()
    axis.set_xlabel("wall time of a fresh process, medians (s)")
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    style.save(fig, path)
    return True


def memory(material: Material, place: tuple[str, int], path: Path, picture: bool = True) -> bool:
    """Left: peaks by phase with their range. Right: the sampled curve of one process each."""
    lines = ordered(material.at(place))
    names = [name for name in MEMORY_PEAKS if lines[name].notna().any()]
    lines = lines[lines[names].notna().any(axis=1)] if names else lines.iloc[:0]
    if lines.empty:
        return False
    parts = ["", "_low", "_high", "_n"]
    columns = ["system", "family", *(n + part for n in names for part in parts)]
    write_csv(lines[columns], path.with_suffix(".csv"))
    curves = _memory_curves(material, place)
    panels = 2 if len(curves) else 1
    if len(curves):
        write_csv(curves, path.with_name(f"{path.stem}-curve.csv"))
    if not picture:
        return True
    height = 0.26 * len(lines) + 1.6
    fig, axes = style.figure(6.5 * panels, height, ncols=panels, squeeze=False)
    axis = axes[0][0]
    looks = zip(names, MARKERS, ("0.55", "#E69F00", "#0072B2", "black"), strict=False)
    for name, marker, colour in looks:
        x, low, high = (lines[name + part].to_numpy(dtype=float) / MIB for part in parts[:3])
        y = np.arange(len(lines))
        axis.hlines(y, low, high, color=colour, linewidth=1.5)
        hollow = "none" if name == "memory_peak_bytes" else colour
        size = 9 if name == "memory_peak_bytes" else 5
        label = FIELDS[name].heading
        axis.plot(x, y, marker, color=colour, markerfacecolor=hollow, markersize=size, label=label)
    axis.set_yticks(range(len(lines)), lines["system"])
    axis.invert_yaxis()
    axis.grid(color="0.9", linewidth=0.7)
    values = lines[names].to_numpy(dtype=float).ravel() / MIB
    style.log_axis(axis, values, "highest resident set (MiB)")
    axis.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.4, 1.1), ncols=4)
    if len(curves):
        _draw_curves(axes[0][1], curves)
    style.save(fig, path)
    return True


def _thin(*arrays: np.ndarray) -> list[np.ndarray]:
    keep = np.unique(np.linspace(0, len(arrays[0]) - 1, POINTS).astype(int))
    return [array[keep] for array in arrays]


def _memory_curves(material: Material, place: tuple[str, int]) -> pd.DataFrame:
    kept, shown = [], headline_systems(material, place, CURVES)
    for system, arrays in material.arrays(place, "memory"):
        if system not in shown or system in BOUNDS:
            continue
        seconds, size = arrays.get("memory_s"), arrays.get("memory_bytes")
        if seconds is None or size is None or len(seconds) != len(size) or not len(seconds):
            continue
        seconds, size = _thin(seconds - seconds[0], size)
        kept.append(pd.DataFrame({"system": system, "seconds": seconds, "bytes": size}))
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame()


def _draw_curves(axis: Any, curves: pd.DataFrame) -> None:
    # The legend stands in the order in which the curves lie above one another.
    peaks = curves.groupby("system")["bytes"].max().sort_values(ascending=False, kind="stable")
    for index, system in enumerate(peaks.index):
        curve = curves[curves["system"].eq(system)]
        look = style.curve_style(index, system == BASE, len(curve))
        seconds = np.maximum(curve["seconds"], 0.01)
        axis.plot(seconds, curve["bytes"] / MIB, label=system, **look)
    style.log_axis(axis, curves["seconds"].to_numpy(), "time since exec (s)")
    axis.set_ylabel("resident set, sampled every 10 ms (MiB)")
    axis.grid(color="0.9", linewidth=0.7)
    axis.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def losses(material: Material, place: tuple[str, int], path: Path, picture: bool = True) -> bool:
    """The training loss of every network system, one seed, on top of one another."""
    found = {
        system: np.asarray(arrays["losses"], dtype=float).ravel()
        for system, arrays in material.arrays(place, "time")
        if "losses" in arrays and arrays["losses"].size > 1
    }
    if not found:
        return False
    length = max(map(len, found.values()))
    steps = np.arange(length)
    table = {s: np.pad(v, (0, length - len(v)), constant_values=np.nan) for s, v in found.items()}
    (steps,) = _thin(steps)
    data = pd.DataFrame({"step": steps} | {s: v[steps] for s, v in table.items()})
    write_csv(data, path.with_suffix(".csv"))
    if not picture:
        return True
    fig, axis = style.figure(8.5, 4.2)
    order = [s for s in ordered(material.at(place))["system"] if s in found]
    for index, system in enumerate(order):
        look = style.curve_style(index, system == BASE, len(steps))
        if system == BASE:
            look |= {"linewidth": 4, "alpha": 0.3, "zorder": 1}
        axis.plot(steps, table[system][steps], label=system, **look)
    axis.set_xlabel("step")
    regression = material.workload(place[0]).get("task") == "regression"
    of = "mean squared error" if regression else "nats"
    axis.set_ylabel(f"training loss before the step ({of})")
    axis.grid(color="0.9", linewidth=0.7)
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    style.save(fig, path)
    return True
