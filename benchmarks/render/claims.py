"""reports/claims.md: every sentence that states a number, its readings, and whether they hold.

Written from git-tracked runs only. The same verdicts go into claims.csv, with which agreement.py
compares every other run.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.analyse.claims import SOURCE, Judgement, Ruling, judge
from benchmarks.analyse.run_data import RunData, read_run_data
from benchmarks.analyse.stats import LEVEL, MIN_FOR_MEAN, MIN_FOR_MEDIAN
from benchmarks.measure.code_lines import count_code_lines
from benchmarks.paths import write_atomically
from benchmarks.plan.claims import ENGINE, ORIGINAL, Claim, Reading, read_claims
from benchmarks.record.schema import FIELDS
from benchmarks.render.csv import format_csv, spread
from benchmarks.render.document import TEXTS, Block, Cell, Document, Paragraph, Section, make_table
from benchmarks.render.markdown import write_markdown
from benchmarks.render.numbers import NOTHING, choose_unit, format_bounds, format_estimate

PAGE, TABLE = "claims.md", "claims.csv"
TITLES = {
    "article": "The article",
    "article-readme": "The article's README",
    "readme": "This README",
}
HEAD = (
    "sentence", "reading", "that is", "mapicx 0.1.0", "this engine", "bounds", "from", "verdict",
)  # fmt: skip
SIGNS = {"ratio": "/", "difference": "−"}  # between the systems of a reading


@dataclasses.dataclass(frozen=True)
class Entry:
    """One reading of one claim, judged for each program that it concerns."""

    claim: Claim
    reading: Reading
    judged: dict[str, Judgement]

    @property
    def subject(self) -> Judgement:
        """The judgement that decides on the sentence."""
        return self.judged[self.reading.subject]


def count_facts() -> dict[str, float]:
    """Count the facts that come from the source of this repository."""
    from benchmarks.options import parse_duration
    from benchmarks.plan.suites import PRESETS  # imports the systems, which a report does not need

    lines = count_code_lines()
    return {
        "code_lines_core": lines.core,
        "code_lines_training": lines.training,
        "code_lines_package": lines.package,
        "interval_percent": LEVEL * 100,
        "interval_blocks": MIN_FOR_MEDIAN,
        "ratio_blocks": MIN_FOR_MEAN,
        "default_budget_s": parse_duration(PRESETS["quick"]["budget"]),
    }


def judge_all(runs: Iterable[RunData]) -> list[Entry]:
    """Judge every reading over these runs, given oldest first."""
    runs, facts = list(runs), count_facts()
    found = []
    for claim in read_claims():
        for reading in claim.readings:
            # Sentences outside README that concern a program are judged for both programs.
            both = claim.source != "readme" and reading.about_program
            programs = [ORIGINAL, ENGINE] if both else [reading.subject]
            judged = {name: judge(reading, name, runs, facts) for name in programs}
            found.append(Entry(claim, reading, judged))
    return found


def make_files(entries: Sequence[Entry]) -> dict[str, str]:
    """Return the text of claims.md and claims.csv."""
    return {PAGE: write_markdown(make_document(entries)), TABLE: format_csv(_tabulate(entries))}


def write_claims(runs: Sequence[Path], reports: Path) -> Path:
    """Write both files below `reports` from these runs; return the path of claims.md."""
    for name, text in make_files(judge_all(map(read_run_data, runs))).items():
        write_atomically(reports / name, text)
    return reports / PAGE


def find_problems(runs: Sequence[Path], reports: Path, readme: Path) -> list[str]:
    """Return a sentence per stale file and per README claim that the rows do not support."""
    entries = judge_all(map(read_run_data, runs))
    problems = []
    for name, text in make_files(entries).items():
        path = reports / name
        if not path.exists():
            advice = "is missing; `python -m benchmarks.report` writes it"
            problems.append(f"{reports.name}/{name} {advice}")
        elif path.read_text(encoding="utf-8") != text:
            problems.append(f"{reports.name}/{name} differs from what the tracked runs give")
    return problems + (find_unsupported(entries, readme) if readme.exists() else [])


def find_unsupported(entries: Iterable[Entry], readme: Path) -> list[str]:
    """Find claims that README no longer makes, or whose evidence is missing or contradicts them."""
    current = " ".join(readme.read_text(encoding="utf-8").split())
    found: list[str] = []
    reported: set[str] = set()
    for entry in entries:
        claim, reading, judgement = entry.claim, entry.reading, entry.subject
        if claim.source != "readme":
            continue
        if claim.sentence not in current:
            missing = f'{readme.name} does not say "{claim.sentence}", as claims.toml has it'
            found += [f"{missing}; make both say the same"] if missing not in reported else []
            reported.add(missing)
            continue
        if judgement.ruling is not Ruling.HOLDS:
            measured = "no tracked run has it"
            if judgement.known:
                measured = f"found: {show(judgement, reading)}"
            advice = "correct it" if judgement.ruling is Ruling.FAILS else "measure it"
            words = {Ruling.FAILS: "does not hold", Ruling.UNDECIDED: "is undecided"}
            which = f"which {words.get(judgement.ruling, 'is not measured')}"
            found.append(
                f'{readme.name} says "{claim.sentence}", {which} ({reading.name}:'
                f" {describe_limit(reading)}; {measured}); {advice}"
            )
    return found


def make_document(entries: Sequence[Entry]) -> Document:
    """Make the whole page."""
    sections = []
    for source, title in TITLES.items():
        rows = [_make_row(entry) for entry in entries if entry.claim.source == source]
        if rows:
            table = make_table(HEAD, rows, words=(1, 2, 3, 4, 5, 6, 7))
            sections.append(Section(title, (table,)))
    legend: tuple[Block, ...] = tuple(map(Paragraph, TEXTS["claims"]["legend"]))
    sections.append(Section("How to read the tables", legend))
    return Document(
        "Claims, reading by reading", (Paragraph(TEXTS["claims"]["preface"]),), tuple(sections)
    )


def _make_row(entry: Entry) -> list[Cell]:
    claim, reading = entry.claim, entry.reading
    programs = [entry.judged.get(program, Judgement()) for program in (ORIGINAL, ENGINE)]
    scale = _find_unit(reading)[0]
    bounds = [format_bounds(judgement.estimate, scale) for judgement in programs]
    sources = [_name_source(judgement, reading) for judgement in programs]
    return [
        claim.sentence,
        reading.name,
        describe_limit(reading),
        *(show_value(judgement, reading) for judgement in programs),
        "; ".join(dict.fromkeys(filter(None, bounds))) or NOTHING,
        "; ".join(dict.fromkeys(filter(None, sources))) or NOTHING,
        entry.subject.ruling.value,
    ]


def _name_source(judgement: Judgement, reading: Reading) -> str:
    if not judgement.known:
        return ""
    run = judgement.run if judgement.run == SOURCE else f"run {judgement.run}"
    between = f" {SIGNS.get(reading.form, '/')} ".join(judgement.systems)
    return f"{between}, {run}" if between else run


def _tabulate(entries: Iterable[Entry]) -> pd.DataFrame:
    rows = []
    for entry in entries:
        for program, judgement in entry.judged.items():
            row: dict[str, Any] = {"claim": entry.claim.name, "reading": entry.reading.name}
            published = "yes" if program == entry.reading.subject else "no"
            row |= {"program": program, "published": published, "verdict": judgement.ruling.value}
            row |= spread("value", judgement.estimate)
            row |= {"of": judgement.systems[0] if judgement.systems else ""}
            row |= {"to": judgement.systems[1] if len(judgement.systems) > 1 else ""}
            rows.append(row | {"run": judgement.run, "workload_digest": judgement.digest})
    return pd.DataFrame(rows)


def _find_unit(reading: Reading) -> tuple[float, str, bool]:
    """Return the scale, the unit's name, and whether to print a plus sign."""
    if reading.form == "ratio":
        return 1.0, "times", False
    if reading.form == "difference" and reading.metric.startswith("accuracy"):
        return 0.01, "points", True
    if reading.metric.startswith("installed_bytes"):
        return 1e9, "GB", False
    if reading.metric in FIELDS:
        scale, name = choose_unit(FIELDS[reading.metric].unit, [reading.low, reading.high])
        return scale, name, reading.form == "difference"
    return 1.0, "", False


