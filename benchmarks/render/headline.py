"""The headline table, at most eight systems with each cost as value and multiple; its caption."""

from __future__ import annotations

import math

from benchmarks.analyse.frameworks import BASE, CEILING, FLOOR, WHEELS
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.own_table import choose_system
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case, Line, find_best_variants
from benchmarks.errors import format_count
from benchmarks.render.document import Cell, Link, Quantity, Table, Text, make_table
from benchmarks.render.numbers import choose_column_unit, format_number, join_words
from benchmarks.render.results import (
    COSTS,
    count_replicates,
    find_best_classical,
    name_unchecked,
    order_lines,
    select_scores,
)

MAX_ROWS = 8
HEADLINE = {
    "time_total_s": "start to end",
    "time_train_warm_s": "training",
    "memory_peak_bytes": "peak memory",
}


def select_headline(data: RunData, case: Case, most: int = MAX_ROWS) -> list[Line]:
    """Select mapicx, each framework's fastest variant, the best classical model, the ceiling.

    On a user's own table, add the system to use, and take the floor instead of the ceiling.
    """
    lines = data.lines(case)
    chosen = {line.system: line for line in lines if line.system == BASE}
    chosen |= {x.system: x for x in find_best_variants(lines, "time_total_s").values()}
    tail = [find_best_classical(lines, data.score(case))]
    if data.is_own_table(case):
        tail += [choose_system(data, case).chosen]
    bound = FLOOR if data.is_own_table(case) else CEILING
    tail += [line for line in lines if line.system == bound]
    last = {line.system: line for line in tail if line is not None}
    kept = [line for line in order_lines(chosen.values()) if line.system not in last]
    return order_lines([*kept[: most - len(last)], *last.values()])


def make_headline_table(data: RunData, case: Case, report: str = "") -> Table:
    """Tabulate at most eight systems: score, and each cost as value and multiple.

    report: where the intervals are, if not in the document itself.
    """
    lines = select_headline(data, case)
    scores = select_scores(data, case)
    costs = [name for name in COSTS if any(line.has(name) for line in lines)]
    units = {name: choose_column_unit(lines, name) for name in costs}
    head = ["system", *(METRICS[name].heading for name in scores)]
    head += [f"{HEADLINE[name]} ({units[name][1]})" for name in costs]
    rows: list[list[Cell]] = []
    for line in lines:
        cells: list[Cell] = [line.system]
        cells += [Quantity(line.estimate(name), bounds=False) for name in scores]
        for name in costs:
            value = Quantity(line.estimate(name), units[name][0], bounds=False)
            ratio = Quantity(line.against(name).estimate, bounds=False, suffix=" ×")
            if line.system == BASE and line.has(name):
                cells.append((value, " (1 ×)"))
            else:
                cells.append((value, " (", ratio, ")") if ratio.estimate.known else value)
        rows.append(cells)
    return make_table(head, rows, _caption(data, case, lines, costs, report))


def _caption(
    data: RunData, case: Case, lines: list[Line], costs: list[str], report: str
) -> tuple[Text, ...]:
    """Explain what the cells hold, how certain they are, and how not to read them."""
    seeds = count_replicates(lines, data.score(case), "seed")
    notes: list[Text] = [f"Score: mean over {seeds}."]
    if costs:
        gap = 100 * _find_gap(lines, costs)
        notes.append(
            f" Costs: medians over {_count_blocks(lines, costs)}, training once it is warm; in"
            f" brackets the multiple of {BASE}, a mean over pairs of neighbouring trials, which"
            f" differs from the quotient of the medians by up to {gap:.0f} %."
        )
    ratios = [(line, line.against(name).estimate) for line in lines for name in costs]
    known = [(line, r) for line, r in ratios if r.kind == "interval"]
    if known:
        line, widest = max(known, key=lambda pair: pair[1].high / pair[1].low)
        factor = format_number(math.sqrt(widest.high / widest.low))
        notes.append(
            f" The widest 95 % interval of a multiple is that of {line.system}, a factor of"
            f" {factor} to either side{'; all intervals are in the ' if report else '.'}"
        )
    elif report and costs:
        notes.append(" Too few blocks for intervals; all values are in the ")
    notes += [Link("report", report), "."] if report and costs else []
    wheels = [f"{line.system} is {w}" for line in lines if (w := _find_wheel(line))]
    others = [x.system for x in lines if x.other_work and x.family != "bound"]
    if wheels:
        notes.append(f" Versions: {'; '.join(wheels)}.")
    if others:
        notes.append(
            f" Not the training that {BASE} does, so training times are not like for like:"
            f" {join_words(others)}."
        )
    if any(line.system == CEILING for line in lines):
        notes.append(f" No classifier exceeds {CEILING} on average.")
    if any(line.unchecked for line in lines):
        notes.append(f" {name_unchecked(lines)}")
    failed = [line.system for line in data.lines(case) if line.comparable is False]
    if failed:
        notes.append(
            f" Left out, as parity shows another training than {BASE}'s: {join_words(failed)}."
        )
    return tuple(notes)


def _find_gap(lines: list[Line], costs: list[str]) -> float:
    """Return the largest difference between a multiple and the quotient of its medians."""
    base = next((line for line in lines if line.system == BASE), None)
    ratios = [
        (line.against(name).estimate.value, line.value(name) / base.value(name))
        for line in lines
        for name in costs
        if base is not None and base.has(name) and line.against(name).estimate.known
    ]
    return max((abs(mean / quotient - 1) for mean, quotient in ratios), default=0.0)


def _count_blocks(lines: list[Line], costs: list[str]) -> str:
    """Format as "12 blocks", or "12 blocks (peak memory: 6)" if a cost has fewer."""
    counts = {name: max((line.estimate(name).n for line in lines), default=0) for name in costs}
    most = max(counts.values())
    fewer = [f"{METRICS[name].heading}: {n}" for name, n in counts.items() if 0 < n < most]
    return format_count(most, "block") + (f" ({', '.join(fewer)})" if fewer else "")


def _find_wheel(line: Line) -> str:
    """Find a framework's distribution and version, if its wheel determines the cost."""
    distribution = WHEELS.get(line.framework)
    for version in line.versions:
        for part in version.split(", "):
            if distribution and part.startswith(distribution):
                return part.replace("+cpu", " (CPU build)")
    return ""
