"""The table of all systems: absolute values, with ratios to mapicx beside them, and notes.

The first cell of a row is the bare system name. Controls never appear in a result table.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from benchmarks.analyse.frameworks import (
    BASE,
    BEGINNERS,
    CEILING,
    FAMILIES,
    FLOOR,
)
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.own_table import is_unbalanced
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case, Line
from benchmarks.analyse.verdicts import Kind
from benchmarks.errors import format_count
from benchmarks.record.schema import FIELDS
from benchmarks.render.document import Cell, Quantity, Table, make_table
from benchmarks.render.numbers import (
    NOTHING,
    choose_column_unit,
    format_verdict,
    join_words,
)

COSTS = ("time_total_s", "time_train_warm_s", "memory_peak_bytes")
ROLES = {CEILING: "ceiling", FLOOR: "floor"}
MAX_NAMED = 4  # systems named in brackets
UNCHECKED, OTHER_WORK = "†", "‡"


def order_lines(lines: Iterable[Line]) -> list[Line]:
    """Order lines: mapicx, networks and classical models by total time, then the bounds."""

    def rank(line: Line) -> tuple:
        total = line.value("time_total_s")
        time = math.inf if math.isnan(total) else total
        return line.system != BASE, FAMILIES.index(line.family), time, line.system

    return sorted((line for line in lines if line.family in FAMILIES), key=rank)


def find_best_classical(lines: Iterable[Line], score: str) -> Line | None:
    """Return the classical model with the best score."""
    able = [line for line in lines if line.family == "classical" and line.has(score)]
    return min(able, key=lambda line: (-line.value(score), line.system), default=None)


def count_replicates(lines: Iterable[Line], score: str, noun: str) -> str:
    """Format as "29 seeds", or "29 seeds (keras-fit: 2)" if some systems have fewer."""
    counts = {line.system: line.estimate(score).n for line in lines if line.has(score)}
    most = max(counts.values(), default=0)
    fewer = {name: n for name, n in counts.items() if n < most}
    text = format_count(most, noun)
    if len(fewer) > MAX_NAMED:
        return f"{text} ({len(fewer)} systems have fewer, the least {min(fewer.values())})"
    return text + (f" ({', '.join(f'{name}: {n}' for name, n in fewer.items())})" if fewer else "")


def name_unchecked(lines: list[Line]) -> str:
    """Name the networks that were not shown to train the same network."""
    names = join_words(line.system for line in lines if line.unchecked)
    return f"Not proven to train the same network: {names}."


def select_scores(data: RunData, case: Case) -> list[str]:
    """Choose a case's scores; on a user's table with unbalanced classes, add suitable ones."""
    if data.is_own_table(case) and is_unbalanced(data.table):
        return [data.score(case), "balanced_accuracy_test", "auc_test"]
    return [data.score(case)]


def select_metrics(data: RunData, case: Case) -> list[str]:
    """Choose the columns of a result table: the case's scores, and the costs measured."""
    also = ["mse_test"] if data.score(case) == "r2_test" else []
    names = [*select_scores(data, case), *also, *COSTS]
    lines = data.lines(case)
    return [name for name in names if any(line.has(name) for line in lines)] or names


def make_result_table(data: RunData, case: Case) -> Table:
    """Tabulate all systems of a case with bounds, ratios and verdicts, including those not run."""
    lines = order_lines(data.lines(case))
    metrics = select_metrics(data, case)
    units = {name: choose_column_unit(lines, name) for name in metrics}
    head = ["system"]
    words: tuple[int, ...] = ()
    for name in metrics:
        unit = units[name][1]
        head.append(METRICS[name].heading + (f" ({unit})" if unit else ""))
        if METRICS[name].compare:
            ratio = METRICS[name].compare == "ratio"
            words += () if ratio else (len(head),)
            head.append(f"× {BASE}" if ratio else f"against {BASE}")
    rows = [_make_row(line, metrics, units) for line in lines]
    absent = sorted(data.planned(case).keys() - {line.system for line in lines})
    rows += [[system, *[NOTHING] * (len(head) - 1), "not run"] for system in absent]
    table = make_table([*head, "notes"], rows, words=(*words, len(head)))
    return dataclasses.replace(table, notes=(_note(data, case, table, lines),))


