"""reports/claims.md: every sentence that states a number, each reading, and whether it holds.

Written from git-tracked runs only, with the same verdicts as a table in claims.csv, by which
every other run is compared with what was published (published.py).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from benchmarks.analyse.claims import FAILS, HOLDS, SOURCE, UNKNOWN, Judged, judge
from benchmarks.analyse.queries import Evidence
from benchmarks.analyse.splits import split_shares
from benchmarks.analyse.stats import LEVEL, SMALLEST_N
from benchmarks.analyse.summary import summarise
from benchmarks.measure.code_lines import count_code_lines
from benchmarks.options import parse_duration
from benchmarks.paths import write_atomically
from benchmarks.plan.claims import ENGINE, ORIGINAL, Claim, Reading, read_claims
from benchmarks.record.store import load, read_run
from benchmarks.render.claim_text import bounds, measured_text, stated, value
from benchmarks.render.escape import markdown, table, write_csv
from benchmarks.render.material import Material
from benchmarks.render.numbers import NOTHING

SAID = {FAILS: "which does not hold", UNKNOWN: "which is not measured"}
PAGE, TABLE = "claims.md", "claims.csv"
TITLES = {
    "article": "The article",
    "article-readme": "The article's README",
    "readme": "This README",
}
PREFACE = """\
The author of Mapicx asked the question that this repository works on, wrote the first engine and
said in numbers what it does, so that others can measure them again. Thank you: the design is the
ground this stands on. Below is each of those sentences, in our words, in the ways in which it may
be meant, measured on the article's own program and on this engine; then each sentence of this
README that states a number.
"""
LEGEND = """\
The verdict on a sentence of the article is about the article's program, mapicx 0.1.0, unless the
reading names this engine; on a sentence of this README, about this engine. A number about neither,
such as the size of TensorFlow, stands in the first column of figures.

*holds*: the whole 95 % interval lies within what is said. *does not hold*: the whole of it lies
outside. *not measured*: no recorded run has the rows, they are too few for an interval, or it
reaches across the limit, so that more have to be measured before anyone can tell.

(low–high): 95 % interval; [low–high]: lowest and highest value, for memory, which hardly varies,
and where there are too few rows; without bounds: counted. Ratios and differences are paired in
blocks, at one thread. A framework stands for its best variant in the quantity concerned, chosen
from the same rows, which favours it; of several systems the one that the sentence fits least is
shown. Other versions, machines and recipes give other figures: that a number did not reproduce
here says nothing about what its author saw.
"""


class Line(NamedTuple):
    """One reading of one claim, judged for each program that it concerns."""

    claim: Claim
    reading: Reading
    judged: dict[str, Judged]

    @property
    def subject(self) -> Judged:
        """What the sentence is judged by."""
        return self.judged[self.reading.subject]


def facts() -> dict[str, float]:
    """What is counted in the source of this repository."""
    from benchmarks.plan import suites  # knows the systems, which a report does without

    core, _, package = count_code_lines()
    return {
        "code_lines_core": core,
        "code_lines_package": package,
        "interval_percent": LEVEL * 100,
        "interval_blocks": SMALLEST_N,
        "default_budget_s": parse_duration(suites.PRESETS["quick"]["budget"]) or math.nan,
    }


def evidence(found: Material) -> Evidence:
    """A run, read for its report, as claims are judged on it."""
    return Evidence(found.name, found.run, found.frame, found.summary)


def _read(run: Path) -> Evidence:
    """A run as claims are judged on it, without what no claim asks for."""
    description, frame = read_run(run), load(run)
    asked = {reading.workload for claim in read_claims() for reading in claim.readings}
    frame = frame[frame["workload"].isin(asked)]
    shares = split_shares(description.get("workloads"))
    return Evidence(run.name, description, frame, summarise(frame, shares=shares))


def ledger(runs: Iterable[Evidence]) -> list[Line]:
    """Every reading, judged over these runs, oldest first."""
    runs, counted = list(runs), facts()
    return [
        Line(
            claim, reading, {p: judge(reading, p, runs, counted) for p in _programs(claim, reading)}
        )
        for claim in read_claims()
        for reading in claim.readings
    ]


def _programs(claim: Claim, reading: Reading) -> list[str]:
    """The article's sentences are asked of both programs, where they are about a program."""
    both = claim.source != "readme" and reading.about_program
    return [ORIGINAL, ENGINE] if both else [reading.subject]


