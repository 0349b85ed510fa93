"""Files for a write-up of a run: booktabs tables, a methods paragraph, a BibTeX entry, a CSV.

Written beside report.md by `python -m benchmarks.report RUN --format md,csv,latex`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import jinja2

from benchmarks.analyse.equal_work import format_shape
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.stats import MIN_FOR_MEAN
from benchmarks.analyse.summary import Case
from benchmarks.errors import format_count
from benchmarks.paths import write_atomically
from benchmarks.render import crossover, latex, steps
from benchmarks.render.csv import tabulate_summary, write_csv
from benchmarks.render.document import Picture
from benchmarks.render.figures import make_label
from benchmarks.render.markdown import escape
from benchmarks.render.results import make_result_table

FORMATS = ("md", "csv", "latex")
SUMMARY, METHODS, BIBLIOGRAPHY = "summary.csv", "methods", "run.bib"
TABLES, FIGURES = "tables.tex", "figures.tex"
TEMPLATES = jinja2.Environment(
    trim_blocks=True, lstrip_blocks=True, loader=jinja2.FileSystemLoader(Path(__file__).parent)
)
PACKAGES = r"% \usepackage{array,booktabs,graphicx}"


def find_formats(folder: Path) -> set[str]:
    """Find the formats in which a report was written."""
    also = {"csv": SUMMARY, "latex": TABLES}
    return {"md"} | {name for name, file in also.items() if (folder / file).exists()}


def write_files(
    data: RunData, folder: Path, formats: set[str], drawn: Mapping[Case, Iterable[Picture]]
) -> None:
    """Write the files of all formats other than Markdown and HTML."""
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
    """Write the main tables of the report."""
    source = _name_source(data)
    compact = {"steps": (steps, data.sweep), "crossover": (crossover, data.crossings)}
    for name, (module, found) in compact.items():
        if found:
            yield latex.write_table(module.make_compact_table(found), name, source)
    parts = crossover.make_parts_table(data.crossings)
    if parts is not None:
        yield latex.write_table(parts, "crossover-parts", source)
    for case in data.cases:
        table = make_result_table(data, case)
        if table.rows:
            text = "Scores are means over seeds, times and memory medians over processes."
            yield latex.write_table(
                table, make_label(case), f"{describe_case(data, case)} {text} {source}"
            )


def _write_figures(data: RunData, drawn: Mapping[Case, Iterable[Picture]]) -> Iterable[str]:
    """Write every figure of the report with a self-contained caption."""
    for case, pictures in drawn.items():
        about = "" if data.sweep or data.crossings else f" {describe_case(data, case)}"
        for picture in pictures:
            yield latex.write_figure(picture.name, f"{picture.caption}{about} {_name_source(data)}")


def describe_case(data: RunData, case: Case) -> str:
    """Describe a case to a reader who sees only one table or figure."""
    facts = data.workloads.get(case.workload)
    text = f"Workload {case.workload}"
    if facts:
        shape = format_shape(facts["layers"])
        text += f" ({facts['train_rows']} training rows, network {shape},"
        text += f" {facts['epochs']} epochs of {facts['optimizer']})"
    return f"{text}, {format_count(case.threads, 'thread')}."


def _name_source(data: RunData) -> str:
    """Name the source of the numbers of one table or figure."""
    trials = data.frame[data.frame["measure"].ne("parity")]
    where = f" on {data.cpu}" if data.cpu else ""
    return f"Run {data.name}, {format_count(int(trials['block'].nunique()), 'block')}{where}."


def describe_methods(data: RunData) -> str:
    """Write one paragraph: machine, versions, n, intervals, parity, threads, what was left out."""
    frame, run = data.frame, data.run
    trials = frame[frame["measure"].ne("parity") & frame["family"].ne("control")]
    blocks = trials.groupby("measure")["block"].nunique()
    networks = {x.system: x.comparable for x in data.lines() if x.family == "network"}
    text = TEMPLATES.get_template("methods.txt.j2").render(
        data=data,
        facts=run.get("environment") or {},
        systems=format_count(trials["system"].nunique(), "system"),
        workloads=format_count(trials["workload"].nunique(), "workload"),
        versions=", ".join(f"{k} {v}" for k, v in sorted((run.get("versions") or {}).items())),
        threads=", ".join(str(n) for n in sorted(trials["threads"].dropna().unique())),
        counted=", ".join(f"{n} of {name}" for name, n in blocks.items()),
        few=blocks.max() < MIN_FOR_MEAN if len(blocks) else True,
        smallest=MIN_FOR_MEAN,
        networks=networks,
        wrong=", ".join(sorted(name for name, proven in networks.items() if proven is False)),
        unchecked=list(networks.values()).count(None),
        skipped=", ".join(sorted({str(entry.get("system")) for entry in run.get("skipped") or ()})),
        failed=data.failed,
        missing=data.missing,
    )
    return text.replace("\n", " ")


def _write_bibliography(data: RunData) -> str:
    version = (data.run.get("versions") or {}).get("mapicx", "")
    commit = str((data.run.get("environment") or {}).get("commit") or "")[:12]
    note = f"Version {version}, " if version else ""
    note += f"run {data.name}" + (f", commit {commit}" if commit else "")
    year = str(data.run.get("created_at") or data.name)[:4]
    template = TEMPLATES.get_template("run.bib.j2")
    return template.render(data=data, year=year, note=latex.escape(note))
