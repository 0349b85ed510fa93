"""The result tables: absolute values, ratios to mapicx beside them, notes.

The first cell of a row is the bare system name. Controls never stand in a result table.
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
    WHEELS,
)
from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.own_table import choose_system, is_unbalanced
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case, Line, find_best_variants
from benchmarks.analyse.verdicts import Kind
from benchmarks.errors import format_count
from benchmarks.record.schema import FIELDS
from benchmarks.render.document import Cell, Link, Quantity, Table, Text, make_table
from benchmarks.render.numbers import (
    NOTHING,
    choose_column_unit,
    format_number,
    format_verdict,
    join_words,
)

COSTS = ("time_total_s", "time_train_warm_s", "memory_peak_bytes")
ROLES = {CEILING: "ceiling", FLOOR: "floor"}
MOST_ROWS = 8  # of the headline table
MOST_NAMED = 4  # systems in brackets
HEADLINE = {
    "time_total_s": "start to end",
    "time_train_warm_s": "training",
    "memory_peak_bytes": "peak memory",
}
UNCHECKED, OTHER_WORK = "†", "‡"


def order_lines(lines: Iterable[Line]) -> list[Line]:
    """mapicx, then networks and classical models by total time, then the bounds."""

    def rank(line: Line) -> tuple:
        total = line.value("time_total_s")
        time = math.inf if math.isnan(total) else total
        return line.system != BASE, FAMILIES.index(line.family), time, line.system

    return sorted((line for line in lines if line.family in FAMILIES), key=rank)


def find_best_classical(lines: Iterable[Line], score: str) -> Line | None:
    """The classical model with the best score."""
    able = [line for line in lines if line.family == "classical" and line.has(score)]
    return min(able, key=lambda line: (-line.value(score), line.system), default=None)


def select_headline(data: RunData, case: Case, most: int = MOST_ROWS) -> list[Line]:
    """mapicx, each framework's fastest variant, the best classical model, the ceiling.

    Of a user's own table also the system to use, and the floor in place of the ceiling.
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
    """At most eight systems: score, and each cost as value and multiple.

    report: where the intervals stand, if not in the document itself.
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
    return make_table(head, rows, _caption(data, case, lines, costs, report), name=case.workload)


def _caption(
    data: RunData, case: Case, lines: list[Line], costs: list[str], report: str
) -> tuple[Text, ...]:
    """How sure the cells are, what they are of, and what they may not be read as."""
    seeds = count_replicates(lines, data.score(case), "seed")
    notes: list[Text] = [f"Score: mean over {seeds}."]
    if costs:
        notes.append(
            f" Costs: medians over {_count_blocks(lines, costs)}, training once it is warm; in"
            f" brackets the multiple of {BASE}, a mean of pairs and no quotient of these medians."
        )
    ratios = [(line, line.against(name).estimate) for line in lines for name in costs]
    known = [(line, r) for line, r in ratios if r.kind == "interval"]
    if known:
        line, widest = max(known, key=lambda pair: pair[1].high / pair[1].low)
        factor = format_number(math.sqrt(widest.high / widest.low))
        notes.append(
            f" How sure: the widest 95 % interval of a multiple reaches a factor of {factor} to"
            f" either side ({line.system}){'; all intervals stand in the ' if report else '.'}"
        )
    elif report and costs:
        notes.append(" Too few blocks for intervals; all values stand in the ")
    notes += [Link("report", report), "."] if report and costs else []
    wheels = [f"{line.system} is {w}" for line in lines if (w := _find_wheel(line))]
    others = [x.system for x in lines if x.other_work and x.family != "bound"]
    said = {
        f" Wheels: {'; '.join(wheels)}.": bool(wheels),
        f" Another method or amount of training: {join_words(others)}.": bool(others),
        f" No classifier exceeds {CEILING} on average.": any(x.system == CEILING for x in lines),
        f" {_name_unchecked(lines)}": any(line.unchecked for line in lines),
    }
    return (*notes, *(text for text, true in said.items() if true))


def count_replicates(lines: Iterable[Line], score: str, noun: str) -> str:
    """ "29 seeds"; "29 seeds (keras-fit: 2)" where some systems have fewer."""
    counts = {line.system: line.estimate(score).n for line in lines if line.has(score)}
    most = max(counts.values(), default=0)
    fewer = {name: n for name, n in counts.items() if n < most}
    said = format_count(most, noun)
    if len(fewer) > MOST_NAMED:
        return f"{said} ({len(fewer)} systems fewer, from {min(fewer.values())} on)"
    return said + (f" ({', '.join(f'{name}: {n}' for name, n in fewer.items())})" if fewer else "")


def _count_blocks(lines: list[Line], costs: list[str]) -> str:
    """ "12 blocks"; "12 blocks (peak memory: 6)" where a cost was measured in fewer."""
    counts = {name: max((line.estimate(name).n for line in lines), default=0) for name in costs}
    most = max(counts.values())
    fewer = [f"{METRICS[name].heading}: {n}" for name, n in counts.items() if 0 < n < most]
    return format_count(most, "block") + (f" ({', '.join(fewer)})" if fewer else "")


def _find_wheel(line: Line) -> str:
    """The distribution of a framework and its version, where it decides what is paid."""
    wanted = WHEELS.get(line.framework)
    for version in line.versions:
        for part in version.split(", "):
            if wanted and part.startswith(wanted):
                return part.replace("+cpu", " (CPU build)")
    return ""


def _name_unchecked(lines: list[Line]) -> str:
    names = join_words(line.system for line in lines if line.unchecked)
    return f"Not proven to train the same network: {names}."


def select_scores(data: RunData, case: Case) -> list[str]:
    """The score of a case; on a user's table of unbalanced classes with those that see them."""
    if data.is_own_table(case) and is_unbalanced(data.run.get("table") or {}):
        return [data.score(case), "balanced_accuracy_test", "auc_test"]
    return [data.score(case)]


