"""How the verdicts in reports/claims.csv fare on the rows of another run.

A run judges the published verdicts that it measures: the same reading and program on a workload
with the same definition, with the systems between which the published verdict was found and enough
blocks to tell. A run that is itself the evidence of a verdict is not compared with that verdict;
the text says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks.analyse.claims import SOURCE, UNKNOWN, Judged, judge
from benchmarks.paths import LOCAL
from benchmarks.plan.claims import Claim, Reading, read_claims
from benchmarks.render.claim_text import measured_text
from benchmarks.render.claims import PAGE, TABLE, evidence
from benchmarks.render.escape import markdown
from benchmarks.render.material import Material

SIGNS = {"/", "−"}  # between the systems of a ratio or a difference
TITLE = "The published verdicts on this machine"
CHECKOUT = Path(__file__).resolve().parents[2] / "reports"


class Compared(NamedTuple):
    """One published verdict and what this run says."""

    claim: Claim
    reading: Reading
    program: str
    published: str
    here: Judged


def published_at(reports: Path) -> Path | None:
    """The published verdicts: those in `reports`, else those of this checkout."""
    return next((f / TABLE for f in (reports, CHECKOUT) if (f / TABLE).exists()), None)


def sentences(found: Material, published: Path | None) -> list[str]:
    """`N of M published verdicts hold on your machine`, and each that does not; [] without any."""
    if published is None or found.folder.resolve().parent.name == LOCAL:
        return []
    stored = _stored(published)
    own = sum(line["run"] == found.name for line in stored.values())
    compared = compare(found, stored)
    agreeing = [one for one in compared if one.here.verdict == one.published]
    said = []
    if compared:
        said.append(f"{len(agreeing)} of {len(compared)} published verdicts hold on your machine.")
    elif not own:
        said.append("This run measures none of the published verdicts.")
    if own:
        said.append(
            f"{own} published verdicts come from this very run, so it is not compared with them."
        )
    return said + [_otherwise(one) for one in compared if one not in agreeing]


def section(found: Material, published: Path | None) -> list[str]:
    """The same as a section of the report."""
    first, *rest = sentences(found, published) or [""]
    if not first:
        return []
    points = [f"- {markdown(sentence)}" for sentence in rest]
    return [f"## {TITLE}", "", f"{first} They stand in {PAGE}.", "", *points, *[""] * bool(points)]


def said_in(report: Path) -> list[str]:
    """The sentences of that section in a written report, for the screen."""
    _, _, rest = report.read_text(encoding="utf-8").partition(f"## {TITLE}\n")
    return [line for line in rest.partition("\n## ")[0].splitlines() if line]


def compare(found: Material, stored: Mapping[tuple, Mapping[str, str]]) -> list[Compared]:
    """Every published verdict that this run measures and is not itself the evidence of."""
    here, compared = evidence(found), []
    present = {*found.frame["system"], *(found.run.get("footprint") or {})}
    for claim in read_claims():
        for reading in claim.readings:
            line = stored.get((claim.name, reading.name))
            if line is None or line["run"] in ("", SOURCE, found.name):
                continue
            between = {name for name in line["systems"].split() if name not in SIGNS}
            if reading.form == "recorded" or not between <= present:
                continue
            judged = judge(reading, line["program"], [here], {})
            if judged.verdict != UNKNOWN and judged.digest == line["workload_digest"]:
                compared.append(Compared(claim, reading, line["program"], line["verdict"], judged))
    return compared


def _stored(published: Path) -> dict[tuple, dict[str, str]]:
    table = pd.read_csv(published, dtype=str, keep_default_na=False)
    table = table[table["published"].eq("yes") & table["verdict"].ne(UNKNOWN)]
    lines: list[dict] = table.to_dict("records")
    return {(line["claim"], line["reading"]): line for line in lines}


def _otherwise(one: Compared) -> str:
    return (
        f"Published: {one.published}; here: {one.here.verdict}. “{one.claim.sentence}”"
        f" ({one.program}; {one.reading.name}): {measured_text(one.here, one.reading)}."
    )
