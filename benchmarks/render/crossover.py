"""The size above which a framework's step is faster than mapicx's: sentences and tables."""

from __future__ import annotations

import math
from collections.abc import Iterable

from benchmarks.analyse.crossover import MULTIPLIED, REST, UNITS, WHOLE, Crossing
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.metrics import STEP
from benchmarks.analyse.verdicts import Kind, name_kind
from benchmarks.errors import format_count
from benchmarks.render.document import TEXTS, Cell, Paragraph, Quantity, Section, Table, make_table
from benchmarks.render.numbers import NOTHING, format_verdict, join_words

TITLE = "Sizes from which a framework is faster"
FASTER, SLOWER = Kind.LESS, Kind.MORE


def describe_crossings(found: list[Crossing]) -> list[str]:
    """Say which frameworks are faster where, then give each by itself, then the parts."""
    whole = [crossing for crossing in found if crossing.part == WHOLE]
    many = len({crossing.threads for crossing in whole}) > 1
    sentences = _summarise(whole)
    frameworks: dict[str, list[str]] = {}  # by what is said about them
    for framework, threads in sorted({(c.framework, c.threads) for c in whole}):
        where = f" on {format_count(threads, 'thread')}" if many else ""
        clauses = [
            f"along {crossing.axis.name}, {BASE} is {describe_crossing(crossing)}"
            for crossing in whole
            if (crossing.framework, crossing.threads) == (framework, threads)
        ]
        frameworks.setdefault(f"{where}: {'; '.join(clauses)}.", []).append(framework)
    for said, names in frameworks.items():
        sentences.append(f"Per training step, against {join_words(names)}{said}")
    return sentences + _describe_parts(found)


def _summarise(whole: list[Crossing]) -> list[str]:
    """Name the frameworks and sizes with a faster step; nothing while verdicts are missing."""
    if not all(_judged(crossing) for crossing in whole):
        return []
    ahead: dict[str, list[str]] = {}
    for crossing in whole:
        if lost := _find_lost(crossing):
            place = f"along {crossing.axis.name} at {_join(lost)} {_unit(crossing)}"
            ahead.setdefault(crossing.framework, []).append(place)
    if not ahead:
        return [f"No framework's training step is shorter than {BASE}'s at any size measured."]
    places = "; ".join(f"{name} {' and '.join(where)}" for name, where in sorted(ahead.items()))
    return [f"Of the sizes measured, a framework's step is shorter than {BASE}'s at: {places}."]


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
    few = "" if _judged(crossing) else ", over too few blocks for a verdict"
    return _describe_range(crossing) + few + lost


def _describe_range(crossing: Crossing) -> str:
    at, judged = crossing.at, _judged(crossing)
    kinds = set(judged.values())
    if judged and not {FASTER, SLOWER} & kinds:
        return "not shown to be faster or slower at any size"
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
    """List as "faster at 16 and 32 units, slower at 64, undecided at 128"."""
    clauses: list[str] = []
    for kind in Kind:
        if sizes := [size for size, found in judged.items() if found is kind]:
            where = _join(sizes) if clauses else f"{_join(sizes)} {unit}"
            clauses.append(f"{name_kind(kind, STEP)} at {where}")
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
    return join_words(f"{size:,}" for size in sizes)


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