def select_metrics(data: RunData, case: Case) -> list[str]:
    """The columns of a case's result table: its score, and the costs that were measured."""
    also = ["mse_test"] if data.score(case) == "r2_test" else []
    names = [*select_scores(data, case), *also, *COSTS]
    lines = data.lines(case)
    return [name for name in names if any(line.has(name) for line in lines)] or names


def make_result_table(data: RunData, case: Case) -> Table:
    """Every system of a case with bounds, ratios and verdicts; also what has not run."""
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
    table = make_table([*head, "notes"], rows, words=(*words, len(head)), name=case.workload)
    return dataclasses.replace(table, notes=(_note(data, case, table, lines),))


def _make_row(line: Line, metrics: list[str], units: dict) -> list[Cell]:
    cells: list[Cell] = [line.system]
    for name in metrics:
        cells.append(Quantity(line.estimate(name), units[name][0]))
        if METRICS[name].compare:
            cells.append(_compare(line, name))
    return [*cells, _remark(line)]


def _compare(line: Line, name: str) -> Cell:
    """The cell of a ratio, or of a verdict on a score, with its marks."""
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
    said = ""
    if found.verdict.kind in (Kind.EQUIVALENT, Kind.UNDECIDED):
        said = f" {format_verdict(found.verdict, metric)}"
    return (Quantity(found.estimate), said + mark) if said + mark else Quantity(found.estimate)


def _remark(line: Line) -> str:
    """Role, other work and every status that is not ok."""
    differs = ", ".join(FIELDS[name].heading for name in line.differs_in)
    said = {
        ROLES.get(line.system, ""): line.system in ROLES,
        "beginner's variant": line.system in BEGINNERS and line.family == "network",
        f"different work: {differs}": bool(differs),
        "different work": line.other_work and line.family != "bound" and not differs,
        **{f"{status} {n}": line.counts.failed for status, n in line.counts.by_status.items()},
        f"{line.machines} machines": line.machines > 1,
        f"{len(line.versions)} versions": len(line.versions) > 1,
    }
    return "; ".join(text for text, true in said.items() if true)


def _note(data: RunData, case: Case, table: Table, lines: list[Line]) -> str:
    """What the marks and brackets of a table mean, as far as they occur."""
    compared = [c.verdict.kind for line in lines for c in line.comparisons.values()]
    shown = {line.system for line in lines}
    shuffled = data.workloads.get(case.workload, {}).get("shuffle")
    scored = [line for line in lines if line.has(data.score(case))]
    noun = "split" if data.is_own_table(case) else "seed"
    own = [name for name in data.run.get("own_order") or () if shuffled and name in shown]
    said = {
        f"Ratios are to {BASE}, paired in blocks; above 1 means more time or memory.": True,
        **dict.fromkeys(explain_bounds(table), True),
        f"Scores are means over {count_replicates(scored, data.score(case), noun)}.": bool(scored),
        "Some comparisons have too few blocks or seeds for a verdict.": Kind.TOO_FEW in compared,
        f"{UNCHECKED} {_name_unchecked(lines)}": any(line.unchecked for line in lines),
        f"In an order of their own, not the harness's: {', '.join(own)}.": bool(own),
        f"{OTHER_WORK} Different work: another method or amount of training.": any(
            line.other_work and line.family != "bound" for line in lines
        ),
        "Times and memory of several machines are not pooled.": any(
            line.machines > 1 for line in lines
        ),
    }
    return " ".join(text for text, true in said.items() if true)


def explain_bounds(table: Table) -> list[str]:
    """What the brackets in a table mean."""
    said = []
    if table.shows("interval"):
        said.append("(low–high): 95 % interval.")
    if table.shows("range"):
        said.append("[low–high]: lowest and highest value, where there are too few values for an"
                    " interval or the quantity hardly varies.")  # fmt: skip
    return said


def make_phase_table(lines: Iterable[Line], metrics: Iterable[str], name: str = "") -> Table | None:
    """Medians without bounds, one row per system; None if nothing was measured."""
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
    return make_table(head, rows, name=name)
