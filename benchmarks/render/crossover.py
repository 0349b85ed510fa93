"""From which size on a framework's step is faster than mapicx's: sentences, tables, picture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.analyse.crossover import MULTIPLIED, PARTS, REST, UNITS, WHOLE, Crossing
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.metrics import STEP
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.summary import Case
from benchmarks.analyse.verdicts import Kind
from benchmarks.errors import format_count
from benchmarks.render import style
from benchmarks.render.csv import make_frame
from benchmarks.render.document import TEXTS, Cell, Paragraph, Quantity, Section, Table, make_table
from benchmarks.render.numbers import NOTHING, format_estimate, format_verdict
from benchmarks.render.style import Drawing

TITLE = "From which size on a framework is faster"
FASTER, SLOWER = Kind.LESS, Kind.MORE


def describe_crossings(found: list[Crossing]) -> list[str]:
    """One sentence per axis, framework and number of threads, and one about the parts."""
    many = len({one.threads for one in found}) > 1
    said = []
    for one in found:
        if one.part == WHOLE:
            where = f" on {format_count(one.threads, 'thread')}" if many else ""
            said.append(f"Against {one.framework} along {one.axis.name}{where} {BASE} is"
                        f" {describe_crossing(one)}.")  # fmt: skip
    return said + _describe_parts(found)


def _describe_parts(found: list[Crossing]) -> list[str]:
    """How often each part of mapicx's step is the shorter one throughout."""
    clauses = []
    for part in (MULTIPLIED, REST):
        compared = [one for one in found if one.part == part]
        resolved = [one for one in compared if one.ratios]
        if resolved:
            less = sum(all(r.value < 1 for r in one.ratios.values()) for one in resolved)
            lost = len(compared) - len(resolved)
            unresolved = f" ({lost} more are not resolved against noise)" if lost else ""
            clauses.append(f"{part} in {less} of {len(resolved)} comparisons{unresolved}")
    if not clauses:
        return []
    return [f"The parts of the step apart: {BASE}'s time is the shorter one at every size"
            f" compared for {', for '.join(clauses)}."]  # fmt: skip


def describe_crossing(one: Crossing) -> str:
    """ "faster below N units (95 % interval a to b)", or where it is so throughout."""
    lost = f"; not resolved against noise at {_join(one.unresolved)}" if one.unresolved else ""
    if one.unresolved and not one.ratios:
        return "not resolved against noise at any size"
    if not one.at.known:
        return f"not compared: no block has every size{lost}"
    if len(one.ratios) == 1:
        ((size, verdict),) = one.verdicts.items()
        return f"{format_verdict(verdict, STEP)} at {size:,} {_unit(one)}, the only size resolved"
    few = "" if _judged(one) else ", in the middle of too few blocks for a verdict"
    return _describe_range(one) + few + lost


def _describe_range(one: Crossing) -> str:
    at, judged = one.at, _judged(one)
    if judged and not {FASTER, SLOWER} & set(judged.values()):
        return "neither faster nor slower by a difference that was shown at any size"
    bounds = ""
    if at.kind == "interval" and at.low != at.high:
        bounds = f" (95 % interval {_bound(one, at.low)} to {_bound(one, at.high)})"
    every = f"at every size {'resolved' if one.unresolved else 'measured'} ({_span(one)})"
    if math.isinf(at.value):
        above = _find_lost(one)
        first = f"above {max(above):,} {_unit(one)}" if above else every
        return f"faster {first}{bounds}{_name_unsure(judged, FASTER)}"
    if at.value == 0:
        return f"slower {every}{bounds}{_name_unsure(judged, SLOWER)}"
    mixed = [size for size in _find_lost(one) if size < at.value]
    some = f", but for {_join(mixed)}" if mixed else ""
    beyond = [kind for size, kind in judged.items() if size > at.value]
    never = ", above that not shown to be slower" if beyond and SLOWER not in beyond else ""
    return f"faster below {_number(at.value)} {_unit(one)}{some}{bounds}{never}"


def _span(one: Crossing) -> str:
    """ "16 to 4,096 units"."""
    return f"{min(one.ratios):,} to {max(one.ratios):,} {_unit(one)}"


def _unit(one: Crossing) -> str:
    return UNITS[one.axis.name]


