"""The sections of a report that explain its method, its limits and its words."""

from __future__ import annotations

from benchmarks.analyse.metrics import METRICS
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.simulation import DESIGNS, simulate
from benchmarks.record.schema import FIELDS
from benchmarks.render.document import (
    TEXTS,
    Block,
    Cell,
    Items,
    Paragraph,
    Strong,
    Table,
    Text,
    make_table,
)
from benchmarks.render.numbers import format_margin

SIMULATED_BLOCKS = (5, 12)


def describe_method(data: RunData) -> list[Block]:
    """Explain how numbers are obtained, and where rules of careful benchmarking are followed."""
    margins = {
        "accuracy": format_margin(data.margins["accuracy"], METRICS["accuracy_test"]),
        "time": format_margin(data.margins["time"], METRICS["time_total_s"]),
    }
    parts = TEXTS["method"].items()
    items: list[Text] = [(Strong(f"{name}."), f" {text.format(**margins)}") for name, text in parts]
    return [
        Items(tuple(items)),
        Paragraph(TEXTS["notes"]["simulation"]),
        _tabulate_simulation(),
        Paragraph(TEXTS["notes"]["rules"]),
        make_table(("rule", "demands", "kept by"), TEXTS["rules"], words=(1, 2)),
    ]


def _tabulate_simulation() -> Table:
    """Tabulate coverage, false verdicts and power of the design, as simulated."""
    rows: list[list[Cell]] = []
    for design in DESIGNS:
        for blocks in SIMULATED_BLOCKS:
            found = simulate(design, blocks)
            shares = (found.covered, found.false, found.power)
            rows.append([design.name, str(blocks), *(f"{share:.1%}" for share in shares)])
    head = ("system and base", "blocks", "interval holds the true ratio",
            "equal systems called different", "a ratio of 1.15 found")  # fmt: skip
    return make_table(head, rows, words=())


def describe_limits(data: RunData) -> list[Block]:
    """Say what the numbers do not show."""
    return [Items(tuple(TEXTS["limits"]))]


def describe_words(data: RunData) -> list[Block]:
    """Explain every heading, from the schema, and the verdict words."""
    shown = [name for name in FIELDS if name in METRICS or FIELDS[name].better]
    shown = [name for name in shown if data.frame[name].notna().any()] or shown
    meanings = [(FIELDS[name].heading, FIELDS[name].meaning) for name in shown]
    meanings += TEXTS["words"].items()
    return [Items(tuple(f"{word}: {meaning}" for word, meaning in meanings))]
