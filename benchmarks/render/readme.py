"""The tables of README.md: written from rows, and checked against them.

    <!-- mapicx:table NAME run=ID -->
    ...
    <!-- /mapicx:table -->

NAME is a key of TABLES, or a workload of the run. A table that needs no run has no run=.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.record.store import RUN, write_whole
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


def workload_table(found: Material, workload: str) -> list[str]:
    """The result table of one workload (fewest threads), and the run that it comes from.

    ValueError if the run has no row of it.
    """
    places = sorted(p for p in found.places if p[0] == workload)
    if not places or not len(found.at(places[0])):
        raise ValueError(f"run {found.name} has no row of workload {workload}")
    blocks = found.frame.loc[found.frame["measure"].eq("time"), "block"].nunique()
    threads = f"{places[0][1]} thread" + ("s" if places[0][1] != 1 else "")
    cpu = (found.run.get("environment") or {}).get("cpu")
    if isinstance(cpu, dict):
        cpu = cpu.get("model") or cpu.get("name")
    where = f", on {markdown(cpu)}" if isinstance(cpu, str) else ""
    link = f"[report](reports/{found.name}/report.md)"
    counted = f"{blocks} block" + ("" if blocks == 1 else "s")
    source = f"Run {markdown(found.name)}: {counted}, {threads}{where}; {link}."
    return [*result_table(found, places[0]), "", source]


def find(results: Path, run: str) -> Path | None:
    """The folder of a run by its name, or None. Runs on users' tables are not found."""
    folder = results / run
    return folder if (folder / RUN).exists() else None


def update(readme: Path, results: Path, run: Path | None = None) -> list[str]:
    """Rewrite every table from the run that its marker names, or move all tables to `run`.

    Links into the old run's report move along. Returns the names of the tables written.
    ValueError with a sentence if a run is absent, lacks the workload or is on a user's table.
    """
    if run is not None and Path(run).resolve().parent.name == LOCAL:
        raise ValueError(f"run {Path(run).name} is on a user's table and does not go into README")
    text, written, moved = readme.read_text(encoding="utf-8"), [], {}
    cache: dict[str, Material] = {}

    def replace(marker: re.Match[str]) -> str:
        name, old = marker["name"], marker["run"]
        written.append(name)
        if name in SOURCES:
            return _block(name, None, SOURCES[name]())
        source = Path(run) if run is not None else find(results, old or "")
        if source is None:
            raise ValueError(f"table {name} names run {old}, which is not in {results.name}")
        if old and old != source.name:
            moved[old] = source.name
        key = source.name
        cache.setdefault(key, material(source))
        return _block(name, key, workload_table(cache[key], name))

    text = MARKED.sub(replace, text)
    for old, new in moved.items():
        text = text.replace(f"reports/{old}/", f"reports/{new}/")
    write_whole(readme, text)
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
                lines = workload_table(material(source), name)
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
