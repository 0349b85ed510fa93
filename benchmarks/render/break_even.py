"""When a faster step makes up for a slower start: sentence, table and figure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.analyse.break_even import BreakEven, find_break_evens
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.metrics import STEP
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.stats import Estimate
from benchmarks.analyse.summary import Case, Line
from benchmarks.errors import format_count
from benchmarks.render import style
from benchmarks.render.csv import make_frame
from benchmarks.render.document import TEXTS, Block, Cell, Paragraph, Quantity, make_table
from benchmarks.render.numbers import NOTHING, choose_unit
from benchmarks.render.results import order_lines
from benchmarks.render.style import Drawing

MAX_CURVES = 8  # in the figure


def find(data: RunData, case: Case) -> list[BreakEven]:
    """Return the comparisons of a case, in the order of its table."""
    return find_break_evens(data.rows(case), order_lines(data.lines(case)))


def format_steps(steps: Estimate) -> str:
    """Format a number of steps with its bounds; an infinite bound is given in words."""
    if not steps.known:
        return NOTHING
    if not math.isfinite(steps.high):
        return f"{_round(steps.value)} (at least {_round(steps.low)}, perhaps never)"
    bounds = {"interval": " ({}–{})", "range": " [{}–{}]"}.get(steps.kind, "")
    return _round(steps.value) + bounds.format(_round(steps.low), _round(steps.high))


def _round(steps: float) -> str:
    """Round to two digits, which is all that the interval supports."""
    return f"{int(float(f'{steps:.2g}')):,}"


def describe_break_even(data: RunData, case: Case) -> str:
    """Say which systems catch up with mapicx, and when; "" if nothing can be said."""
    found = find(data, case)
    repaid = [rival for rival in found if rival.repays and rival.faster]
    if repaid:
        few = min(rival.steps.n for rival in repaid)
        text = "A faster step repays a slower start"
        if any(not rival.slower_step.bounded for rival in repaid):
            text += f", in the median of {format_count(few, 'block')} (too few for a verdict)"
        repaid.sort(key=lambda rival: (rival.steps.value, rival.system))
        parts = ", ".join(f"{rival.system} after {format_steps(rival.steps)}" for rival in repaid)
        return f"{text}: {parts} steps of this size."
    if found and all(rival.is_slower for rival in found):
        many = f"all {len(found)} begin later and take"
        whom = many if len(found) > 1 else f"{found[0].system} begins later and takes"
        return f"No other network repays its slower start: {whom} longer per step than {BASE}."
    return ""


def make_blocks(data: RunData, case: Case) -> list[Block]:
    """Tabulate the break-even of each network system, one row each."""
    found = find(data, case)
    if not found:
        return [Paragraph("No network system has a start and a step to compare.")]
    starts = choose_unit("s", [abs(rival.later_start.value) for rival in found])
    steps = choose_unit("s", [abs(rival.slower_step.value) for rival in found])
    rows: list[list[Cell]] = [
        [
            rival.system,
            Quantity(rival.later_start, starts[0], signed=True),
            Quantity(rival.slower_step, steps[0], signed=True),
            format_steps(rival.steps),
            NOTHING if not rival.steps.known else rival.system if rival.repays else BASE,
        ]
        for rival in found
    ]
    head = ["system", f"later start ({starts[1]})", f"slower step ({steps[1]})"]
    head += ["break-even after steps", "ahead afterwards"]
    return [make_table(head, rows, (TEXTS["notes"]["break-even"],), words=(4,))]


def draw(data: RunData, case: Case) -> Drawing | None:
    """Draw expected total time against steps; None unless some system catches up."""
    found = find(data, case)
    chosen = [rival for rival in found if rival.repays and rival.faster]
    chosen = sorted(chosen, key=lambda rival: rival.steps.value)[:MAX_CURVES]
    if not chosen or data.base(case) is None:
        return None
    names = {"later_start": "later_start_s", "slower_step": "slower_step_s", "steps": "steps"}
    table = make_frame(
        {"system": rival.system} | {name: getattr(rival, field) for field, name in names.items()}
        for rival in found
    )
    lines = {line.system: line for line in data.lines(case)}
    return Drawing(table, lambda: _plot(chosen, lines))


def _plot(chosen: list[BreakEven], lines: dict[str, Line]) -> Any:
    ends = [
        rival.steps.high if math.isfinite(rival.steps.high) else rival.steps.value
        for rival in chosen
    ]
    steps = np.geomspace(min(rival.steps.low for rival in chosen) / 30, max(ends) * 10, 200)
    names = [BASE, *(rival.system for rival in chosen)]
    curves = {name: (steps, _predict(lines[name], steps)) for name in names}
    fig, axis = style.plot_curves(curves, "fresh process, start to end (s)", first=-1)
    style.set_log_axis(axis, steps, "training steps")
    for index, rival in enumerate(chosen):
        colour = style.choose_curve(index, False)["color"]
        y, right = _predict(lines[BASE], rival.steps.value), min(rival.steps.high, steps[-1])
        axis.plot([rival.steps.low, right], [y, y], color=colour, linewidth=4, alpha=0.5, zorder=6)
        (dot,) = axis.plot(rival.steps.value, y, "o", color=colour, mec="black", zorder=7)
        style.add_tip(dot, f"{rival.system}: break-even after {format_steps(rival.steps)} steps")
    style.set_plain_ticks(axis.yaxis, np.array(axis.get_ylim()))
    return fig


def _predict(line: Line, steps: Any) -> Any:
    """Predict the seconds that a fresh process takes for this number of steps."""
    start = line.value("time_total_s") - line.value("time_train_warm_s")
    return start + steps * line.value(STEP.name)
