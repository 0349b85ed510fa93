"""The tables of README.md: written from rows, and checked against them.

    <!-- mapicx:table NAME run=ID -->
    ...
    <!-- /mapicx:table -->

NAME is a key of ANSWERS (the ladder of training steps, the crossovers), a workload of the run, or,
for a table that needs no run and has no run=, a key of SOURCES.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.analyse.ladder import Rung
from benchmarks.paths import RUN, write_atomically
from benchmarks.render import crossover, ladder
from benchmarks.render.engine import engine_table
from benchmarks.render.escape import markdown
from benchmarks.render.material import Material, material
from benchmarks.render.report import LOCAL
from benchmarks.render.tables import result_table

MARKED = re.compile(
    r"(<!-- mapicx:table (?P<name>\S+?)(?: run=(?P<run>\S+?))? -->\n)"
    r"(?P<body>.*?)"
    r"(<!-- /mapicx:table -->)",
    re.DOTALL,
)
RULE = "---"  # first cell of the line under a table head
SOURCES: dict[str, Callable[[], list[str]]] = {"engine": engine_table}
# What a run of its suite answers: the parts of the answer, and how they are written.
ANSWERS: dict[str, tuple[Callable[[Material], Sequence[Any]], Callable[[Any], list[str]]]] = {
    "steps": (lambda found: _fewest_threads(found.ladder), ladder.compact),
    "crossover": (lambda found: found.crossings, crossover.compact),
}


def table_of(found: Material, name: str) -> list[str]:
    """One table, and the run that it comes from; a workload's is for its fewest threads.

    ValueError if the run has no row for it.
    """
    if name in ANSWERS:
        parts_of, write = ANSWERS[name]
        parts = parts_of(found)
        if not parts:
            raise ValueError(f"run {found.name} has no row for a table of {name}")
        return [*write(parts), "", _source(found, *sorted({part.threads for part in parts}))]
    places = sorted(p for p in found.places if p[0] == name)
    if not places or not len(found.at(places[0])):
        raise ValueError(f"run {found.name} has no row of workload {name}")
    return [*result_table(found, places[0]), "", _source(found, places[0][1])]


def _fewest_threads(rungs: Sequence[Rung]) -> list[Rung]:
    fewest = min((rung.threads for rung in rungs), default=1)
    return [rung for rung in rungs if rung.threads == fewest]


def _source(found: Material, *settings: int) -> str:
    blocks = found.frame.loc[found.frame["measure"].eq("time"), "block"].nunique()
    threads = " and ".join(map(str, settings)) + (" thread" if settings == (1,) else " threads")
    cpu = (found.run.get("environment") or {}).get("cpu")
    if isinstance(cpu, dict):
        cpu = cpu.get("model") or cpu.get("name")
    where = f", on {markdown(cpu)}" if isinstance(cpu, str) else ""
    link = f"[report](reports/{found.name}/report.md)"
    counted = f"{blocks} block" + ("" if blocks == 1 else "s")
    return f"Run {markdown(found.name)}: {counted}, {threads}{where}; {link}."


def find(results: Path, run: str) -> Path | None:
    """The folder of a run by its name, or None. Runs on users' tables are not found."""
    folder = results / run
    return folder if (folder / RUN).exists() else None


def update(readme: Path, results: Path, run: Path | None = None) -> list[str]:
    """Rewrite every table from the run that its marker names, or move tables to `run`.

    Tables for which `run` has no row stay as they are. Links into the old run's report move
    along once no table is left at it. Returns the names of the tables written. ValueError with a
    sentence if a run is absent, has rows for no table or is on a user's table.
    """
    if run is not None and Path(run).resolve().parent.name == LOCAL:
        raise ValueError(f"run {Path(run).name} is on a user's table and does not go into README")
    text = readme.read_text(encoding="utf-8")
    written: list[str] = []
    moved: dict[str, str] = {}
    left: list[str] = []  # why a table stays where it is
    cache: dict[str, Material] = {}

    def replace(marker: re.Match[str]) -> str:
        name, old = marker["name"], marker["run"]
        if name in SOURCES:
            written.append(name)
            return _block(name, None, SOURCES[name]())
        source = Path(run) if run is not None else find(results, old or "")
        if source is None:
            raise ValueError(f"table {name} names run {old}, which is not in {results.name}")
        key = source.name
        if key not in cache:
            cache[key] = material(source)
        try:
            lines = table_of(cache[key], name)
        except ValueError as error:
            if run is None:
                raise
            left.append(str(error))
            return marker[0]
        if old and old != key:
            moved[old] = key
        written.append(name)
        return _block(name, key, lines)

    text = MARKED.sub(replace, text)
    standing = {marker["run"] for marker in MARKED.finditer(text)}
    if left and not cache.keys() & standing:
        raise ValueError(f"{'; '.join(left)}: no table of {readme.name} can move to it")
    for old in moved.keys() - standing:
        text = text.replace(f"reports/{old}/", f"reports/{moved[old]}/")
    write_atomically(readme, text)
    return written


def _block(name: str, run: str | None, lines: list[str]) -> str:
    named = f" run={run}" if run else ""
    body = "\n".join(lines)
    return f"<!-- mapicx:table {name}{named} -->\n\n{body}\n\n<!-- /mapicx:table -->"


def stale_tables(readme: Path, results: Path) -> list[str]:
    """A sentence for each place of README that differs from what its run's rows give."""
    found: list[str] = []
    text = readme.read_text(encoding="utf-8")
    opened = len(re.findall(r"<!-- mapicx:table ", text))
    markers = list(MARKED.finditer(text))
    if opened != len(markers):
        found.append(f"{readme.name} has {opened} table markers, {len(markers)} of them complete")
    for marker in markers:
        name, run = marker["name"], marker["run"]
        where = f"{readme.name}, table {name}"
        if name in SOURCES:
            lines = SOURCES[name]()
        else:
            source = find(results, run or "")
            if source is None:
                found.append(f"{where}: run {run} is absent from {results.name}")
                continue
            try:
                lines = table_of(material(source), name)
            except ValueError as error:
                found.append(f"{where}: {error}")
                continue
        found += [f"{where}: {what}" for what in differences(lines, marker["body"])]
    return found


def differences(expected: list[str], body: str) -> list[str]:
    """What differs between a table as the rows give it and as it stands, row by row."""
    want = [line for line in expected if line.strip()]
    have = [line.rstrip() for line in body.splitlines() if line.strip()]
    rows, standing = ({_first(x): x for x in part if x.startswith("|")} for part in (want, have))
    for part in (rows, standing):
        part.pop(RULE, None)
    said = [f"the row of {name} is missing" for name in rows if name not in standing]
    said += [f"the row of {name} is not in the run" for name in standing if name not in rows]
    said += [
        f"the row of {name} differs from the run's rows"
        for name, row in rows.items()
        if name in standing and standing[name] != row
    ]
    if not said and want != have:
        said.append("the text or the order of its rows differs from what the rows give")
    return said


def _first(row: str) -> str:
    return row.split("|")[1].strip() or "the head"


def check(readme: Path, results: Path, reports: Path, runs: Sequence[Path] = ()) -> list[str]:
    """Every stale place: README's tables, and the reports of `runs` that stand in `reports`."""
    from benchmarks.render.report import stale_files

    found = stale_tables(readme, results) if readme.exists() else []
    for run in runs:
        found += stale_files(run, reports)
    return found
