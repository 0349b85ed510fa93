"""reports/<run>/report.md: the answer first, then tables and figures, then how they came about.

`write` works from any subset of rows, also from none, and gives the same bytes for the same rows.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.paths import write_atomically
from benchmarks.render import (
    crossover,
    crossover_figure,
    figures,
    footprint,
    ladder,
    ladder_figure,
    loops,
    sections,
    writeup,
)
from benchmarks.render import figure_style as style
from benchmarks.render import published as published_verdicts
from benchmarks.render.answer import answer
from benchmarks.render.escape import markdown
from benchmarks.render.material import Material, material
from benchmarks.render.published import published_at
from benchmarks.render.tables import headline_systems, result_table

REPORT, LATEST, LOCAL = "report.md", "latest.md", "local"
COMPARED = (".md", ".csv", ".tex", ".bib")  # a picture may differ between versions of Matplotlib
FIRST_SCREEN = 25  # lines: title, answer, headline table, footnote
SECTIONS: tuple[tuple[str, Callable[[Material], list[str]]], ...] = (
    ("What was run and where", sections.what_was_run),
    ("Checks", sections.checks),
    ("Controls and noise", sections.controls),
    ("Skipped, failed and not run", sections.left_out),
    ("Method", sections.method),
    ("What this does not show", sections.limits),
    ("Environment", sections.environment),
    ("Glossary", sections.glossary),
)


def write(
    run_dir: Path,
    reports: Path,
    pictures: bool = True,
    formats: Iterable[str] = (),
    published: Path | None = None,
) -> Path:
    """Write report, figures and their CSV for one run below `reports`; returns report.md.

    formats: of writeup.FORMATS, beyond those in which the report already stands.
    published: the folder of the verdicts to compare with, if it is not `reports`.
    Reports of runs in a folder `local` go to a folder `local`, which is never tracked.
    """
    found = material(Path(run_dir))
    folder = report_folder(Path(run_dir), Path(reports))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / REPORT
    wanted = {*formats, *writeup.formats_of(folder)}
    with style.kinds(*(style.VECTOR if "latex" in wanted else ())):
        if found.ladder:
            ladder_figure.draw(found.ladder, folder / f"{ladder_figure.NAME}.png", pictures)
        if found.crossings:
            crossover_figure.draw(found.crossings, folder, pictures)
        drawn = _draw_all(found, folder, pictures)
    writeup.write(found, folder, wanted, _captions(found, drawn))
    verdicts = published_verdicts.section(found, published_at(published or reports))
    write_atomically(path, text(found, drawn, verdicts))
    return path


def report_folder(run_dir: Path, reports: Path) -> Path:
    """Where the report of a run belongs."""
    run_dir = run_dir.resolve()
    inside = reports / LOCAL if run_dir.parent.name == LOCAL else reports
    return inside / run_dir.name


def write_latest(report: Path, reports: Path) -> Path:
    """Make latest.md a copy of a report, with its links pointing into that report's folder."""
    body = report.read_text(encoding="utf-8")
    body = re.sub(r"\]\(([\w-]+\.(?:png|csv))\)", rf"]({report.parent.name}/\1)", body)
    path = reports / LATEST
    write_atomically(path, body)
    return path


def text(
    found: Material, drawn: dict[tuple[str, int], list[str]], verdicts: Iterable[str] = ()
) -> str:
    """The whole report. drawn: names of the figures that exist, per (workload, threads);
    verdicts: the section on what was published."""
    lines = [*_first_screen(found), ""]
    if found.ladder:
        lines += ["## The ladder of training steps", "", *_ladder_picture(found), ""]
        lines += [*ladder.tables(found.ladder), ""]
    if found.crossings:
        lines += ["## From which size on a framework is faster", ""]
        lines += [
            *_shown(crossover_figure.CAPTION, crossover_figure.NAME),
            *crossover.tables(found.crossings),
        ]
    for place in found.places:
        title = f"{markdown(place[0])}, {place[1]} thread" + ("s" if place[1] != 1 else "")
        lines += [f"## Every system: {title}", "", *result_table(found, place), ""]
        lines += _pictures(found, place, drawn.get(place, []))
        if not found.crossings:  # of many sizes the steps above are the point
            lines += [*sections.phases(found, place), ""]
    lines += footprint.section(found)
    lines += loops.section(found)
    lines += verdicts
    for heading, section in SECTIONS:
        lines += [f"## {heading}", "", *section(found), ""]
    return "\n".join(lines).rstrip() + "\n"


