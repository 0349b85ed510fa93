"""The report section on which published verdicts hold on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from benchmarks.analyse.claims import Agreement, Published, Ruling, compare_published
from benchmarks.analyse.run_data import RunData
from benchmarks.paths import ROOT
from benchmarks.plan.claims import read_claims
from benchmarks.render.claims import PAGE, TABLE, show
from benchmarks.render.document import Block, Items, Paragraph, Section


def read_published(reports: Path) -> dict[tuple[str, str], Published]:
    """Read the published verdicts in `reports`, else those of this checkout."""
    path = next((f / TABLE for f in (reports, ROOT / "reports") if (f / TABLE).exists()), None)
    if path is None:
        return {}
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return {
        (line["claim"], line["reading"]): Published(
            line["program"],
            Ruling(line["verdict"]),
            tuple(filter(None, (line["of"], line["to"]))),
            line["run"],
            line["workload_digest"],
        )
        for line in table[table["published"].eq("yes")].to_dict("records")
    }


def describe_published(data: RunData, published: Mapping[tuple[str, str], Published]) -> list[str]:
    """Say `N of M published verdicts hold on your machine`, and which do not; [] without any."""
    if not published or data.is_local:
        return []
    own = sum(line.run == data.name and line.ruling.decided for line in published.values())
    compared = compare_published(data, read_claims(), published)
    sentences = []
    if compared:
        agreeing = sum(agreement.holds for agreement in compared)
        sentences.append(f"{agreeing} of {len(compared)} published verdicts hold on your machine.")
    elif not own:
        sentences.append("This run measures none of the published verdicts.")
    if own:
        sentences.append(
            f"{own} published verdicts come from this very run, so it is not compared with them."
        )
    return sentences + [_contradict(agreement) for agreement in compared if not agreement.holds]


def _contradict(agreement: Agreement) -> str:
    return (
        f"Published: {agreement.published.ruling.value}; here: {agreement.here.ruling.value}."
        f" “{agreement.claim.sentence}” ({agreement.published.program}; {agreement.reading.name}):"
        f" {show(agreement.here, agreement.reading)}."
    )


def make_section(sentences: Sequence[str]) -> Section | None:
    """Make the report section that compares a run with the published verdicts."""
    if not sentences:
        return None
    first, *rest = sentences
    blocks: list[Block] = [Paragraph(f"{first} They are in {PAGE}.")]
    return Section("The published verdicts on this machine",
                   (*blocks, *([Items(tuple(rest))] if rest else [])))  # fmt: skip
