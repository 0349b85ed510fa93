"""The look of every figure: legible in grey and to colour-blind readers, with no date inside.

Families differ by shape and lightness, not by colour alone (Okabe and Ito's palette).
"""

from __future__ import annotations

import dataclasses
import html
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.summary import Line
from benchmarks.paths import write_atomically

DPI = 110
LOOK = Path(__file__).with_name("figures.mplstyle")
UNDATED: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
FAMILY_MARKS = {
    "network": ("#0072B2", "o"),
    "classical": ("#E69F00", "s"),
    "bound": ("#7f7f7f", "^"),
}
# Dark, medium, light: three spiral arms remain three distinct greys.
CLASS_COLOURS = ("#1b3a6b", "#e07b39", "#f6e8a0", "#5aa58c", "#b04a86", "#c9c9c9", "#4d4d4d")
CURVE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--", ":", "-.")
MARKS = ("o", "s", "^", "v", "P", "X", "<", ">", "p", "*", "h")
Curve = Sequence[Any]  # x and y
MAX_POINTS = 400  # of a curve
MARKED = 8  # number of marks along a curve


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A figure to be drawn, and the numbers behind it."""

    table: pd.DataFrame
    plot: Callable[[], Any]  # returns a Matplotlib figure


def make_figure(width: float, height: float, **kwargs: Any) -> tuple[Any, list[Any]]:
    """Make a Matplotlib figure and its axes, row by row; width and height in inches.

    No display is needed. kwargs: passed to `matplotlib.pyplot.subplots`.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.style.use(LOOK)
    fig, axes = plt.subplots(figsize=(width, height), squeeze=False, **kwargs)
    return fig, list(axes.flat)


def plot_curves(curves: Mapping[str, Curve], label: str, first: int = 0) -> tuple[Any, Any]:
    """Plot curves on a logarithmic y axis; `first` is the style index of the first curve."""
    fig, (axis,) = make_figure(8.5, 4.2)
    for index, (name, (x, y)) in enumerate(curves.items(), start=first):
        axis.plot(x, y, label=name, **choose_curve(index, name == BASE, len(x)))
    axis.set_yscale("log")
    axis.set_ylabel(f"{label}, log scale")
    put_legend_beside(axis)
    return fig, axis


def put_legend_beside(axis: Any, *entries: Any, **kwargs: Any) -> None:
    """Put the legend to the right of the axis. entries: handles and labels; by default all."""
    axis.legend(*entries, loc="center left", bbox_to_anchor=(1, 0.5), **kwargs)


def add_tip(artist: Any, text: str) -> None:
    """Show this text when the pointer is over the artist in the SVG."""
    tips = artist.figure.__dict__.setdefault("mapicx_tips", [])
    artist.set_gid(f"tip{len(tips)}")
    tips.append(text)


def save_figure(fig: Any, path: Path, kinds: Iterable[str]) -> None:
    """Save the figure in each format, without date and version, and free its memory."""
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        if kind == "svg":
            write_atomically(path.with_suffix(".svg"), _make_svg(fig, path.stem))
        else:
            fig.savefig(path.with_suffix(f".{kind}"), dpi=DPI, metadata=UNDATED[kind])
        fig.set_layout_engine("none")  # solved once; the other formats keep it
    plt.close(fig)


def _make_svg(fig: Any, name: str) -> str:
    """Make one SVG element; its ids are prefixed with its name, as a page may hold several."""
    text = io.StringIO()
    fig.savefig(text, format="svg", metadata=UNDATED["svg"])
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    for number, tip in enumerate(getattr(fig, "mapicx_tips", ())):
        group = f'<g id="tip{number}">'
        svg = svg.replace(group, f"{group}<title>{html.escape(tip)}</title>")
    for before in (' id="', 'href="#', "url(#"):
        svg = svg.replace(before, f"{before}{name}-")
    return svg


def add_bar(
    axis: Any, row: int, begin: float, end: float, colour: str, tip: str, label: str | None = None
) -> None:
    """Add a horizontal bar with a tooltip."""
    (bar,) = axis.barh(row, end - begin, 0.66, begin, color=colour, edgecolor="black",
                       linewidth=0.4, label=label)  # fmt: skip
    add_tip(bar, tip)


def write_behind(axis: Any, x: float, row: int, text: str) -> None:
    """Write text to the right of a position."""
    axis.annotate(text, (x, row), (4, 0), textcoords="offset points", va="center", fontsize=8)


def name_rows(axis: Any, names: list[str]) -> None:
    """Label one row per name, the first on top."""
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()


def choose_mark(line: Line) -> tuple[str, str]:
    """Choose a system's colour and marker: mapicx has its own, others go by family."""
    return ("black", "D") if line.system == BASE else FAMILY_MARKS[line.family]


def choose_curve(index: int, base: bool, points: int = 0) -> dict[str, Any]:
    """Choose colour and dash of the index-th curve, and marks if `points` is given.

    Marks tell curves apart in grey, and where they overlap.
    """
    if base:
        return {"color": "black", "linestyle": "-", "linewidth": 2.2, "zorder": 5}
    look: dict[str, Any] = {
        "color": CURVE_COLOURS[index % len(CURVE_COLOURS)],
        "linestyle": LINES[(index + index // 12) % len(LINES)],
        "linewidth": 1.2,
    }
    if points:
        gap, turn = max(1, points // MARKED), index % len(MARKS)
        first = turn * gap // len(MARKS)  # stagger the marks of different curves
        look |= {"marker": MARKS[turn], "markersize": 5, "markevery": (first, gap)}
    return look


def set_log_axis(axis: Any, values: np.ndarray, label: str) -> None:
    """Make the x axis logarithmic, with plain numbers and "log scale" in its label."""
    axis.set_xscale("log")
    axis.set_xlabel(f"{label}, log scale")
    set_plain_ticks(axis.xaxis, values)


def set_plain_ticks(axis: Any, values: np.ndarray) -> None:
    """Set plain tick labels at 1, 2, 5 or 1, 3 of a logarithmic axis (an xaxis or yaxis)."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    known = values[np.isfinite(values) & (values > 0)]
    if known.size:
        low, high = known.min(), known.max()
        if high / low < 300:
            steps = (1, 2, 5) if high / low < 30 else (1, 3)
            ticks = [m * 10.0**e for e in range(-9, 13) for m in steps]
            axis.set_ticks([t for t in ticks if low * 0.7 <= t <= high * 1.4])
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1000 else f"{value:g}")
    )
    axis.set_minor_formatter(NullFormatter())


def thin(*arrays: np.ndarray) -> list[np.ndarray]:
    """Thin each array to at most MAX_POINTS values, keeping the first and last."""
    keep = np.unique(np.linspace(0, len(arrays[0]) - 1, MAX_POINTS).astype(int))
    return [array[keep] for array in arrays]
