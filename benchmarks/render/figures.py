"""The figures of a report: one table of name, caption and the function that draws it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from benchmarks.render import boundaries, break_even, curves, dots
from benchmarks.render.material import Material

MOST = 6  # pictures of one place
FEW = 3  # of more workloads only the headline's are drawn


class Figure(NamedTuple):
    """draw(material, place, path, picture) writes the CSV beside path, and with `picture` path.

    It returns False if the rows hold nothing to draw.
    """

    name: str
    caption: str
    draw: Callable[[Material, tuple[str, int], Path, bool], bool]
    needs_arrays: bool


FIGURES = (
    Figure("boundaries", "What each system learnt from one seed: the class it predicts at every"
           " point; the paler, the less sure.", boundaries.boundaries, True),
    Figure("dots", "Score, time and memory of every system: medians (score: mean) with"
           " bounds. Diamond: mapicx; circles: other networks; squares: classical; triangles:"
           " bounds.", dots.dots, False),
    Figure("time", "Where the time of a fresh process goes.", curves.phases, False),
    Figure("memory", "Peak memory by phase, and over the life of one process.",
           curves.memory, False),
    Figure("pareto", "Score against cost. Filled: no other system scores as well and is as"
           " cheap.", dots.pareto, False),
    Figure("losses", "Training losses of all networks from the same weights and data, on top of"
           " one another.", curves.losses, True),
    Figure("break-even", "Time of a fresh process against the number of training steps, from"
           " medians of start and step. Dots: from there on a system is ahead of mapicx; bars:"
           " 95 % interval.", break_even.draw, False),
)  # fmt: skip


def wanted(material: Material, place: tuple[str, int]) -> Collection[str]:
    """Which figures a place gets: pictures are not repeated for each of many workloads."""
    if material.ladder or material.crossings:
        return ()
    if place == material.headline:
        return [figure.name for figure in FIGURES]
    return ["dots"] if len({workload for workload, _ in material.places}) <= FEW else ()


def draw(
    material: Material,
    place: tuple[str, int],
    folder: Path,
    prefix: str,
    picture: bool,
    wanted: Collection[str],
) -> list[str]:
    """Draw what the rows allow. Returns the names of the figures that stand in the folder.

    picture: False writes the CSV files alone. wanted: names; the other figures are removed.

    A run without its arrays (they may be left out of a clone) keeps the figures drawn earlier.
    """
    shown: list[str] = []
    for figure in FIGURES:
        path = folder / f"{prefix}{figure.name}.png"
        kept = figure.needs_arrays and not material.has_arrays and path.exists()
        allowed = figure.name in wanted and len(shown) < MOST
        if allowed and (kept or figure.draw(material, place, path, picture)):
            shown.append(figure.name)
        else:
            for stale in (path.with_suffix(s) for s in (".png", ".csv", ".svg", ".pdf")):
                stale.unlink(missing_ok=True)
    return shown
