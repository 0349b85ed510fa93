"""A history as a document: what changed, a figure per metric, and all series."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.changes import MIN_POINTS, MIN_SEGMENT, MIN_STEP
from benchmarks.analyse.series import Series
from benchmarks.analyse.stats import Estimate
from benchmarks.paths import write_atomically
from benchmarks.record.schema import FIELDS
from benchmarks.render.csv import format_csv
from benchmarks.render.document import (
    Cell,
    Document,
    Paragraph,
    Picture,
    Quantity,
    Section,
    Strong,
    Table,
    make_table,
)
from benchmarks.render.html import write_html
from benchmarks.render.markdown import write_markdown
from benchmarks.render.numbers import join_some
from benchmarks.render.style import choose_curve, make_figure, save_figure

FORMATS = ("md", "html", "csv")
MAX_CURVES = 8
CAUSES = 6  # most that are named in a cell


def write_history(all_series: list[Series], folder: Path, formats: tuple[str, ...]) -> list[Path]:
    """Write history.md, history.html, history.csv and figures; return the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = tabulate_points(all_series)
    pictures = draw_figures(all_series, folder) if {"md", "html"} & set(formats) else ()
    document = make_document(all_series, pictures)
    texts = {
        "md": lambda: write_markdown(document),
        "html": lambda: write_html(document, folder, rows),
        "csv": lambda: format_csv(rows),
    }
    written = []
    for name in formats:
        path = folder / f"history.{name}"
        write_atomically(path, texts[name]())
        written.append(path)
    return written


def make_document(all_series: list[Series], pictures: tuple[Picture, ...] = ()) -> Document:
    """Make the document: the verdict, the changes, figures, and every series."""
    sections = [
        Section("Changes", (tabulate_changes(all_series),), unfolded=True),
        Section("Series", (tabulate_series(all_series),)),
    ]
    if pictures:
        sections.insert(1, Section("Figures", pictures, unfolded=True))
    return Document(
        "Performance over time", (Paragraph(describe_history(all_series)),), tuple(sections)
    )


def describe_history(all_series: list[Series]) -> tuple[Any, ...]:
    """Describe the state of the newest segments in a sentence."""
    worse = sum(series.is_worse for series in all_series)
    short = sum(len(series.points) < MIN_POINTS for series in all_series)
    text = f" {worse} of {len(all_series)} series became worse in the newest segment."
    if short:
        text += f" {short} have fewer than {MIN_POINTS} points, in which no change can be told."
    return (Strong("worse:" if worse else "steady:"), text)


def tabulate_changes(all_series: list[Series]) -> Table:
    """Tabulate the changes, newest first."""
    found = [
        (series.points[change.index].at, series, change)
        for series in all_series
        for change in series.changes
    ]
    rows: list[list[Cell]] = []
    for at, series, change in sorted(found, key=lambda entry: entry[0], reverse=True):
        causes = series.find_causes(change)
        rows.append([
            series.name, heading(series.metric), at, series.points[change.index].run,
            Quantity(Estimate.exact(change.ratio), suffix=" ×"),
            "worse" if series.makes_worse(change) else "better",
            join_some(causes, CAUSES, "; ") or "nothing that was recorded", series.machine,
        ])  # fmt: skip
    head = ["series", "metric", "from", "first run", "change", "verdict", "what differs", "machine"]
    note = (
        f"A change counts from {100 * MIN_STEP:g} % on and from {MIN_SEGMENT} points on. What"
        " differs: between the last point before and the first one after."
    )
    return make_table(head, rows, notes=(note,), words=(1, 2, 3, 5, 6, 7))


def tabulate_series(all_series: list[Series]) -> Table:
    """Tabulate series of more than one point: their length, newest figure, and changes."""
    rows: list[list[Cell]] = [
        [
            series.name, heading(series.metric), series.machine, str(len(series.points)),
            Quantity(Estimate.exact(series.points[-1].value)), str(len(series.changes)),
            "worse" if series.is_worse else "",
        ]
        for series in all_series
        if len(series.points) > 1
    ]  # fmt: skip
    head = ["series", "metric", "machine", "points", "newest", "changes", "newest segment"]
    single = sum(len(series.points) == 1 for series in all_series)
    note = (
        "Newest: of recorded runs the ratio to the control of the same block, of other files the"
        f" figure itself. Series of a single point are left out: {single}."
    )
    return make_table(head, rows, notes=(note,), words=(1, 2, 6))


def heading(metric: str) -> str:
    """Return the heading of a metric, from the schema."""
    return FIELDS[metric].heading if metric in FIELDS else metric


def tabulate_points(all_series: list[Series]) -> pd.DataFrame:
    """Tabulate every point, with the number of its segment."""
    rows = []
    for series in all_series:
        begins = [change.index for change in series.changes]
        for i, point in enumerate(series.points):
            rows.append({
                "machine": series.machine, "workload": series.workload, "system": series.system,
                "metric": series.metric, "at": point.at, "run": point.run, "value": point.value,
                "segment": sum(i >= begin for begin in begins),
            })  # fmt: skip
    return pd.DataFrame(rows)


def draw_figures(all_series: list[Series], folder: Path) -> tuple[Picture, ...]:
    """Draw a figure per metric: each series relative to its first point, changes marked."""
    pictures = []
    for metric in dict.fromkeys(series.metric for series in all_series):
        drawn = [
            series for series in all_series if series.metric == metric and len(series.points) > 1
        ]
        drawn = sorted(
            drawn, key=lambda series: (-len(series.changes), -len(series.points), series.name)
        )
        if drawn:
            name = "history-" + re.sub(r"[^\w-]+", "-", metric).strip("-")
            save_figure(_plot(metric, drawn[:MAX_CURVES]), folder / f"{name}.png", ("png", "svg"))
            left_out = len(drawn) - MAX_CURVES
            more = f" {left_out} more series are in the table." if left_out > 0 else ""
            caption = f"{heading(metric)}: each series as a multiple of its first point, in the"
            caption += f" order of time; triangles are changes.{more}"
            pictures.append(Picture(name, caption))
    return tuple(pictures)


def _plot(metric: str, all_series: list[Series]) -> Any:
    fig, (axis,) = make_figure(7, 3.4)
    several = len({series.machine for series in all_series}) > 1
    for i, series in enumerate(all_series):
        values = np.array([point.value for point in series.points])
        relative = values / values[0]
        look = choose_curve(i, base=False, points=len(values))
        label = f"{series.name} ({series.machine})" if several else series.name
        axis.plot(range(1, len(values) + 1), relative, label=label, **look)
        at = np.array([change.index for change in series.changes], dtype=int)
        axis.plot(at + 1, relative[at], "v", color=look["color"], markersize=10)
    axis.set_yscale("log")
    axis.axhline(1.0, color="grey", linewidth=0.6)
    axis.set_xlabel("point, in the order of time")
    axis.set_ylabel(f"{heading(metric)}, first = 1, log scale")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.yaxis.set_minor_formatter(lambda value, _: "" if math.isnan(value) else f"{value:g}")
    axis.legend(fontsize=7, frameon=False)
    return fig
