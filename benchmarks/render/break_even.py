"""When a faster step has repaid a slower start: sentence, table and picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.break_even import BreakEven, all_break_evens
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.stats import SMALLEST_N, Estimate
from benchmarks.render import figure_style as style
from benchmarks.render.escape import markdown, table, write_csv
from benchmarks.render.material import Material
from benchmarks.render.numbers import NOTHING, quantity, time_unit
from benchmarks.render.tables import ordered

MOST = 8  # curves in the picture


def found_at(material: Material, place: tuple[str, int]) -> list[BreakEven]:
    """Every comparison of a place, in the order of its table."""
    return all_break_evens(material.rows(place), ordered(material.at(place)))


def steps_text(steps: Estimate) -> str:
    """A number of steps with its interval; an open end is said in words."""
    if not math.isfinite(steps.high):
        low = f"{_round(steps.low):,}"
        return f"{_round(steps.value):,} (at least {low}, perhaps never)"
    if steps.kind == "single":
        return f"{_round(steps.value):,}"
    brackets = "()" if steps.kind == "interval" else "[]"
    bounds = f"{_round(steps.low):,}–{_round(steps.high):,}"
    return f"{_round(steps.value):,} {brackets[0]}{bounds}{brackets[1]}"


def _round(steps: float) -> int:
    """Two digits: the interval supports no more."""
    return int(float(f"{steps:.2g}"))


def sentence(material: Material, place: tuple[str, int]) -> str:
    """Which systems catch up with mapicx, and when; "" if nothing can be said."""
    found = found_at(material, place)
    repaid = _faster(material, place, found)
    if repaid:
        blocks = min(one.steps.n for one in repaid)
        said = "A faster step repays a slower start"
        if blocks < SMALLEST_N:
            said += f", in the median of {blocks} block{'s' * (blocks > 1)} (too few for a verdict)"
        parts = ", ".join(
            f"{markdown(one.system)} after {steps_text(one.steps)}"
            for one in sorted(repaid, key=lambda one: (one.steps.value, one.system))
        )
        return f"{said}: {parts} steps of this size."
    later = [one for one in found if one.later_start.low > 0 and one.slower_step.low > 0]
    if found and len(later) == len(found) and all(one.later_start.n > 1 for one in found):
        whom = (
            f"all {len(found)} begin later and take"
            if len(found) > 1
            else (f"{markdown(found[0].system)} begins later and takes")
        )
        return (
            f"No other network system repays its slower start: {whom} longer per step than {BASE}."
        )
    return ""


def _faster(material: Material, place: tuple[str, int], found: list[BreakEven]) -> list[BreakEven]:
    """Those that catch up by a step that is faster beyond the A/A noise."""
    lines = material.at(place).set_index("system")
    name = "time_step_warm_s"
    beyond = lines[f"{name}_ratio"] * lines[f"{name}_noise"].fillna(1.0) < 1
    judged = lines[f"{name}_n"] >= SMALLEST_N
    shown = beyond & (~judged | lines[f"{name}_verdict"].eq("faster"))
    return [one for one in found if one.repays and shown[one.system]]


def section(material: Material, place: tuple[str, int]) -> list[str]:
    """One row per network system."""
    found = found_at(material, place)
    if not found:
        return ["No network system has a start and a step to compare."]
    starts = time_unit([abs(one.later_start.value) for one in found])
    steps = time_unit([abs(one.slower_step.value) for one in found])
    body = [
        [
            markdown(one.system),
            quantity(one.later_start, starts[0], signed=True),
            quantity(one.slower_step, steps[0], signed=True),
            steps_text(one.steps) if one.steps.known else NOTHING,
            _who(one),
        ]
        for one in found
    ]
    head = ["system", f"later start ({starts[1]})", f"slower step ({steps[1]})"]
    head += ["even after steps", "from there on ahead"]
    said = (
        f"Against {BASE}, paired in blocks. The start is the whole process less its training at"
        " warm speed: import, compilation and exit count. No number stands where one of the two"
        " both begins earlier and steps faster, or where blocks disagree about who begins earlier."
    )
    return [*table(head, body), "", said]


def _who(one: BreakEven) -> str:
    if not one.steps.known:
        return NOTHING
    return markdown(one.system) if one.repays else BASE


def draw(material: Material, place: tuple[str, int], path: Path, picture: bool = True) -> bool:
    """Expected total time against the number of steps. False unless some system catches up."""
    found = found_at(material, place)
    faster = _faster(material, place, found)
    chosen = sorted(faster, key=lambda one: one.steps.value)[:MOST]
    base = material.base(place)
    if not chosen or base is None:
        return False
    write_csv(_data(found), path.with_suffix(".csv"))
    if not picture:
        return True
    lines = material.at(place).set_index("system")
    last = max(one.steps.high if math.isfinite(one.steps.high) else one.steps.value
               for one in chosen)  # fmt: skip
    steps = np.geomspace(min(one.steps.low for one in chosen) / 30, last * 10, 200)
    fig, axis = style.figure(8.5, 4.2)
    for index, name in enumerate([BASE, *(one.system for one in chosen)]):
        line = lines.loc[name]
        start = line["time_total_s"] - line["time_train_warm_s"]
        look = style.curve_style(index - 1, name == BASE, len(steps))
        axis.plot(steps, start + steps * line["time_step_warm_s"], label=name, **look)
    for index, one in enumerate(chosen):
        _mark(axis, one, base, style.curve_style(index, False)["color"])
    style.log_axis(axis, steps, "training steps")
    axis.set_yscale("log")
    axis.set_ylabel("fresh process, start to end (s), log scale")
    style.plain_ticks(axis.yaxis, np.array(axis.get_ylim()))
    axis.grid(color="0.9", linewidth=0.7)
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    style.save(fig, path)
    return True


def _mark(axis: Any, one: BreakEven, base: pd.Series, colour: str) -> None:
    """The crossing with mapicx's curve, with its interval along the steps."""
    start = base["time_total_s"] - base["time_train_warm_s"]
    y = start + one.steps.value * base["time_step_warm_s"]
    right = one.steps.high if math.isfinite(one.steps.high) else axis.get_xlim()[1]
    axis.plot([one.steps.low, right], [y, y], color=colour, linewidth=4, alpha=0.5, zorder=6)
    axis.plot(one.steps.value, y, "o", color=colour, markeredgecolor="black", zorder=7)


def _data(found: list[BreakEven]) -> pd.DataFrame:
    lines = []
    for one in found:
        line: dict[str, object] = {"system": one.system}
        for name in ("later_start", "slower_step", "steps"):
            value, low, high, n, kind = getattr(one, name)
            unit = "" if name == "steps" else "_s"
            line |= {f"{name}{unit}": value, f"{name}{unit}_low": low, f"{name}{unit}_high": high}
            line |= {f"{name}_n": n, f"{name}_kind": kind}
        lines.append(line)
    return pd.DataFrame(lines)