def _judged(one: Crossing) -> dict[int, Kind]:
    """The verdicts, if there are blocks enough for all."""
    kinds = {size: verdict.kind for size, verdict in one.verdicts.items()}
    return {} if Kind.TOO_FEW in kinds.values() else kinds


def _find_lost(one: Crossing) -> list[int]:
    """The sizes at which mapicx is the slower one: by verdict, by its mean without verdicts."""
    judged = _judged(one)
    if judged:
        return [size for size, kind in judged.items() if kind is SLOWER]
    return [size for size, ratio in one.ratios.items() if ratio.value >= 1]


def _name_unsure(judged: dict[int, Kind], usual: Kind) -> str:
    others = [size for size, kind in judged.items() if kind is not usual]
    return f", but undecided or equal at {_join(others)}" if others else ""


def _join(sizes: Iterable[int]) -> str:
    return ", ".join(f"{size:,}" for size in sizes)


def _number(size: float) -> str:
    return f"{float(f'{size:.2g}'):,.0f}" if size >= 10 else f"{size:.2g}"


def _bound(one: Crossing, size: float) -> str:
    if size == 0:
        return f"below {min(one.ratios):,}"
    return f"beyond {max(one.ratios):,}" if math.isinf(size) else _number(size)


def make_compact_table(found: list[Crossing]) -> Table:
    """One row per axis, threads and framework: the whole step at both ends."""
    rows: list[list[Cell]] = []
    stood: dict[str, set[str]] = {}
    for one in (one for one in found if one.part == WHOLE):
        stood.setdefault(one.framework, set()).update(one.variants.values())
        ends: list[Cell] = [
            (Quantity(one.ratios[size], bounds=False), f" at {size:,}")
            for size in (min(one.ratios), max(one.ratios))
        ]
        rows.append([*_place(one), *ends, describe_crossing(one)])
    head = ["axis", "threads", "framework", f"smallest: {BASE} / best", f"largest: {BASE} / best"]
    names = "; ".join(f"{name}: {', '.join(sorted(stood[name]))}" for name in sorted(stood))
    note = f"{TEXTS['notes']['crossover']} {names}."
    return make_table([*head, f"{BASE} is"], rows, (note,), words=(2, 5), name="crossover")


def _place(one: Crossing) -> list[Cell]:
    return [f"{one.axis.name} ({_unit(one)})", str(one.threads), one.framework]


def make_sections(found: list[Crossing]) -> tuple[Section, ...]:
    """The parts, then per axis every size, every framework's best variant and ratio."""
    sections = []
    told = {(*_place(one), one.part): describe_crossing(one) for one in found}
    rows: list[list[Cell]] = [
        [*place, told.get((*place, MULTIPLIED), "the same products"), told[*place, REST]]
        for place in (_place(one) for one in found if one.part == REST)
    ]
    if rows:
        head = ["axis", "threads", "framework", f"products: {BASE} is",
                f"everything else: {BASE} is"]  # fmt: skip
        apart = make_table(head, rows, words=(2, 3, 4), name="crossover-parts")
        note = Paragraph(TEXTS["notes"]["parts"])
        sections.append(Section("Products, and everything else", (apart, note)))
    for axis, threads, part in dict.fromkeys((c.axis.name, c.threads, c.part) for c in found):
        these = [c for c in found if (c.axis.name, c.threads, c.part) == (axis, threads, part)]
        sizes = sorted({size for one in these for size in (*one.ratios, *one.unresolved)})
        body: list[list[Cell]] = [[f"{size:,}", *(_show(c, size) for c in these)] for size in sizes]
        head = [UNITS[axis], *(f"{BASE} / {one.framework}" for one in these)]
        title = f"{axis.capitalize()}, {format_count(threads, 'thread')}: {part}"
        sections.append(Section(title, (make_table(head, body),)))
    return tuple(sections)


def _show(one: Crossing, size: int) -> Cell:
    if size not in one.ratios:
        return "not resolved" if size in one.unresolved else NOTHING
    kind, said = one.verdicts[size].kind, ""
    if kind not in (FASTER, SLOWER):
        said = f", {format_verdict(one.verdicts[size], STEP)}"
    return Quantity(one.ratios[size]), f" {one.variants[size]}{said}"


