"""What a write-up takes from a run: booktabs tables, a methods paragraph, a BibTeX entry, a CSV.

Written beside report.md by `python -m benchmarks.report RUN --format md,csv,latex`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.stats import SMALLEST_FOR_MEAN
from benchmarks.analyse.summary import Case
from benchmarks.errors import format_count
from benchmarks.paths import write_atomically
from benchmarks.render import crossover, latex, steps
from benchmarks.render.csv import tabulate_summary, write_csv
from benchmarks.render.document import Picture, Table
from benchmarks.render.markdown import escape
from benchmarks.render.results import make_result_table

FORMATS = ("md", "csv", "latex")
SUMMARY, METHODS, BIBLIOGRAPHY = "summary.csv", "methods", "run.bib"
TABLES, FIGURES = "tables.tex", "figures.tex"
PACKAGES = r"% \usepackage{array,booktabs,graphicx}"


def find_formats(folder: Path) -> set[str]:
    """The formats in which a report was written."""
    also = {"csv": SUMMARY, "latex": TABLES}
    return {"md"} | {name for name, file in also.items() if (folder / file).exists()}


def write_files(
    data: RunData, folder: Path, formats: set[str], drawn: Mapping[Case, Iterable[Picture]]
) -> None:
    """The files of the formats beyond Markdown and HTML."""
    if "csv" in formats:
        write_csv(tabulate_summary(data.lines()), folder / SUMMARY)
    if "latex" in formats:
        files = {
            TABLES: "\n".join([PACKAGES, "", *_write_tables(data)]),
            FIGURES: "\n".join([PACKAGES, "", *_write_figures(data, drawn)]),
            BIBLIOGRAPHY: _write_bibliography(data),
            f"{METHODS}.md": escape(describe_methods(data)),
            f"{METHODS}.tex": latex.escape(describe_methods(data)),
        }
        for name, text in files.items():
            write_atomically(folder / name, text + "\n")


def _write_tables(data: RunData) -> Iterable[str]:
    """Every table that stands high in the report."""
    several: dict[str, Table] = {}
    if data.sweep:
        several["steps"] = steps.make_compact_table(data.sweep)
    if data.crossings:
        several["crossover"] = crossover.make_compact_table(data.crossings)
        several |= {
            table.name: table
            for section in crossover.make_sections(data.crossings)
            for table in section.blocks
            if isinstance(table, Table) and table.name
        }
    for name, table in several.items():
        yield latex.write_table(table, name, _name_source(data))
    for case in data.cases:
        table = make_result_table(data, case)
        if table.rows:
            label = re.sub(r"[^\w-]", "-", f"{case.workload}-{case.threads}")
            said = "Scores are means over seeds, times and memory medians over processes."
            caption = f"{describe_case(data, case)} {said} {_name_source(data)}"
            yield latex.write_table(table, label, caption)


def _write_figures(data: RunData, drawn: Mapping[Case, Iterable[Picture]]) -> Iterable[str]:
    """Every figure of the report with a caption that stands alone."""
    for case, pictures in drawn.items():
        about = "" if data.sweep or data.crossings else f" {describe_case(data, case)}"
        for picture in pictures:
            caption = f"{picture.caption}{about} {_name_source(data)}"
            yield latex.write_figure(picture.name, caption)


def describe_case(data: RunData, case: Case) -> str:
    """What a case is, for a reader who sees one table or figure alone."""
    facts = data.workloads.get(case.workload)
    said = f"Workload {case.workload}"
    if facts:
        shape = "-".join(str(width) for width in facts["layers"])
        said += f" ({facts['train_rows']} training rows, network {shape},"
        said += f" {facts['epochs']} epochs of {facts['optimizer']})"
    return f"{said}, {format_count(case.threads, 'thread')}."


def _name_source(data: RunData) -> str:
    """Where the numbers of one table or figure come from."""
    trials = data.frame[data.frame["measure"].ne("parity")]
    where = f" on {data.cpu}" if data.cpu else ""
    return f"Run {data.name}, {format_count(int(trials['block'].nunique()), 'block')}{where}."


def describe_methods(data: RunData) -> str:
    """One paragraph: machine, versions, n, intervals, parity, threads, what was left out."""
    frame = data.frame
    trials = frame[frame["measure"].ne("parity") & frame["family"].ne("control")]
    blocks = {
        str(name): int(rows["block"].nunique())
        for name, rows in trials.groupby("measure", sort=True)
    }
    counted = ", ".join(f"{n} of {name}" for name, n in blocks.items()) or "none"
    threads = ", ".join(str(n) for n in sorted(trials["threads"].dropna().unique())) or "no"
    versions = ", ".join(f"{k} {v}" for k, v in sorted((data.run.get("versions") or {}).items()))
    few = max(blocks.values(), default=0) < SMALLEST_FOR_MEAN
    times = (
        f"; with fewer than {SMALLEST_FOR_MEAN} blocks no interval was formed"
        if few
        else " with exact order-statistic 95 % intervals from six blocks on, their ratios geometric"
        " means of ratios paired in blocks with Student's interval; scores are means with Student's"
        " intervals over seeds (repeated splits of one table: corrected after Nadeau and Bengio)"
    )
    said = [
        f"Run {data.name} of the mapicx benchmark suite measured"
        f" {format_count(trials['system'].nunique(), 'system')} on"
        f" {format_count(trials['workload'].nunique(), 'workload')},"
        f" on {_describe_machine(data)}, with {versions or 'unrecorded versions'}.",
        "Every trial was one system in one fresh process, pinned to its cores, with the thread"
        f" setting {threads}; blocks ({counted}) held every system once, in shuffled order, on a"
        " seed shared by all, so that comparisons are paired.",
        f"Times are medians{times}; memory is the median of the highest resident set, with its"
        " range.",
        _describe_parity(data),
        _describe_left_out(data),
    ]
    return " ".join(said)


def _describe_machine(data: RunData) -> str:
    facts: dict[str, Any] = data.run.get("environment") or {}
    parts = [data.cpu or "an unrecorded processor"]
    if facts.get("cores"):
        parts.append(f"{facts['cores']} cores")
    if isinstance(facts.get("memory_bytes"), int):
        parts.append(f"{facts['memory_bytes'] / 2**30:.0f} GiB of memory")
    parts += [f"{facts[key]}" for key in ("system", "kernel") if facts.get(key)]
    return ", ".join(parts)


def _describe_parity(data: RunData) -> str:
    networks = {x.system: x.comparable for x in data.lines() if x.family == "network"}
    proven = list(networks.values())
    no = sorted(name for name, comparable in networks.items() if comparable is False)
    said = f"Of {len(networks)} network systems {proven.count(True)} reproduced the losses and"
    said += " weights of a plain NumPy program over 20 updates in float64 within tolerance"
    if no:
        said += f"; {', '.join(no)} did not, and no ratio with them is reported"
    return said + (f"; {proven.count(None)} were not checked." if None in proven else ".")


def _describe_left_out(data: RunData) -> str:
    skipped = sorted({str(entry.get("system")) for entry in data.run.get("skipped") or ()})
    failed = int(data.frame["status"].ne("ok").sum())
    missing = len(set(data.run.get("plan") or ()) - set(data.frame["trial_id"]))
    parts = []
    if skipped:
        parts.append(f"not planned on some workload, for lack of support: {', '.join(skipped)}")
    if failed:
        parts.append(f"{failed} of {len(data.frame)} trials failed")
    if missing:
        parts.append(f"{missing} planned trials did not run")
    return "No value was removed as an outlier" + "".join(f"; {part}" for part in parts) + "."


def _write_bibliography(data: RunData) -> str:
    version = (data.run.get("versions") or {}).get("mapicx", "")
    year = str(data.run.get("created_at") or data.name)[:4]
    commit = str((data.run.get("environment") or {}).get("commit") or "")[:12]
    note = f"Version {version}, " if version else ""
    note += f"run {data.name}" + (f", commit {commit}" if commit else "")
    fields = {
        "title": "{mapicx: neural networks in NumPy alone, and the benchmark suite that measures"
        " them}",
        "author": "{The mapicx maintainers}",
        "year": year if year.isdigit() else "",
        "note": latex.escape(note),
    }
    body = [f"  {name:7} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{mapicx-{data.name},", *body, "}"])
