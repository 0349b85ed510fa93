"""How every figure looks: readable in grey, by colour-blind readers, and without a date inside.

Families differ by shape and by lightness, not by colour alone (Okabe and Ito's palette).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

DPI = 110
KINDS: ContextVar[tuple[str, ...]] = ContextVar("KINDS", default=("png",))
VECTOR = ("svg", "pdf")
UNDATED: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
BASE_STYLE = ("black", "D")
FAMILY_STYLE = {
    "network": ("#0072B2", "o"),
    "classical": ("#E69F00", "s"),
    "bound": ("#7f7f7f", "^"),
}
# Dark, middle, light: three arms stay three greys.
CLASS_COLOURS = ("#1b3a6b", "#e07b39", "#f6e8a0", "#5aa58c", "#b04a86", "#c9c9c9", "#4d4d4d")
LINES = ("-", "--", ":", "-.")
MARKS = ("o", "s", "^", "v", "P", "X", "<", ">", "p", "*", "h")
MARKED = 8  # marks along a curve
CURVE_COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def figure(width: float, height: float, **kwargs: Any) -> tuple[Any, Any]:
    """A Matplotlib figure and its axes; width and height in inches. No display is needed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
                         "svg.hashsalt": "mapicx"})  # fmt: skip
    return plt.subplots(figsize=(width, height), layout="constrained", **kwargs)


def save(fig: Any, path: Path) -> None:
    """Write the picture without date and version in each format asked for; free its memory."""
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    for kind in KINDS.get():
        fig.savefig(path.with_suffix(f".{kind}"), dpi=DPI, metadata=UNDATED[kind])
    plt.close(fig)


@contextlib.contextmanager
def kinds(*names: str) -> Iterator[None]:
    """Within the context figures are also written in these formats."""
    before = KINDS.set(("png", *names))
    try:
        yield
    finally:
        KINDS.reset(before)


def curve_style(index: int, base: bool, points: int = 0) -> dict[str, Any]:
    """Colour and dash of the index-th curve, and marks if it has many points.

    Marks tell curves apart in grey, and where they lie on top of one another.
    """
    if base:
        return {"color": "black", "linestyle": "-", "linewidth": 2.2, "zorder": 5}
    colour = CURVE_COLOURS[1 + index % (len(CURVE_COLOURS) - 1)]
    look: dict[str, Any] = {
        "color": colour,
        "linestyle": LINES[(index + index // 12) % len(LINES)],
        "linewidth": 1.2,
    }
    if points:
        gap, turn = max(1, points // MARKED), index % len(MARKS)
        first = turn * gap // len(MARKS)  # each kind of mark stands at places of its own
        look |= {"marker": MARKS[turn], "markersize": 5, "markevery": (first, gap)}
    return look


def log_axis(axis: Any, values: np.ndarray, label: str) -> None:
    """A logarithmic x axis with plain numbers, said so in its label."""
    axis.set_xscale("log")
    axis.set_xlabel(f"{label}, log scale")
    plain_ticks(axis.xaxis, values)


def plain_ticks(axis: Any, values: np.ndarray) -> None:
    """Plain numbers at 1, 2, 5 or 1, 3 of a logarithmic axis (its xaxis or yaxis)."""
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
