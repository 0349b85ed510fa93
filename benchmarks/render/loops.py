"""The section on gradients in Python loops.

The systems compared are controls, so they are not in any result table.
"""

from __future__ import annotations

from benchmarks.analyse.loops import LOOPS, VECTORISED, compare_loops
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.work import format_shape
from benchmarks.render.document import TEXTS, Cell, Paragraph, Quantity, Section, make_table
from benchmarks.render.numbers import MICRO

TITLE = "Gradients in Python loops and vectorised"
HEAD = (
    "workload", "network", "threads", f"{LOOPS} (µs)", f"{VECTORISED} (µs)", "loops / vectorised",
)  # fmt: skip


def make_section(data: RunData) -> Section | None:
    """Tabulate each network and explain the table; None if the run has no such pair."""
    found = compare_loops(data.frame)
    if not found:
        return None
    rows: list[list[Cell]] = [
        [
            one.case.workload,
            format_shape(data.workloads.get(one.case.workload, {}).get("layers") or ()),
            str(one.case.threads),
            Quantity(one.loops, MICRO),
            Quantity(one.vectorised, MICRO),
            Quantity(one.ratio),
        ]
        for one in found
    ]
    table = make_table(HEAD, rows, words=(1,))
    return Section(TITLE, (table, Paragraph(TEXTS["notes"]["loops"])))
