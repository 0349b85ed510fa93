"""The measured parts of README.md: written from rows, and checked against them.

    <!-- mapicx:table NAME run=ID -->
    ...
    <!-- /mapicx:table -->

NAME is a key of PARTS (the answer, the step-time sweep, the crossovers), a workload of the run,
or, for a table that needs no run and has no run=, a key of SOURCES.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.analyse.crossover import WHOLE
from benchmarks.analyse.run_data import RunData, read_run_data
from benchmarks.analyse.summary import Case
from benchmarks.errors import format_count
from benchmarks.measure import machine
from benchmarks.measure.code_lines import CORE_LIMIT, count_code_lines
from benchmarks.paths import RUN, write_atomically
from benchmarks.record.rows import is_local, read_run
from benchmarks.render import answer, crossover, figures, steps
from benchmarks.render.document import (
    Block,
    Items,
    Link,
    Paragraph,
    Picture,
    Table,
    Text,
    make_table,
)
from benchmarks.render.headline import make_headline_table
from benchmarks.render.markdown import write_blocks, write_table
from benchmarks.render.numbers import join_words
from benchmarks.render.report import SHORT

MEASURED = {"mapicx": "the engine", "baselines": "the code of the systems"}
SUBJECT = "spiral"  # the workload of the answer at the top
MARKED = re.compile(
    r"(<!-- mapicx:table (?P<name>\S+?)(?: run=(?P<run>\S+?))? -->\n)"
    r"(?P<body>.*?)"
    r"(<!-- /mapicx:table -->)",
    re.DOTALL,
)


@dataclasses.dataclass(frozen=True)
class Part:
    """The text between two markers."""

    blocks: tuple[Block, ...]
    run: str = ""

    def write(self) -> list[str]:
        """Return its lines; pictures are in the run's report."""
        return write_blocks(self.blocks, f"reports/{self.run}/")


def _answer(data: RunData) -> list[Block]:
    case = Case(SUBJECT, min((c.threads for c in data.cases if c.workload == SUBJECT), default=1))
    if data.base(case) is None:
        return []
    need, *details = answer.describe_case(data, case)
    picture = Picture(figures.COSTS.name, figures.COSTS.caption)
    return [Paragraph(need), Items(tuple(details)), picture]


def _steps(data: RunData) -> list[Block]:
    points = steps.keep_fewest_threads(data.sweep)
    if not points:
        return []
    return [Paragraph(" ".join(steps.describe_sweep(points)))]


def _crossover(data: RunData) -> list[Block]:
    fewest = min((one.threads for one in data.crossings), default=1)
    found = [one for one in data.crossings if one.threads == fewest and one.part == WHOLE]
    if not found:
        return []
    items = Items(tuple(crossover.describe_crossings(found)))
    return [items, Picture(figures.CROSSOVER.name, figures.CROSSOVER.caption)]


def make_engine_table() -> Table:
    """Tabulate the size of the engine; only the core has a limit."""
    lines = count_code_lines()
    return make_table(
        ("engine", "code lines", "limit"),
        [
            ["core: layers, losses, optimizers, network, Mapicx", str(lines.core),
             f"under {CORE_LIMIT}"],
            ["everything that training a network loads", str(lines.training), ""],
            ["whole package", str(lines.package), ""],
        ],
        words=(2,),
    )  # fmt: skip


PARTS: dict[str, Callable[[RunData], list[Block]]] = {
    "answer": _answer,
    "steps": _steps,
    "crossover": _crossover,
}
SOURCES: dict[str, Callable[[], Table]] = {"engine": make_engine_table}
REQUIRED = (*PARTS, SUBJECT, *SOURCES)  # what README must contain


def make_part(data: RunData, name: str) -> Part:
    """Make one part from a run; the part of a workload is for its fewest threads.

    Raise ValueError if the run has no row for it.
    """
    report = f"reports/{data.name}/{SHORT}"
    if name in PARTS:
        blocks = PARTS[name](data)
        if not blocks:
            raise ValueError(f"run {data.name} has no row for the part {name}")
    else:
        cases = sorted(case for case in data.cases if case.workload == name)
        if not cases or not data.lines(cases[0]):
            raise ValueError(f"run {data.name} has no row of workload {name}")
        blocks = [make_headline_table(data, cases[0], report)]
    if name != "answer":  # its run is named below the table of the same workload
        blocks.append(Paragraph(_name_source(data, report)))
    return Part(tuple(blocks), data.name)


def _name_source(data: RunData, report: str) -> Text:
    threads = sorted({case.threads for case in data.summary})
    where = f", on {data.cpu}" if data.cpu else ""
    text = f"Run {data.name}: {format_count(data.blocks(), 'block')}, on"
    cores = " and ".join(map(str, threads)) + (" core" if threads == [1] else " cores")
    other = find_other_code(data.run)
    changed = f" Changed since this run: {other}." if other else ""
    return (f"{text} {cores}{where}; ", Link("report", report), f".{changed}")


