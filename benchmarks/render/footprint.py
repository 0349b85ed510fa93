"""The section on the size of each system's installation and what its process loads."""

from __future__ import annotations

import math

from benchmarks.analyse.footprint import find_footprints
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.run_data import RunData
from benchmarks.analyse.stats import Estimate
from benchmarks.render.document import (
    TEXTS,
    Cell,
    Items,
    Paragraph,
    Quantity,
    Section,
    make_table,
)
from benchmarks.render.numbers import MIB, NOTHING, join_words

HEAD = (
    "system", "installed (MiB)", "with bytecode caches (MiB)", "distributions",
    "modules imported", "shared objects", f"installed × {BASE}",
)  # fmt: skip
REMARKS = {  # sentence -> the field of a footprint that it is about
    "not installed: {}.": "absent",
    "loaded because it is installed here, though not required: {}. Import time and memory include"
    " that, installed bytes do not.": "unasked",
}


def make_section(data: RunData) -> Section | None:
    """Make the section; None if the run recorded no footprint."""
    found = find_footprints(data.run, data.frame)
    if not found:
        return None
    base = next((footprint.installed for footprint in found if footprint.system == BASE), None)
    rows: list[list[Cell]] = []
    for footprint in found:
        ratio = footprint.installed / base if footprint.installed is not None and base else None
        sizes = (_show(footprint.installed, MIB), _show(footprint.with_caches, MIB))
        counts = (footprint.distributions, footprint.modules, footprint.shared_objects)
        row = [footprint.system, *sizes, *map(_show_count, counts)]
        rows.append([*row, "1" if ratio == 1 else _show(ratio)])
    note = Paragraph(TEXTS["notes"]["footprint"])
    remarks = [
        f"{who}: {remark.format(what)}"
        for remark, field in REMARKS.items()
        for who, what in _group({x.system: getattr(x, field) for x in found})
    ]
    items = [Items(tuple(remarks))] if remarks else []
    return Section("Footprint", (make_table(HEAD, rows), note, *items))


def _show(value: float | None, scale: float = 1.0) -> Cell:
    return NOTHING if value is None else Quantity(Estimate.exact(value), scale)


def _show_count(found: Estimate | int | None) -> str:
    """Format a count with all digits, since it is exact; with bounds where trials differ."""
    if isinstance(found, int):
        return f"{found:,}"
    if found is None or not found.known:
        return NOTHING
    value = f"{math.floor(found.value):,}"
    return value if found.low == found.high else f"{value} [{found.low:,.0f}–{found.high:,.0f}]"


def _group(found: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return (systems, distributions) as text, grouping systems with equal distributions."""
    systems: dict[tuple[str, ...], list[str]] = {}
    for name, what in found.items():
        if what:
            systems.setdefault(what, []).append(name)
    return [(join_words(sorted(names)), ", ".join(w)) for w, names in sorted(systems.items())]
