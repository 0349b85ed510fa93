"""The figures of a report: one table of names and the functions that draw them.

Captions are in texts.toml, under the same names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case
from benchmarks.render import break_even, cost_figures, crossover_figure, score_figures, steps
from benchmarks.render.csv import write_csv
from benchmarks.render.document import TEXTS, Picture
from benchmarks.render.style import Drawing, save_figure

FEW = 3  # with more workloads, only the headline's figures are drawn


@dataclasses.dataclass(frozen=True)
class Figure:
    """A named figure. draw(data, case) returns a drawing, or None if there is nothing to draw."""

    name: str
    draw: Callable[[RunData, Case], Drawing | None]
    needs_arrays: bool = False

    @property
    def caption(self) -> str:
        """The text below it."""
        return TEXTS["captions"][self.name]


STEPS = Figure("steps", steps.draw)
CROSSOVER = Figure("crossover", crossover_figure.draw)
COSTS = Figure("costs", cost_figures.draw_costs)
RAW_VALUES = Figure("raw-values", cost_figures.draw_raw_values)
FIGURES = (  # for a run that is neither a sweep nor over sizes
    COSTS,
    Figure("boundaries", score_figures.draw_boundaries, needs_arrays=True),
    RAW_VALUES,
    Figure("pareto", score_figures.draw_pareto),
    Figure("losses", score_figures.draw_losses, needs_arrays=True),
    Figure("memory", cost_figures.draw_memory, needs_arrays=True),
    Figure("break-even", break_even.draw),
)


def make_label(case: Case) -> str:
    """Make a name of a case for files and cross-references."""
    return re.sub(r"[^\w-]", "-", f"{case.workload}-{case.threads}")


def choose_figures(data: RunData, case: Case) -> tuple[Figure, ...]:
    """Choose the figures of a case; they are not repeated for each of many workloads."""
    first = case == data.headline
    if data.sweep or data.crossings:
        return (STEPS if data.sweep else CROSSOVER,) if first else ()
    if first:
        return FIGURES
    return (RAW_VALUES,) if data.workload_count <= FEW else ()


def draw_figures(
    data: RunData, folder: Path, pictures: bool = True, kinds: Iterable[str] = ()
) -> dict[Case, list[Picture]]:
    """Draw the figures that the rows allow, and remove older ones.

    Parameters
    ----------
    data : RunData
        The run.
    folder : Path
        Where NAME.png, NAME.svg and NAME.csv go.
    pictures : bool
        Whether to draw; if False, only the CSV files are written.
    kinds : iterable of str
        Formats beyond PNG and SVG.

    Returns
    -------
    dict
        Case -> its figures. A run without its arrays (they may be left out of a clone) keeps the
        figures drawn earlier.
    """
    found: dict[Case, list[Picture]] = {}
    for case in data.cases:
        for figure in choose_figures(data, case):
            name = figure.name
            if case != data.headline:
                name = f"{make_label(case)}-{name}"
            path = folder / f"{name}.png"
            if not (figure.needs_arrays and not data.has_arrays and path.exists()):
                drawing = figure.draw(data, case)
                if drawing is None:
                    continue
                write_csv(drawing.table, path.with_suffix(".csv"))
                if pictures:
                    save_figure(drawing.plot(), path, ("png", "svg", *kinds))
            digest = _digest(path.with_suffix(".csv")) if figure.needs_arrays else ""
            picture = Picture(name, _caption(figure, data, case), digest)
            found.setdefault(case, []).append(picture)
    kept = {picture.name for drawn in found.values() for picture in drawn}
    for stale in folder.glob("*.png"):
        if stale.stem not in kept:
            for kind in (".png", ".svg", ".pdf", ".csv"):
                stale.with_suffix(kind).unlink(missing_ok=True)
    return found


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, or "missing"."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"


def _caption(figure: Figure, data: RunData, case: Case) -> str:
    networks = [line.system for line in data.lines(case) if line.family == "network"]
    return figure.caption.replace(
        "{reference}", score_figures.choose_reference(networks or ["none"])
    )