def find_other_code(run: Mapping[str, Any]) -> str:
    """Name the parts of the measured code that have changed since a run; empty if none."""
    then, now = run.get("digests") or {}, machine.digest_code()
    changed = [name for name in MEASURED if then.get(name, now[name]) != now[name]]
    return join_words(MEASURED[name] for name in changed)


def find_outdated_parts(readme: Path, results: Path) -> list[str]:
    """Return a sentence for each part of README whose run measured different code."""
    found = []
    for marker in MARKED.finditer(readme.read_text(encoding="utf-8")):
        source = find_public_run(results, marker["run"] or "")
        other = find_other_code(read_run(source)) if source else ""
        if other:
            found.append(
                f"{readme.name}, table {marker['name']}: changed since run {marker['run']}:"
                f" {other}; measure it again"
            )
    return found


def find_public_run(results: Path, run: str) -> Path | None:
    """Find the folder of a run by name, or None. Runs on users' tables are never found."""
    folder = results / run
    if not run or not (folder / RUN).exists() or is_local(folder, read_run(folder)):
        return None
    return folder


def update_readme(readme: Path, results: Path, run: Path | None = None) -> list[str]:
    """Rewrite every part from the run that its marker names, or move parts to `run`.

    Parts for which `run` has no row stay as they are. Links into the old run's report are
    updated once no part refers to it. Return the names of the parts written. Raise ValueError,
    with a message, if a run is absent, has rows for no part or is on a user's table.
    """
    read = functools.cache(read_run_data)
    if run is not None and read(Path(run)).is_local:
        raise ValueError(f"run {Path(run).name} is on a user's table and does not go into README")
    text = readme.read_text(encoding="utf-8")
    written: list[str] = []
    moved: dict[str, str] = {}
    left: list[str] = []  # why parts keep their old run

    def replace(marker: re.Match[str]) -> str:
        name, old = marker["name"], marker["run"]
        try:
            part = _make_part(marker, results, read, run)
        except ValueError as error:
            if run is None:
                raise
            left.append(str(error))
            return marker[0]
        if old and old != part.run:
            moved[old] = part.run
        written.append(name)
        return _enclose(name, part)

    text = MARKED.sub(replace, text)
    current = {marker["run"] for marker in MARKED.finditer(text)}
    if run is not None and left and Path(run).name not in current:
        raise ValueError(f"{'; '.join(left)}: no table of {readme.name} can move to it")
    for old in moved.keys() - current:
        text = text.replace(f"reports/{old}/", f"reports/{moved[old]}/")
    write_atomically(readme, text)
    return written


def _make_part(
    marker: re.Match[str],
    results: Path,
    read: Callable[[Path], RunData],
    run: Path | None = None,
) -> Part:
    """Make the part of a marker from `run`, or else from the run that it names."""
    if marker["name"] in SOURCES:
        return Part((SOURCES[marker["name"]](),))
    source = run or find_public_run(results, marker["run"] or "")
    if source is None:
        raise ValueError(f"run {marker['run']} is absent from {results.name}")
    return make_part(read(source), marker["name"])


def _enclose(name: str, part: Part) -> str:
    named = f" run={part.run}" if part.run else ""
    body = "\n".join(part.write())
    return f"<!-- mapicx:table {name}{named} -->\n\n{body}\n\n<!-- /mapicx:table -->"


def find_stale_parts(readme: Path, results: Path) -> list[str]:
    """Return a sentence for each place in README that differs from its run's rows."""
    read = functools.cache(read_run_data)
    found: list[str] = []
    text = readme.read_text(encoding="utf-8")
    opened = len(re.findall(r"<!-- mapicx:table ", text))
    markers = list(MARKED.finditer(text))
    if opened != len(markers):
        found.append(f"{readme.name} has {opened} table markers, {len(markers)} of them complete")
    current = {marker["name"] for marker in markers}
    found += [
        f"{readme.name} has no table {name}; put its markers back"
        for name in REQUIRED
        if name not in current
    ]
    for marker in markers:
        try:
            problems = find_differences(_make_part(marker, results, read), marker["body"])
        except ValueError as error:
            problems = [str(error)]
        found += [f"{readme.name}, table {marker['name']}: {problem}" for problem in problems]
    return found


def find_differences(part: Part, body: str) -> list[str]:
    """Find differences between a part made from the rows and its current text."""
    current = [line.rstrip() for line in body.splitlines() if line.strip()]
    expected = [line for line in part.write() if line.strip()]
    problems = [
        f"the row of {row[0]} is missing or differs from the run's rows"
        for table in part.blocks
        if isinstance(table, Table)
        for row, line in zip(table.rows, write_table(table)[2:], strict=False)
        if line not in current
    ]
    if not problems and current != expected:
        problems.append("the text or the order of its rows differs from what the rows give")
    return problems
