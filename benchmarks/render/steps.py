"""The step-time sweep: sentences, tables and figure; and a table of gradients in Python loops."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.equal_work import format_shape
from benchmarks.analyse.frameworks import BASE, PRODUCTS, WHOLE_LOOP, find_framework
from benchmarks.analyse.metrics import STEP
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.steps import LOOPS, VECTORISED, StepCost, SweepPoint, compare_loops
from benchmarks.analyse.summary import Case
from benchmarks.analyse.verdicts import Kind, name_kind
from benchmarks.errors import format_count
from benchmarks.render import style
from benchmarks.render.csv import make_frame
from benchmarks.render.document import TEXTS, Cell, Paragraph, Quantity, Section, Table, make_table
from benchmarks.render.numbers import (
    MICRO,
    NOTHING,
    format_estimate,
    format_number,
    format_verdict,
    format_with_unit,
    join_words,
)
from benchmarks.render.results import UNCHECKED, explain_bounds
from benchmarks.render.style import Drawing

TITLE = "The ladder of training steps"
LOOPS_TITLE = "Gradients in Python loops and vectorised"
LOOPS_HEAD = (
    "workload", "network", "threads", f"{LOOPS} (µs)", f"{VECTORISED} (µs)", "loops / vectorised",
)  # fmt: skip


def describe_sweep(points: list[SweepPoint]) -> list[str]:
    """Answer in sentences what a sweep shows."""
    sentences = []
    pairs = [(point, rival) for point in points if (rival := point.competitor) is not None]
    if pairs:
        sentences.append(_count("the fastest system whose training loop runs in Python", pairs))
        ends = [pairs[0], pairs[-1]] if len(pairs) > 1 else pairs
        parts = ", ".join(
            f"{format_with_unit(point.steps[BASE].step, 's')} on {_name(point)}"
            f" ({format_estimate(rival.ratio, bounds=False)} times {rival.system}'s,"
            f" {_show_verdict(rival)})"
            for point, rival in ends
        )
        sentences.append(f"Its step takes {parts}.")
    loops = [(p, p.steps[WHOLE_LOOP]) for p in points if WHOLE_LOOP in p.steps]
    loops = [(point, step) for point, step in loops if step.ratio.known]
    if loops:
        sentences.append(_count(f"{WHOLE_LOOP}, which compiles its whole loop", loops))
    shares = [point.products_share for point in points if point.products_share is not None]
    if shares:
        low, high = (f"{100 * share:.0f}" for share in (min(shares), max(shares)))
        between = f"{low} %" if low == high else f"{low} to {high} %"
        sentences.append(f"NumPy's matrix products alone take {between} of {BASE}'s step.")
    return sentences


def _count(whom: str, pairs: list[tuple[SweepPoint, StepCost]]) -> str:
    """Count how often mapicx is faster than one competitor per point."""
    ratios = [step.ratio.value for _, step in pairs]
    span = f"its time over theirs: {format_number(min(ratios))} to {format_number(max(ratios))}"
    count = format_count(len(pairs), "configuration")
    kinds = [step.verdict.kind for _, step in pairs]
    if all(kind is Kind.TOO_FEW for kind in kinds):
        below = sum(ratio < 1 for ratio in ratios)
        return (
            f"Of {count}, {BASE}'s median step is below that of {whom} in {below}"
            f" ({span}; too few blocks for verdicts)."
        )
    parts = [f"{name_kind(kind, STEP)} in {kinds.count(kind)}" for kind in Kind if kind in kinds]
    return f"Of {count}, {BASE}'s step is {join_words(parts)} against {whom} ({span})."


def _name(point: SweepPoint) -> str:
    return f"{point.shape}, batch {point.batch}, {point.optimizer}"


def keep_fewest_threads(points: list[SweepPoint]) -> list[SweepPoint]:
    """Keep the points with the fewest threads, which every machine has."""
    fewest = min((point.case.threads for point in points), default=1)
    return [point for point in points if point.case.threads == fewest]


def make_compact_table(points: list[SweepPoint]) -> Table:
    """Tabulate per point: mapicx, its fastest competitor, and the whole loop in one program."""
    rows: list[list[Cell]] = []
    for point in points:
        rival, loop = point.competitor, point.steps.get(WHOLE_LOOP)
        own = point.steps[BASE].step if BASE in point.steps else Estimate()
        share = point.products_share
        rows.append(
            [
                _name_size(point, point.case.threads > 1),
                point.optimizer,
                Quantity(own, MICRO, bounds=False),
                rival.system if rival else NOTHING,
                _show_ratio(rival),
                _show_verdict(rival),
                _show_ratio(loop),
                NOTHING if share is None else f"{share:.0%}",
            ]
        )
    head = ["network, batch", "optimizer", f"{BASE} (µs)", "fastest competitor"]
    head += [f"{BASE} / competitor", f"{BASE} is", f"{BASE} / {WHOLE_LOOP}", "products"]
    table = make_table(head, rows, words=(1, 3, 5))
    return dataclasses.replace(table, notes=(_note(table, points),))


def _show_ratio(step: StepCost | None) -> Cell:
    if step is None or not step.ratio.known:
        return NOTHING
    return Quantity(step.ratio, suffix="" if step.checked else f" {UNCHECKED}")


def _show_verdict(step: StepCost | None) -> str:
    return NOTHING if step is None else format_verdict(step.verdict, STEP)


def _note(table: Table, points: list[SweepPoint]) -> str:
    sentences = [TEXTS["notes"]["steps"], *explain_bounds(table)]
    steps = [step for point in points for step in point.steps.values() if step.ratio.known]
    if any(step.verdict.kind is Kind.TOO_FEW for step in steps):
        sentences.append("Some comparisons have too few blocks for a verdict.")
    if any(not step.checked for step in steps):
        sentences.append(f"{UNCHECKED} not proven to train the same network in this run.")
    return " ".join(sentences)


def make_sections(points: list[SweepPoint]) -> tuple[Section, ...]:
    """Show every system's step time, then each step minus its framework's own products."""
    sections = []
    for optimizer, part in _group(points).items():
        whole, rest = _tabulate(part, "step"), _tabulate(part, "rest")
        sections.append(Section(f"Step time of every system (µs), {optimizer}", (whole,)))
        title = f"Everything but the products (µs), {optimizer}"
        missing = Paragraph("The products alone were not measured.")
        blocks = (rest, Paragraph(TEXTS["notes"]["products"])) if rest.rows else (missing,)
        sections.append(Section(title, blocks))
    return tuple(sections)


def _tabulate(part: list[SweepPoint], field: str) -> Table:
    """Tabulate systems by points; whole steps also get rows for the products alone."""
    rows: list[list[Cell]] = []
    for name in _order_systems(part):
        cells = [getattr(p.steps[name], field) if name in p.steps else Estimate() for p in part]
        rows.append([name, *(Quantity(cell, MICRO) for cell in cells)])
    for control in dict.fromkeys(PRODUCTS.values()) if field == "step" else ():
        cells = [point.products.get(control, Estimate()) for point in part]
        rows.append([control, *(Quantity(cell, MICRO) for cell in cells)])
    shown = [row for row in rows if any(q.estimate.known for q in row[1:])]  # type: ignore[union-attr]
    return make_table(["system", *_head(part)], shown)


def _head(part: list[SweepPoint]) -> list[str]:
    many = len({point.case.threads for point in part}) > 1
    return [_name_size(point, many) for point in part]


def _name_size(point: SweepPoint, threads: bool) -> str:
    count = f", {format_count(point.case.threads, 'thread')}" if threads else ""
    return f"{point.shape}, {point.batch}{count}"


def _order_systems(part: list[SweepPoint]) -> list[str]:
    """Order systems: mapicx, then by framework, the whole loop in one program last."""
    known = {name for point in part for name in point.steps}
    return sorted(known, key=lambda n: (n != BASE, n == WHOLE_LOOP, find_framework(n), n))


def make_loops_section(data: RunData) -> Section | None:
    """Tabulate the pair on each network; None if the run has no such pair.

    Both are controls, so no result table has them.
    """
    rows: list[list[Cell]] = [
        [
            one.case.workload,
            format_shape(data.workloads.get(one.case.workload, {}).get("layers") or ()),
            str(one.case.threads),
            Quantity(one.loops, MICRO),
            Quantity(one.vectorised, MICRO),
            Quantity(one.ratio),
        ]
        for one in compare_loops(data.frame)
    ]
    if not rows:
        return None
    table = make_table(LOOPS_HEAD, rows, words=(1,))
    return Section(LOOPS_TITLE, (table, Paragraph(TEXTS["notes"]["loops"])))


def draw(data: RunData, case: Case) -> Drawing | None:
    """Draw one panel per optimizer, one row per point; None if no ratio is known."""
    points = data.sweep
    if not any(step.ratio.known for point in points for step in point.steps.values()):
        return None
    return Drawing(_tabulate_all(points), lambda: _plot(points))


def _tabulate_all(points: list[SweepPoint]) -> pd.DataFrame:
    """Tabulate all data behind tables and figure, in seconds, one line per point and system."""
    lines: list[dict[str, Any]] = []
    for point in points:
        place = {"workload": point.case.workload, "threads": point.case.threads}
        place |= {"network": point.shape, "batch": point.batch, "optimizer": point.optimizer}
        for step in point.steps.values():
            line = place | {"system": step.system, "framework": find_framework(step.system)}
            line |= {"step_s": step.step, "rest_s": step.rest, "mapicx_over_system": step.ratio}
            fastest = step == point.competitor
            lines.append(line | {"verdict": step.verdict.kind.value, "competitor": fastest})
        for control, estimate in point.products.items():
            lines.append(place | {"system": control, "step_s": estimate})
    return make_frame(lines)


def _plot(points: list[SweepPoint]) -> Any:
    names = [name for name in _order_systems(points) if name != BASE]
    groups = _group(points)
    tallest = max(map(len, groups.values()))
    size = (4.6 * len(groups) + 1.5, 0.95 * tallest + 1.2)
    fig, axes = style.make_figure(*size, ncols=len(groups), sharex=True)
    handles: dict[str, Any] = {}
    every = [1.0]
    for axis, (group, part) in zip(axes, groups.items(), strict=True):
        for row, point in enumerate(part):
            for place, name in enumerate(names):
                step = point.steps.get(name)
                if step is not None and step.ratio.known:
                    every.append(step.ratio.value)
                    y = row + 0.8 * ((place + 0.5) / len(names) - 0.5)
                    handles[name] = _mark(axis, step, y, place)
        for row in range(1, len(part)):
            axis.axhline(row - 0.5, color="0.8", linewidth=0.7)
        axis.axvline(1, color="black", linewidth=1.2)
        axis.set_yticks(range(len(part)), _head(part))
        axis.set_ylim(len(part) - 0.5, -0.5)
        axis.set_title(group, fontsize=9)
        axis.grid(False, axis="y")
        style.set_log_axis(axis, np.array(every), f"step of {BASE} / step of system")
    shown = [name for name in names if name in handles]
    style.put_legend_beside(axes[-1], [handles[name] for name in shown], shown)
    axes[0].set_ylabel("network, batch")
    return fig


def _group(points: list[SweepPoint]) -> dict[str, list[SweepPoint]]:
    """Group points by optimizer."""
    groups: dict[str, list[SweepPoint]] = {}
    for point in points:
        groups.setdefault(point.optimizer, []).append(point)
    return groups


def _mark(axis: Any, step: StepCost, y: float, place: int) -> Any:
    colour = style.CURVE_COLOURS[place % len(style.CURVE_COLOURS)]
    axis.plot([step.ratio.low, step.ratio.high], [y, y], color=colour, linewidth=2)
    filled = "white" if step.system == WHOLE_LOOP else colour
    (dot,) = axis.plot(step.ratio.value, y, style.MARKS[place % len(style.MARKS)], color=colour,
                       markersize=5.5, markerfacecolor=filled)  # fmt: skip
    style.add_tip(dot, f"{step.system}: {format_estimate(step.ratio)}")
    return dot