def _make_row(line: Line, metrics: list[str], units: dict) -> list[Cell]:
    cells: list[Cell] = [line.system]
    for name in metrics:
        cells.append(Quantity(line.estimate(name), units[name][0]))
        if METRICS[name].compare:
            cells.append(_compare(line, name))
    return [*cells, _remark(line)]


def _compare(line: Line, name: str) -> Cell:
    """Make the cell of a ratio, or of a verdict on a score, with its marks."""
    metric, found = METRICS[name], line.against(name)
    if line.system == BASE:
        return "1" if metric.compare == "ratio" else "base"
    if line.comparable is False and metric.compare == "ratio":
        return "not comparable"
    if not found.estimate.known:
        return NOTHING
    if metric.compare == "difference":
        return format_verdict(found.verdict, metric)
    mark = f" {OTHER_WORK}" if line.other_work else f" {UNCHECKED}" if line.unchecked else ""
    text = ""
    if found.verdict.kind in (Kind.EQUIVALENT, Kind.UNDECIDED):
        text = f" {format_verdict(found.verdict, metric)}"
    return (Quantity(found.estimate), text + mark) if text + mark else Quantity(found.estimate)


def _remark(line: Line) -> str:
    """Note a system's role, differing work and every status other than ok."""
    differs = ", ".join(FIELDS[name].heading for name in line.differs_in)
    remarks = []
    if line.system in ROLES:
        remarks.append(ROLES[line.system])
    if line.system in BEGINNERS and line.family == "network":
        remarks.append("beginner's variant")
    if differs:
        remarks.append(f"different work: {differs}")
    elif line.other_work and line.family != "bound":
        remarks.append("different work")
    if line.statuses.keys() - {"ok"}:
        remarks += [f"{status} {n}" for status, n in line.statuses.items()]
    if line.machines > 1:
        remarks.append(f"{line.machines} machines")
    if len(line.versions) > 1:
        remarks.append(f"{len(line.versions)} versions")
    return "; ".join(remarks)


def _note(data: RunData, case: Case, table: Table, lines: list[Line]) -> str:
    """Explain the marks and brackets that occur in a table."""
    notes = [f"Ratios are to {BASE}, paired in blocks; above 1 means more time or memory."]
    notes += explain_bounds(table)
    if any(line.has(data.score(case)) for line in lines):
        noun = "split" if data.is_own_table(case) else "seed"
        notes.append(f"Scores are means over {count_replicates(lines, data.score(case), noun)}.")
    if any(c.verdict.kind is Kind.TOO_FEW for line in lines for c in line.comparisons.values()):
        notes.append("Some comparisons have too few blocks or seeds for a verdict.")
    if any(line.unchecked for line in lines):
        notes.append(f"{UNCHECKED} {name_unchecked(lines)}")
    if data.workloads.get(case.workload, {}).get("shuffle"):
        shown = {line.system for line in lines}
        own = [name for name in data.run.get("own_order") or () if name in shown]
        if own:
            notes.append(f"In an order of their own, not the harness's: {', '.join(own)}.")
    if any(line.other_work and line.family != "bound" for line in lines):
        notes.append(f"{OTHER_WORK} Different work: another method or amount of training.")
    if any(line.machines > 1 for line in lines):
        notes.append("Times and memory of several machines are not pooled.")
    return " ".join(notes)


def explain_bounds(table: Table) -> list[str]:
    """Explain the brackets in a table."""
    sentences = []
    if table.shows("interval"):
        sentences.append("(low–high): 95 % interval.")
    if table.shows("range"):
        sentences.append(
            "[low–high]: lowest and highest value, where there are too few values for an interval"
            " or the quantity hardly varies."
        )
    return sentences


def make_phase_table(lines: Iterable[Line], metrics: Iterable[str]) -> Table | None:
    """Tabulate medians without bounds, one row per system; None if nothing was measured."""
    metrics = [m for m in metrics if any(line.has(m) for line in lines)]
    lines = [line for line in order_lines(lines) if any(line.has(m) for m in metrics)]
    if not lines:
        return None
    units = {m: choose_column_unit(lines, m) for m in metrics}
    head = ["system", *(f"{METRICS[m].heading} ({units[m][1]})" for m in metrics)]
    rows: list[list[Cell]] = [
        [x.system, *(Quantity(x.estimate(m), units[m][0], bounds=False) for m in metrics)]
        for x in lines
    ]
    return make_table(head, rows)
