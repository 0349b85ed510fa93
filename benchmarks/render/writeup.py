"""What a write-up takes from a run: booktabs tables, a methods paragraph, a BibTeX entry, a CSV.

Written beside report.md by `python -m benchmarks.report RUN --format md,csv,latex`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.analyse.stats import SMALLEST_N
from benchmarks.paths import write_atomically
from benchmarks.render import crossover, ladder, latex
from benchmarks.render.escape import markdown, write_csv
from benchmarks.render.material import Material
from benchmarks.render.tables import result_table

FORMATS = ("md", "csv", "latex")
SUMMARY, METHODS, BIBLIOGRAPHY = "summary.csv", "methods", "run.bib"
TABLES, FIGURES = "tables.tex", "figures.tex"
PACKAGES = r"% \usepackage{array,booktabs,graphicx}"


def formats_of(folder: Path) -> set[str]:
    """The formats in which a report was written."""
    also = {"csv": SUMMARY, "latex": TABLES}
    return {"md"} | {name for name, file in also.items() if (folder / file).exists()}


def write(
    found: Material, folder: Path, formats: set[str], captions: Mapping[str, str] | None = None
) -> None:
    """The files of the formats beyond markdown. captions: of each figure, by its file's stem."""
    if "csv" in formats:
        shown = found.summary[found.summary["family"].ne("control")]
        write_csv(shown, folder / SUMMARY)
    if "latex" in formats:
        write_atomically(folder / TABLES, "\n".join(_tables(found)) + "\n")
        write_atomically(folder / FIGURES, "\n".join(_figures(found, captions or {})) + "\n")
        write_atomically(folder / BIBLIOGRAPHY, _bibliography(found))
        said = methods(found)
        write_atomically(folder / f"{METHODS}.md", markdown(said) + "\n")
        write_atomically(folder / f"{METHODS}.tex", latex.escape(said) + "\n")


def _tables(found: Material) -> list[str]:
    """Every table that stands high in the report."""
    text = [PACKAGES, ""]
    several = (
        ("steps", ladder.compact(found.ladder) if found.ladder else []),
        ("crossover", crossover.compact(found.crossings) if found.crossings else []),
        ("crossover-parts", crossover.parts(found.crossings)),
    )
    for name, lines in several:
        if lines:
            text += [*latex.table([*lines, _source(found)], name), ""]
    for place in found.places:
        lines = result_table(found, place)
        if any(line.startswith("|") for line in lines):
            name = re.sub(r"[^\w-]", "-", f"{place[0]}-{place[1]}")
            said = "Scores are means over seeds, times and memory medians over processes."
            title = [about(found, place), said, _source(found)]
            text += [*latex.table([*title, *lines], name), ""]
    return text


def _figures(found: Material, captions: Mapping[str, str]) -> list[str]:
    """Every figure of the report with a caption that stands alone."""
    text = [PACKAGES, ""]
    for file, caption in captions.items():
        text += [*latex.figure(file, f"{caption} {_source(found)}"), ""]
    return text


def about(found: Material, place: tuple[str, int]) -> str:
    """What a place is, for a reader who sees one table or figure alone."""
    name, threads = place
    facts = found.workload(name)
    said = f"Workload {markdown(name)}"
    if facts:
        shape = "-".join(str(width) for width in facts["layers"])
        said += f" ({facts['train_rows']} training rows, network {shape},"
        said += f" {facts['epochs']} epochs of {markdown(facts['optimizer'])})"
    return f"{said}, {threads} thread{'s' * (threads != 1)}."


def _source(found: Material) -> str:
    """Where the numbers of one table or figure come from."""
    trials = found.frame[found.frame["measure"].ne("parity")]
    blocks = int(trials["block"].nunique())
    facts = found.run.get("environment") or {}
    where = f" on {markdown(facts['cpu'])}" if isinstance(facts.get("cpu"), str) else ""
    return f"Run {markdown(found.name)}, {blocks} block{'s' * (blocks != 1)}{where}."


