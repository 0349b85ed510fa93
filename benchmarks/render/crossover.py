"""The size above which a framework's step is faster than mapicx's: sentences, tables, figure."""

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

TITLE = "Sizes from which a framework is faster"
FASTER, SLOWER = Kind.LESS, Kind.MORE


def describe_crossings(found: list[Crossing]) -> list[str]:
    """Write a sentence per framework and number of threads, and one about the parts."""
    whole = [crossing for crossing in found if crossing.part == WHOLE]
    many = len({crossing.threads for crossing in whole}) > 1
    sentences = []
    for framework, threads in sorted({(c.framework, c.threads) for c in whole}):
        where = f" on {format_count(threads, 'thread')}" if many else ""
        clauses = [
            f"along {crossing.axis.name}, {BASE} is {describe_crossing(crossing)}"
            for crossing in whole
            if (crossing.framework, crossing.threads) == (framework, threads)
        ]
        sentences.append(f"Per training step, against {framework}{where}: {'; '.join(clauses)}.")
    return sentences + _describe_parts(found)


def _describe_parts(found: list[Crossing]) -> list[str]:
    """Say how often each part of mapicx's step is shorter at every size."""
    clauses = []
    for part in (MULTIPLIED, REST):
        compared = [crossing for crossing in found if crossing.part == part]
        resolved = [crossing for crossing in compared if crossing.ratios]
        if resolved:
            less = sum(all(r.value < 1 for r in crossing.ratios.values()) for crossing in resolved)
            lost = len(compared) - len(resolved)
            unresolved = f" ({lost} more are not resolved against noise)" if lost else ""
            clauses.append(f"{part} in {less} of {len(resolved)} comparisons{unresolved}")
    if not clauses:
        return []
    return [f"The parts of the step apart: {BASE}'s time is the shorter one at every size"
            f" compared for {', for '.join(clauses)}."]  # fmt: skip


def describe_crossing(crossing: Crossing) -> str:
    """Say "faster below N units (95 % interval a to b)", or the range if it always is."""
    lost = (
        f"; not resolved against noise at {_join(crossing.unresolved)}"
        if crossing.unresolved
        else ""
    )
    if crossing.unresolved and not crossing.ratios:
        return "not resolved against noise at any size"
    if not crossing.at.known:
        return f"not compared: no block has every size{lost}"
    if len(crossing.ratios) == 1:
        ((size, verdict),) = crossing.verdicts.items()
        return (
            f"{format_verdict(verdict, STEP)} at {size:,} {_unit(crossing)}, the only size resolved"
        )
    few = "" if _judged(crossing) else ", in the middle of too few blocks for a verdict"
    return _describe_range(crossing) + few + lost


def _describe_range(crossing: Crossing) -> str:
    at, judged = crossing.at, _judged(crossing)
    kinds = set(judged.values())
    if judged and not {FASTER, SLOWER} & kinds:
        return "neither faster nor slower by a difference that was shown at any size"
    bounds = ""
    if at.kind == "interval" and at.low != at.high:
        bounds = f" (95 % interval {_bound(crossing, at.low)} to {_bound(crossing, at.high)})"
    # "Faster below" is said only if no size below the interval is undecided.
    undecided = [size for size, kind in judged.items() if kind not in (FASTER, SLOWER)]
    shown = not judged or (FASTER in kinds and all(size >= at.low for size in undecided))
    if 0 < at.value < math.inf and shown:
        mixed = [size for size in _find_lost(crossing) if size < at.value]
        some = f", except for {_join(mixed)}" if mixed else ""
        beyond = [kind for size, kind in judged.items() if size > at.value]
        never = ", above that not shown to be slower" if beyond and SLOWER not in beyond else ""
        return f"faster below {_number(at.value)} {_unit(crossing)}{some}{bounds}{never}"
    if len(kinds) > 1:
        return _list_kinds(judged, _unit(crossing))
    lost = _find_lost(crossing)
    if math.isinf(at.value) and lost and not judged:
        return f"faster above {max(lost):,} {_unit(crossing)}{bounds}"
    every = f"at every size {'resolved' if crossing.unresolved else 'measured'} ({_span(crossing)})"
    return f"{'slower' if at.value == 0 else 'faster'} {every}{bounds}"


def _list_kinds(judged: dict[int, Kind], unit: str) -> str:
    """List as "faster at 16 and 32 units, slower at 64, undecided or equal at 128"."""
    clauses: list[str] = []
    for words, wanted in (("faster", {FASTER}), ("slower", {SLOWER}),
                          ("undecided or equal", set(Kind) - {FASTER, SLOWER})):  # fmt: skip
        if sizes := [size for size, kind in judged.items() if kind in wanted]:
            clauses.append(f"{words} at {_join(sizes)}" + ("" if clauses else f" {unit}"))
    return ", ".join(clauses)


