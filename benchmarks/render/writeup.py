"""What a write-up takes from a run: booktabs tables, a methods paragraph, a BibTeX entry, a CSV.

Written beside report.md by `python -m benchmarks.report RUN --format md,csv,latex`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmarks.analyse.stats import SMALLEST_N
from benchmarks.record.store import write_whole
from benchmarks.render import crossover, ladder, latex
from benchmarks.render.escape import markdown, write_csv
from benchmarks.render.material import Material
from benchmarks.render.tables import result_table

FORMATS = ("md", "csv", "latex")
SUMMARY, METHODS, BIBLIOGRAPHY, TABLES = "summary.csv", "methods", "run.bib", "tables.tex"


def formats_of(folder: Path) -> set[str]:
    """The formats in which a report was written."""
    also = {"csv": SUMMARY, "latex": TABLES}
    return {"md"} | {name for name, file in also.items() if (folder / file).exists()}


def write(found: Material, folder: Path, formats: set[str]) -> None:
    """The files of the formats beyond markdown."""
    if "csv" in formats:
        shown = found.summary[found.summary["family"].ne("control")]
        write_csv(shown, folder / SUMMARY)
    if "latex" in formats:
        write_whole(folder / TABLES, "\n".join(_tables(found)) + "\n")
        write_whole(folder / BIBLIOGRAPHY, _bibliography(found))
        said = methods(found)
        write_whole(folder / f"{METHODS}.md", markdown(said) + "\n")
        write_whole(folder / f"{METHODS}.tex", latex.escape(said) + "\n")


def _tables(found: Material) -> list[str]:
    """Every table that stands high in the report. A document needs booktabs and graphicx."""
    text = [r"% \usepackage{booktabs,graphicx}", ""]
    if found.ladder:
        text += [*latex.table(ladder.compact(found.ladder), "steps"), ""]
    if found.crossings:
        text += [*latex.table(crossover.compact(found.crossings), "crossover"), ""]
    for workload, threads in found.places:
        lines = result_table(found, (workload, threads))
        if any(line.startswith("|") for line in lines):
            name = re.sub(r"[^\w-]", "-", f"{workload}-{threads}")
            title = f"Workload {markdown(workload)}, {threads} thread{'s' * (threads != 1)}."
            text += [*latex.table([title, *lines], name), ""]
    return text


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
    note = f"Run {found.name}" + (f", commit {commit}" if commit else "")
    fields = {
        "title": "{mapicx: neural networks in NumPy alone, and the benchmark suite that measures"
        " them}",
        "author": "{The mapicx maintainers}",
        "year": year if year.isdigit() else "",
        "version": latex.escape(str(version)),
        "note": latex.escape(note),
    }
    body = [f"  {name:7} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@software{{mapicx-{found.name},", *body, "}"]) + "\n"