def draw(data: RunData, case: Case) -> Drawing | None:
    """One row of panels per axis and number of threads, one column per part of the step."""
    found = data.crossings
    return Drawing(_tabulate(found), lambda: _plot(found)) if found else None


def _tabulate(found: list[Crossing]) -> pd.DataFrame:
    """One line per axis, threads, part, framework and size; the crossing repeats on each."""
    lines: list[dict[str, Any]] = []
    for one in found:
        place = {"axis": one.axis.name, "threads": one.threads, "part": one.part}
        place |= {"framework": one.framework}
        for size, ratio in one.ratios.items():
            line = place | {"size": size, "variant": one.variants[size]}
            line |= {"mapicx_over_variant": ratio, "verdict": one.verdicts[size].kind.value}
            lines.append(line | {"crossing": one.at})
        lines += [place | {"size": size, "verdict": "not resolved"} for size in one.unresolved]
    return make_frame(lines)


def _plot(found: list[Crossing]) -> Any:
    parts = [part for part in PARTS if any(one.part == part and one.ratios for one in found)]
    places = list(dict.fromkeys((one.axis.name, one.threads) for one in found))
    panels = [(*place, part) for place in places for part in parts]
    # The whole step alone: panels side by side, two in a row.
    columns = len(parts) if len(parts) > 1 else min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    fig, axes = style.make_figure(
        3.4 * columns + 1.6, 2.7 * rows + 0.3, nrows=rows, ncols=columns, sharey=True
    )
    names = sorted({one.framework for one in found})
    handles: dict[str, Any] = {}
    for axis, panel in zip(axes, panels, strict=False):
        handles |= _plot_panel(axis, panel, found, names)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    ratios = np.array([ratio.value for one in found for ratio in one.ratios.values()])
    for axis in axes[::columns]:
        axis.set_ylabel(f"{BASE} / framework's best, log scale", fontsize=8)
        style.set_plain_ticks(axis.yaxis, ratios)
    shown = [name for name in names if name in handles]
    fig.legend([handles[name] for name in shown], shown, loc="outside lower center", fontsize=9,
               ncols=len(shown))  # fmt: skip
    return fig


def _plot_panel(
    axis: Any, panel: tuple[str, int, str], found: list[Crossing], names: list[str]
) -> dict[str, Any]:
    """Draw one panel; returns the curve of each framework for the legend."""
    name, threads, part = panel
    these = [c for c in found if (c.axis.name, c.threads, c.part) == panel and c.ratios]
    handles = {one.framework: _plot_curve(axis, one, names.index(one.framework)) for one in these}
    axis.axhline(1, color="black", linewidth=1.2)
    axis.set_yscale("log")
    axis.set_title(f"{name}, {format_count(threads, 'thread')}: {part}", fontsize=9)
    # Only the sizes that have a point: an axis does not run on into nothing.
    sizes = np.array(sorted({size for one in these for size in one.ratios}), dtype=float)
    if sizes.size:
        style.set_log_axis(axis, sizes, UNITS[name])
        axis.set_xlim(sizes.min() / 1.15, sizes.max() * 1.15)
    else:
        axis.text(0.5, 0.5, "not resolved", transform=axis.transAxes, ha="center", fontsize=8)
    return handles


def _plot_curve(axis: Any, one: Crossing, place: int) -> Any:
    sizes, ratios = list(one.ratios), list(one.ratios.values())
    look = style.choose_curve(place, False)
    marker = style.MARKS[place % len(style.MARKS)]
    (line,) = axis.plot(sizes, [r.value for r in ratios], **look)
    axis.vlines(sizes, [r.low for r in ratios], [r.high for r in ratios], color=look["color"],
                linewidth=1.5)  # fmt: skip
    for size, ratio in one.ratios.items():
        (dot,) = axis.plot(size, ratio.value, marker, color=look["color"], markersize=4)
        style.add_tip(dot, f"{one.framework} at {size:,}: {format_estimate(ratio)}")
    if one.at.known and 0 < one.at.value < math.inf:
        left, right = max(one.at.low, sizes[0]), min(one.at.high, sizes[-1])
        axis.plot([left, right], [1, 1], color=look["color"], linewidth=5, alpha=0.5, zorder=4)
        axis.plot(one.at.value, 1, marker, color=look["color"], markeredgecolor="black",
                  markersize=6, zorder=5)  # fmt: skip
    return line