def _span(crossing: Crossing) -> str:
    """Format as "16 to 4,096 units"."""
    return f"{min(crossing.ratios):,} to {max(crossing.ratios):,} {_unit(crossing)}"


def _unit(crossing: Crossing) -> str:
    return UNITS[crossing.axis.name]


def _judged(crossing: Crossing) -> dict[int, Kind]:
    """Return the verdicts if all have enough blocks, else {}."""
    kinds = {size: verdict.kind for size, verdict in crossing.verdicts.items()}
    return {} if Kind.TOO_FEW in kinds.values() else kinds


def _find_lost(crossing: Crossing) -> list[int]:
    """Find sizes at which mapicx is slower: by verdict, or by its mean if there are none."""
    judged = _judged(crossing)
    if judged:
        return [size for size, kind in judged.items() if kind is SLOWER]
    return [size for size, ratio in crossing.ratios.items() if ratio.value >= 1]


def _join(sizes: Iterable[int]) -> str:
    *most, last = (f"{size:,}" for size in sizes)
    return f"{', '.join(most)} and {last}" if most else last


def _number(size: float) -> str:
    return f"{float(f'{size:.2g}'):,.0f}" if size >= 10 else f"{size:.2g}"


def _bound(crossing: Crossing, size: float) -> str:
    if size == 0:
        return f"below {min(crossing.ratios):,}"
    return f"beyond {max(crossing.ratios):,}" if math.isinf(size) else _number(size)


def make_compact_table(found: list[Crossing]) -> Table:
    """Tabulate the whole step at both ends, one row per axis, threads and framework."""
    rows: list[list[Cell]] = []
    stood: dict[str, set[str]] = {}
    for crossing in (crossing for crossing in found if crossing.part == WHOLE):
        stood.setdefault(crossing.framework, set()).update(crossing.variants.values())
        ends: list[Cell] = [
            (Quantity(crossing.ratios[size], bounds=False), f" at {size:,}")
            for size in (min(crossing.ratios), max(crossing.ratios))
        ]
        rows.append([*_place(crossing), *ends, describe_crossing(crossing)])
    head = ["axis", "threads", "framework", f"smallest: {BASE} / best", f"largest: {BASE} / best"]
    names = "; ".join(f"{name}: {', '.join(sorted(stood[name]))}" for name in sorted(stood))
    note = f"{TEXTS['notes']['crossover']} {names}."
    return make_table([*head, f"{BASE} is"], rows, (note,), words=(2, 5))


def _place(crossing: Crossing) -> list[Cell]:
    name, unit = crossing.axis.name, _unit(crossing)
    axis = name if name == unit else f"{name} ({unit})"
    return [axis, str(crossing.threads), crossing.framework]


def make_parts_table(found: list[Crossing]) -> Table | None:
    """Tabulate the products and everything else apart; None if the parts were not measured."""
    descriptions = {(*_place(c), c.part): describe_crossing(c) for c in found}
    rows: list[list[Cell]] = []
    for place in (_place(crossing) for crossing in found if crossing.part == REST):
        products = descriptions.get((*place, MULTIPLIED), "the same products")
        rows.append([*place, products, descriptions[*place, REST]])
    head = ["axis", "threads", "framework", f"products: {BASE} is", f"everything else: {BASE} is"]
    return make_table(head, rows, words=(2, 3, 4)) if rows else None


def make_sections(found: list[Crossing]) -> tuple[Section, ...]:
    """Show the parts, then for each axis and size each framework's best variant and ratio."""
    sections = []
    parts = make_parts_table(found)
    if parts is not None:
        note = Paragraph(TEXTS["notes"]["parts"])
        sections.append(Section("Products, and everything else", (parts, note)))
    for axis, threads, part in dict.fromkeys((c.axis.name, c.threads, c.part) for c in found):
        these = [c for c in found if (c.axis.name, c.threads, c.part) == (axis, threads, part)]
        sizes = sorted(
            {size for crossing in these for size in (*crossing.ratios, *crossing.unresolved)}
        )
        body: list[list[Cell]] = [[f"{size:,}", *(_show(c, size) for c in these)] for size in sizes]
        head = [UNITS[axis], *(f"{BASE} / {crossing.framework}" for crossing in these)]
        title = f"{axis.capitalize()}, {format_count(threads, 'thread')}: {part}"
        sections.append(Section(title, (make_table(head, body),)))
    return tuple(sections)


