"""The evidence for a case's verdicts: scores with their tests, and proofs of equal work."""

from __future__ import annotations

import math

from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case
from benchmarks.record.schema import FIELDS
from benchmarks.render.document import Cell, Quantity, Table, make_table
from benchmarks.render.numbers import NOTHING, format_number, format_verdict
from benchmarks.render.results import order_lines


def tabulate_scores(data: RunData, case: Case) -> Table | None:
    """Tabulate scores with the evidence behind their verdicts."""
    score = data.score(case)
    rows: list[list[Cell]] = []
    for line in order_lines(data.lines(case)):
        if not line.has(score):
            continue
        found = line.against(score)
        chances = [found.share_above, found.p, found.p_equal]
        rows.append(
            [
                line.system,
                Quantity(line.estimate("accuracy_train"), bounds=False),
                Quantity(line.estimate(score)),
                Quantity(found.estimate, 0.01, signed=True),
                *(_show_chance(chance) for chance in chances),
                format_verdict(found.verdict, METRICS[score]) if found.estimate.known else NOTHING,
            ]
        )
    head = ["system", METRICS["accuracy_train"].heading, METRICS[score].heading]
    head += ["difference to mapicx (points)", "share of seeds above mapicx"]
    head += ["p, no difference", "p, not equivalent", "verdict"]
    return make_table(head, rows, words=(7,)) if rows else None


def _show_chance(p: float) -> str:
    """Format a probability with its meaningful digits only."""
    if math.isnan(p):
        return NOTHING
    return "< 0.001" if 0 < p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def tabulate_work(data: RunData, case: Case) -> Table | None:
    rows: list[list[Cell]] = []
    for line in order_lines(x for x in data.lines(case) if x.family == "network"):
        proven = {None: "not checked", True: "yes", False: "no"}[line.comparable]
        parity = NOTHING if math.isnan(line.parity) else f"{line.parity:.0e}"
        work = ", ".join(FIELDS[field].heading for field in line.differs_in)
        speed = format_number(line.value("gemm_gflops"))
        rows.append([line.system, parity, proven, work or "same", speed])
    head = ("system", "parity", "comparable", "work differs in", "product (GFLOP/s)")
    return make_table(head, rows, words=(2, 3)) if rows else None