def show_value(judgement: Judgement, reading: Reading) -> str:
    """Format the measured value without its bounds."""
    if judgement.fields:
        fields = judgement.fields.items()
        return ", ".join(f"{field} {_show_field(value)}" for field, value in fields)
    if not judgement.estimate.known:
        return NOTHING
    scale, name, signed = _find_unit(reading)
    if reading.form == "count":
        return f"{judgement.estimate.value:g}"
    return f"{format_estimate(judgement.estimate, scale, signed, bounds=False)} {name}".strip()


def _show_field(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def show(judgement: Judgement, reading: Reading) -> str:
    """Format the value with its bounds."""
    bounds = format_bounds(judgement.estimate, _find_unit(reading)[0])
    return f"{show_value(judgement, reading)} {bounds}".strip()


def describe_limit(reading: Reading) -> str:
    """Format what the sentence claims as a limit."""
    if reading.form == "recorded":
        return "as recorded"
    scale, name, signed = _find_unit(reading)
    low, high = (f"{x / scale:{'+' if signed and x else ''}g}" for x in (reading.low, reading.high))
    if reading.low == reading.high:
        limit = low
    elif math.isinf(reading.high):
        limit = f"more than {low}" if reading.low == 1 else f"at least {low}"
    else:
        limit = f"at most {high}" if math.isinf(reading.low) else f"{low} to {high}"
    limit = f"{limit} {name}".strip()
    return f"{limit}, tolerance {reading.tolerance / scale:g}" if reading.tolerance else limit