def methods(found: Material) -> str:
    """One paragraph: machine, versions, n, intervals, parity, threads, what was left out."""
    run, frame = found.run, found.frame
    trials = frame[frame["measure"].ne("parity") & frame["family"].ne("control")]
    blocks = {
        str(name): int(rows["block"].nunique())
        for name, rows in trials.groupby("measure", sort=True)
    }
    workloads = int(trials["workload"].nunique())
    counted = ", ".join(f"{n} of {name}" for name, n in blocks.items()) or "none"
    threads = ", ".join(str(n) for n in sorted(trials["threads"].dropna().unique())) or "no"
    versions = ", ".join(f"{k} {v}" for k, v in sorted((run.get("versions") or {}).items()))
    few = max(blocks.values(), default=0) < SMALLEST_N
    said = [
        f"Run {found.name} of the mapicx benchmark suite measured"
        f" {trials['system'].nunique()} systems on {workloads} workload{'s' * (workloads != 1)},"
        f" on {_machine(run)}, with {versions or 'unrecorded versions'}.",
        "Every trial was one system in one fresh process, pinned to its cores, with the thread"
        f" setting {threads}; blocks ({counted}) held every system once, in shuffled order, on a"
        " seed shared by all, so that comparisons are paired.",
        "Times are medians"
        + (
            f"; with fewer than {SMALLEST_N} blocks no interval was formed"
            if few
            else " with exact order-statistic 95 % intervals, their ratios medians of paired ratios"
            " in blocks; scores are means with BCa bootstrap intervals over seeds (repeated splits"
            " of one table: corrected after Nadeau and Bengio)"
        )
        + "; memory is the median of the highest resident set, with its range.",
        _parity(found),
        _left_out(found),
    ]
    return " ".join(said)


def _machine(run: dict[str, Any]) -> str:
    facts = run.get("environment") or {}
    cpu = facts.get("cpu")
    if isinstance(cpu, dict):
        cpu = cpu.get("model") or cpu.get("name")
    parts = [str(cpu or "an unrecorded processor")]
    if facts.get("cores"):
        parts.append(f"{facts['cores']} cores")
    if isinstance(facts.get("memory_bytes"), int):
        parts.append(f"{facts['memory_bytes'] / 2**30:.0f} GiB of memory")
    parts += [f"{facts[key]}" for key in ("system", "kernel") if facts.get(key)]
    return ", ".join(parts)


def _parity(found: Material) -> str:
    lines = found.summary[found.summary["family"].eq("network")].drop_duplicates("system")
    yes = int(lines["comparable"].eq(True).fillna(False).sum())
    no = sorted(lines.loc[lines["comparable"].eq(False).fillna(False).astype(bool), "system"])
    said = f"Of {len(lines)} network systems {yes} reproduced the losses and weights of a plain"
    said += " NumPy program over 20 updates in float64 within tolerance"
    if no:
        said += f"; {', '.join(no)} did not, and no ratio with them is reported"
    unchecked = len(lines) - yes - len(no)
    return said + (f"; {unchecked} were not checked." if unchecked else ".")


def _left_out(found: Material) -> str:
    skipped = {str(entry.get("system")) for entry in found.run.get("skipped") or ()}
    failed = int(found.frame["status"].ne("ok").sum())
    missing = len(set(found.run.get("plan") or ()) - set(found.frame["trial_id"]))
    parts = []
    if skipped:
        names = ", ".join(sorted(skipped))
        parts.append(f"not planned on some workload, for lack of support: {names}")
    if failed:
        parts.append(f"{failed} of {len(found.frame)} trials failed")
    if missing:
        parts.append(f"{missing} planned trials did not run")
    return "No value was removed as an outlier" + "".join(f"; {part}" for part in parts) + "."


def _bibliography(found: Material) -> str:
    run = found.run
    version = (run.get("versions") or {}).get("mapicx", "")
    year = str(run.get("created_at") or found.name)[:4]
    commit = str((run.get("environment") or {}).get("commit") or "")[:12]
    note = f"Version {version}, " if version else ""
    note += f"run {found.name}" + (f", commit {commit}" if commit else "")
    fields = {
        "title": "{mapicx: neural networks in NumPy alone, and the benchmark suite that measures"
        " them}",
        "author": "{The mapicx maintainers}",
        "year": year if year.isdigit() else "",
        "note": latex.escape(note),
    }
    body = [f"  {name:7} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{mapicx-{found.name},", *body, "}"]) + "\n"