def _show(crossing: Crossing, size: int) -> Cell:
    if size not in crossing.ratios:
        return "not resolved" if size in crossing.unresolved else NOTHING
    kind, remark = crossing.verdicts[size].kind, ""
    if kind not in (FASTER, SLOWER):
        remark = f", {format_verdict(crossing.verdicts[size], STEP)}"
    return Quantity(crossing.ratios[size]), f" {crossing.variants[size]}{remark}"


def draw(data: RunData, case: Case) -> Drawing | None:
    """Draw a row of panels per axis and number of threads, a column per part of the step."""
    found = data.crossings
    return Drawing(_tabulate(found), lambda: _plot(found)) if found else None


def _tabulate(found: list[Crossing]) -> pd.DataFrame:
    """Make a line per axis, threads, part, framework and size; each repeats the crossing."""
    lines: list[dict[str, Any]] = []
    for crossing in found:
        place = {"axis": crossing.axis.name, "threads": crossing.threads, "part": crossing.part}
        place |= {"framework": crossing.framework}
        for size, ratio in crossing.ratios.items():
            line = place | {"size": size, "variant": crossing.variants[size]}
            line |= {"mapicx_over_variant": ratio, "verdict": crossing.verdicts[size].kind.value}
            lines.append(line | {"crossing": crossing.at})
        lines += [place | {"size": size, "verdict": "not resolved"} for size in crossing.unresolved]
    return make_frame(lines)


def _plot(found: list[Crossing]) -> Any:
    parts = [
        part
        for part in PARTS
        if any(crossing.part == part and crossing.ratios for crossing in found)
    ]
    places = list(dict.fromkeys((crossing.axis.name, crossing.threads) for crossing in found))
    panels = [(*place, part) for place in places for part in parts]
    # With the whole step alone, put two panels in a row.
    columns = len(parts) if len(parts) > 1 else min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    fig, axes = style.make_figure(
        3.4 * columns + 1.6, 2.7 * rows + 0.3, nrows=rows, ncols=columns, sharey=True
    )
    names = sorted({crossing.framework for crossing in found})
    handles: dict[str, Any] = {}
    for axis, panel in zip(axes, panels, strict=False):
        handles |= _plot_panel(axis, panel, found, names)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    ratios = np.array([ratio.value for crossing in found for ratio in crossing.ratios.values()])
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
    """Draw one panel; return each framework's curve for the legend."""
    name, threads, part = panel
    these = [c for c in found if (c.axis.name, c.threads, c.part) == panel and c.ratios]
    handles = {
        crossing.framework: _plot_curve(axis, crossing, names.index(crossing.framework))
        for crossing in these
    }
    axis.axhline(1, color="black", linewidth=1.2)
    axis.set_yscale("log")
    axis.set_title(f"{name}, {format_count(threads, 'thread')}: {part}", fontsize=9)
    # Only sizes that have a point, so that the axis does not extend past the data.
    sizes = np.array(sorted({size for crossing in these for size in crossing.ratios}), dtype=float)
    if sizes.size:
        style.set_log_axis(axis, sizes, UNITS[name])
        axis.set_xlim(sizes.min() / 1.15, sizes.max() * 1.15)
    else:
        axis.text(0.5, 0.5, "not resolved", transform=axis.transAxes, ha="center", fontsize=8)
    return handles


def _plot_curve(axis: Any, crossing: Crossing, place: int) -> Any:
    sizes, ratios = list(crossing.ratios), list(crossing.ratios.values())
    look = style.choose_curve(place, False)
    marker = style.MARKS[place % len(style.MARKS)]
    (line,) = axis.plot(sizes, [r.value for r in ratios], **look)
    axis.vlines(sizes, [r.low for r in ratios], [r.high for r in ratios], color=look["color"],
                linewidth=1.5)  # fmt: skip
    for size, ratio in crossing.ratios.items():
        (dot,) = axis.plot(size, ratio.value, marker, color=look["color"], markersize=4)
        style.add_tip(dot, f"{crossing.framework} at {size:,}: {format_estimate(ratio)}")
    if crossing.at.known and 0 < crossing.at.value < math.inf:
        left, right = max(crossing.at.low, sizes[0]), min(crossing.at.high, sizes[-1])
        axis.plot([left, right], [1, 1], color=look["color"], linewidth=5, alpha=0.5, zorder=4)
        axis.plot(crossing.at.value, 1, marker, color=look["color"], markeredgecolor="black",
                  markersize=6, zorder=5)  # fmt: skip
    return line
