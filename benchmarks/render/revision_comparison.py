"""A comparison as a document and as JSON."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.analyse.revision_comparison import Difference, SideComparison
from benchmarks.analyse.sequential import ERROR
from benchmarks.analyse.stats import Estimate
from benchmarks.render.document import (
    Cell,
    Document,
    Paragraph,
    Quantity,
    Strong,
    Table,
    Text,
    make_table,
)
from benchmarks.render.numbers import MIB, choose_unit, format_cell, join_some, join_words

MAX_NAMED = 4
FORMAT = 1


def make_document(comparison: SideComparison) -> Document:
    """Make the document: the verdict, the table, and how it was obtained."""
    verdict = Paragraph((Strong(f"{comparison.verdict}:"), f" {explain_verdict(comparison)}"))
    remarks = map(Paragraph, comparison.remarks)
    title = f"{comparison.head} against {comparison.base}"
    return Document(title, (verdict, make_comparison_table(comparison), *remarks))


def explain_verdict(comparison: SideComparison) -> str:
    """Give the reasons for the verdict in a sentence."""
    worse = [one for one in comparison.differences if one.is_worse]
    named = worse or [one for one in comparison.differences if one.is_better]
    if named:
        return f"{join_some(list(map(_describe, named)), MAX_NAMED, '; ')}."
    if comparison.undecided:
        names = [_name(one) for one in comparison.undecided]
        return f"{join_words(names)} would need more rounds."
    return "no quantity differs by more than its limit."


def _describe(found: Difference) -> str:
    text = f"{_name(found)} {found.word}"
    if found.ratio.known:
        text += f" ({format_cell(Quantity(found.ratio, suffix=' times'))})"
    return text


def _name(found: Difference) -> str:
    return ", ".join(part for part in (found.rule.heading, found.case) if part)


def make_comparison_table(comparison: SideComparison) -> Table:
    """Make the table, one row per quantity."""
    rows: list[list[Cell]] = []
    for found in comparison.differences:
        scale, unit = choose_unit(found.rule.unit, [found.base.value, found.head.value])
        if unit == "MiB" and found.base.value < MIB:
            scale, unit = 1024, "KiB"
        heading = _name(found) + (f" ({unit})" if unit else "")
        rows.append([
            heading,
            Quantity(found.base, scale, bounds=False),
            Quantity(found.head, scale, bounds=False),
            Quantity(found.ratio),
            Quantity(found.twin),
            found.word,
        ])  # fmt: skip
    head = ["quantity", "base", "head", "ratio", comparison.twin, "verdict"]
    return make_table(head, rows, notes=_write_notes(comparison), words=(5,))


def _write_notes(comparison: SideComparison) -> tuple[Text, ...]:
    if comparison.sequential:
        return (
            f"Ratio: head to base, with intervals of times that hold at {100 * (1 - ERROR):g} % for"
            " all quantities and all looks together; a difference counts from 5 % on. Base again:"
            " base's own code as a third side. Counts are judged by fixed limits.",
        )
    return (
        "Ratio: head to base, paired trial by trial, with 95 % intervals; a difference counts from"
        f" 5 % on and corrected for the number of lines. {comparison.twin.capitalize()}: the change"
        " of a program that is the same in both runs; where it changed, times are undecided.",
    )


def write_json(comparison: SideComparison, facts: dict[str, Any]) -> str:
    """Write all figures of the comparison, for `benchmarks.history` and other programs."""
    kept = {
        "format": FORMAT,
        "kind": "mapicx comparison",
        "base": comparison.base,
        "head": comparison.head,
        "verdict": comparison.verdict,
        **facts,
        "findings": [
            {
                "name": found.name,
                "case": found.case,
                "verdict": found.word,
                "is_worse": found.is_worse,
                "base": _number(found.base.value),
                "head": _number(found.head.value),
                "ratio": _spread(found.ratio),
                "twin": _spread(found.twin),
            }
            for found in comparison.differences
        ],
    }
    return json.dumps(kept, indent=1, allow_nan=False) + "\n"


def _spread(estimate: Estimate) -> dict[str, Any]:
    values = (estimate.value, estimate.low, estimate.high)
    kept = dict(zip(("value", "low", "high"), map(_number, values), strict=True))
    return kept | {"n": estimate.n, "kind": estimate.kind}


def _number(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
