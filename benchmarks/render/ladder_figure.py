"""The ladder as a picture and as the table of numbers behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.ladder import WHOLE_LOOP, Rung, Step
from benchmarks.analyse.stats import Estimate
from benchmarks.render import figure_style as style
from benchmarks.render.escape import write_csv
from benchmarks.render.ladder import headings, names_of, optimizer_name

NAME = "ladder"
CAPTION = (
    "Step time of mapicx divided by that of each other system; left of the line mapicx is faster."
    " Filled: loops in Python; hollow: the whole loop in one program."
)
MARKERS = ("o", "s", "^", "v", "P", "X", "<", ">", "d", "*", "h")


def data(steps: list[Rung]) -> pd.DataFrame:
    """Everything behind tables and picture, in seconds, one line per rung and system."""
    lines = []
    for rung in steps:
        place = {
            "workload": rung.workload,
            "threads": rung.threads,
            "network": rung.shape,
            "batch": rung.batch,
            "optimizer": rung.optimizer,
        }
        for step in rung.steps.values():
            line = place | {"system": step.system, "framework": step.framework}
            for name, estimate in (
                ("step_s", step.step), ("rest_s", step.rest), ("mapicx_over_system", step.ratio)
            ):  # fmt: skip
                line |= _columns(name, estimate)
            lines.append(line | {"verdict": step.verdict, "fastest_peer": step == rung.peer})
        for control, estimate in rung.products.items():
            lines.append(place | {"system": control} | _columns("step_s", estimate))
    return pd.DataFrame(lines)


def _columns(name: str, estimate: Estimate) -> dict[str, object]:
    value, low, high, n, kind = estimate
    return {name: value, f"{name}_low": low, f"{name}_high": high, f"{name}_n": n,
            f"{name}_kind": kind}  # fmt: skip


def draw(steps: list[Rung], path: Path, picture: bool = True) -> bool:
    """One panel per optimizer, one row per shape. False if no ratio is known."""
    write_csv(data(steps), path.with_suffix(".csv"))
    ratios = [(r, s) for r in steps for s in r.steps.values() if s.ratio.known]
    if not ratios or not picture:
        return bool(ratios)
    names = [name for name in names_of(steps) if name != BASE]
    optimizers = list(dict.fromkeys(rung.optimizer for rung in steps))
    rows = max(sum(r.optimizer == optimizer for r in steps) for optimizer in optimizers)
    fig, axes = style.figure(
        4.6 * len(optimizers) + 1.5, 0.95 * rows + 1.2, ncols=len(optimizers), squeeze=False,
        sharex=True,
    )  # fmt: skip
    values = np.array([step.ratio.value for _, step in ratios])
    for axis, optimizer in zip(axes[0], optimizers, strict=True):
        part = [rung for rung in steps if rung.optimizer == optimizer]
        for row, rung in enumerate(part):
            for place, name in enumerate(names):
                if name in rung.steps and rung.steps[name].ratio.known:
                    y = row + 0.8 * ((place + 0.5) / len(names) - 0.5)
                    _mark(axis, rung.steps[name], y, place)
        for row in range(1, len(part)):
            axis.axhline(row - 0.5, color="0.8", linewidth=0.7)
        axis.axvline(1, color="black", linewidth=1.2)
        axis.set_yticks(range(len(part)), headings(part))
        axis.set_ylim(len(part) - 0.5, -0.5)
        axis.set_title(optimizer_name(part[0]), fontsize=9)
        axis.grid(axis="x", color="0.9", linewidth=0.7)
        style.log_axis(axis, np.append(values, 1.0), f"step of {BASE} / step of system")
    axes[0][-1].legend(
        *_legend(axes[0]), fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5)
    )
    axes[0][0].set_ylabel("network, batch")
    style.save(fig, path)
    return True


def _mark(axis: Any, step: Step, y: float, place: int) -> None:
    colour = style.CURVE_COLOURS[1 + place % (len(style.CURVE_COLOURS) - 1)]
    axis.plot([step.ratio.low, step.ratio.high], [y, y], color=colour, linewidth=2)
    axis.plot(
        step.ratio.value, y, MARKERS[place % len(MARKERS)], color=colour, markersize=5.5,
        markerfacecolor=colour if step.system != WHOLE_LOOP else "white", label=step.system,
    )  # fmt: skip


def _legend(axes: Any) -> tuple[list, list]:
    """Each system once, in the order of the rows."""
    found: dict[str, object] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