def _first_screen(found: Material) -> list[str]:
    sentences = [f"{i}. {s}" for i, s in enumerate(answer(found), start=1)]
    lines = [f"# Benchmark report {markdown(found.name)}", "", *sentences, ""]
    place = found.headline
    if place is None:
        return lines
    if found.ladder:
        return [*lines, *ladder.compact(found.ladder)]
    if found.crossings:
        return [*lines, *crossover.compact(found.crossings)]
    # Two lines of table head, a blank one and a footnote.
    room = FIRST_SCREEN - len(lines) - 4
    chosen = headline_systems(found, place, room)
    return [*lines, *result_table(found, place, chosen)]


def _prefix(found: Material, place: tuple[str, int]) -> str:
    if len(found.places) == 1:
        return ""
    return re.sub(r"[^\w-]", "-", f"{place[0]}-{place[1]}-")


def _draw_all(found: Material, folder: Path, pictures: bool) -> dict[tuple[str, int], list[str]]:
    return {
        place: figures.draw(
            found, place, folder, _prefix(found, place), pictures, figures.wanted(found, place)
        )
        for place in found.places
    }


def _captions(found: Material, drawn: dict[tuple[str, int], list[str]]) -> dict[str, str]:
    """The caption of each figure of the report, by its file's stem."""
    captions = {}
    if _ladder_picture(found):
        captions[ladder_figure.NAME] = ladder_figure.CAPTION
    if found.crossings:
        captions[crossover_figure.NAME] = crossover_figure.CAPTION
    for place, names in drawn.items():
        for figure in figures.FIGURES:
            if figure.name in names:
                said = f"{figure.caption} {writeup.about(found, place)}"
                captions[f"{_prefix(found, place)}{figure.name}"] = said
    return captions


def _shown(caption: str, file: str) -> list[str]:
    return [f"![{caption}]({file}.png)", "", f"{caption} [Data]({file}.csv)", ""]


def _ladder_picture(found: Material) -> list[str]:
    if not any(step.ratio.known for rung in found.ladder for step in rung.steps.values()):
        return []
    return _shown(ladder_figure.CAPTION, ladder_figure.NAME)


def _pictures(found: Material, place: tuple[str, int], drawn: list[str]) -> list[str]:
    lines = []
    for figure in figures.FIGURES:
        if figure.name in drawn:
            lines += _shown(figure.caption, f"{_prefix(found, place)}{figure.name}")
    return lines


def stale_files(run_dir: Path, reports: Path) -> list[str]:
    """A sentence for each text or table of a run's report that its rows no longer give."""
    standing = report_folder(run_dir, reports)
    if not standing.exists():
        return [f"reports/{run_dir.name} is missing; `python -m benchmarks.report` writes it"]
    with tempfile.TemporaryDirectory() as scratch:
        fresh = report_folder(run_dir, Path(scratch))
        # Figures of a run whose arrays were left out of a clone are taken as they stand.
        shutil.copytree(standing, fresh)
        write(run_dir, Path(scratch), pictures=False, published=reports)
        names = {p.name for f in (standing, fresh) for p in f.iterdir() if p.suffix in COMPARED}
        return [
            f"reports/{run_dir.name}/{name} differs from what the run's rows give"
            for name in sorted(names)
            if _bytes(standing / name) != _bytes(fresh / name)
        ]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