def write(runs: Sequence[Path], reports: Path) -> Path:
    """Write claims.md and claims.csv below `reports` from these runs; returns claims.md."""
    lines = ledger(_read(run) for run in runs)
    write_csv(_csv(lines), reports / TABLE)
    write_atomically(reports / PAGE, text(lines))
    return reports / PAGE


def problems(runs: Sequence[Path], reports: Path, readme: Path) -> list[str]:
    """A sentence for each stale file, and for each sentence of README that rows do not support."""
    with tempfile.TemporaryDirectory() as scratch:
        lines = ledger(_read(run) for run in runs)
        fresh = Path(scratch)
        write_csv(_csv(lines), fresh / TABLE)
        write_atomically(fresh / PAGE, text(lines))
        said = [
            f"{reports.name}/{name} {what}"
            for name in (PAGE, TABLE)
            if (what := _difference(reports / name, fresh / name))
        ]
    return said + (unsupported(lines, readme) if readme.exists() else [])


def _difference(standing: Path, fresh: Path) -> str:
    if not standing.exists():
        return "is missing; `python -m benchmarks.report` writes it"
    same = standing.read_bytes() == fresh.read_bytes()
    return "" if same else "differs from what the tracked runs give"


def unsupported(lines: Iterable[Line], readme: Path) -> list[str]:
    """What stands in README although its evidence is missing or speaks against it."""
    standing = " ".join(readme.read_text(encoding="utf-8").split())
    found = []
    for line in lines:
        claim, reading, one = line.claim, line.reading, line.subject
        if claim.source != "readme" or claim.sentence not in standing or one.verdict == HOLDS:
            continue
        measured = f"found: {measured_text(one, reading)}" if one.known else "no tracked run has it"
        advice = "measure it" if one.verdict == UNKNOWN else "correct it"
        found.append(
            f'{readme.name} says "{claim.sentence}", {SAID[one.verdict]} ({reading.name}:'
            f" {stated(reading)}; {measured}); {advice}"
        )
    return found


def text(lines: Sequence[Line]) -> str:
    """The whole page."""
    parts = ["# Claims, reading by reading", "", *PREFACE.splitlines(), ""]
    for source, title in TITLES.items():
        part = [line for line in lines if line.claim.source == source]
        if part:
            parts += [f"## {title}", "", *_table(part), "", *_not_reproduced(part)]
    return "\n".join([*parts, "## How to read the tables", "", *LEGEND.splitlines()]) + "\n"


def _table(lines: Iterable[Line]) -> list[str]:
    head = ["sentence", "reading", "that is", "mapicx 0.1.0", "this engine", "bounds", "from"]
    body = []
    for line in lines:
        claim, reading, judged = line
        original, engine = (judged.get(program, Judged()) for program in (ORIGINAL, ENGINE))
        limits = [bounds(one, reading) for one in (original, engine)]
        sources = [_source(one) for one in (original, engine)]
        body.append(
            [
                *(markdown(part) for part in (claim.sentence, reading.name, stated(reading))),
                *(value(one, reading) for one in (original, engine)),
                "; ".join(dict.fromkeys(filter(None, limits))) or NOTHING,
                "; ".join(dict.fromkeys(filter(None, sources))) or NOTHING,
                line.subject.verdict,
            ]
        )
    return table([*head, "verdict"], body, numbers=False)


def _source(one: Judged) -> str:
    if not one.known:
        return ""
    run = one.run if one.run == SOURCE else f"run {one.run}"
    return markdown(f"{one.systems}, {run}" if one.systems else run)


def _not_reproduced(lines: Iterable[Line]) -> list[str]:
    said = [
        f"- “{markdown(claim.sentence)}” did not reproduce under the reading"
        f" *{markdown(reading.name)}*: {value(line.subject, reading)}, where it says"
        f" {stated(reading)}."
        for line in lines
        if line.subject.verdict == FAILS
        for claim, reading in [line[:2]]
    ]
    return [*said, ""] if said else []


def _csv(lines: Iterable[Line]) -> pd.DataFrame:
    rows = []
    for claim, reading, judged in lines:
        for program, one in judged.items():
            estimate, published = one.estimate, program == reading.subject
            rows.append(
                {
                    "claim": claim.name,
                    "reading": reading.name,
                    "program": program,
                    "published": "yes" if published else "no",  # the verdict of claims.md
                    "verdict": one.verdict,
                    "value": estimate.value,
                    "low": estimate.low,
                    "high": estimate.high,
                    "n": estimate.n,
                    "kind": estimate.kind,
                    "systems": one.systems,
                    "run": one.run,
                    "workload_digest": one.digest,
                }
            )
    return pd.DataFrame(rows)
