"""What a system's installation weighs and what its process loads: one table for a run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd
from packaging.utils import canonicalize_name

from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.stats import Estimate, median_range
from benchmarks.render.escape import markdown, table
from benchmarks.render.material import FAMILIES, Material
from benchmarks.render.numbers import MIB, NOTHING, quantity

WITHOUT, WITH = "installed_bytes_without_caches", "installed_bytes"
COUNTED = ("modules_imported", "shared_objects")
HEAD = (
    "system", "installed (MiB)", "with bytecode caches (MiB)", "distributions",
    "modules imported", "shared objects", f"installed × {BASE}",
)  # fmt: skip
SAID = (
    "Installed: the files of the system's distributions and of all that they require, as they lie"
    f" on this machine; the interpreter is not counted, and {BASE} counts as its wheel installs."
    " Caches: the bytecode that stood beside the modules when the run was planned. Modules and"
    " shared objects: of the process at the end of a memory trial."
)


def section(material: Material) -> list[str]:
    """The section with its heading; nothing if the run recorded no such figure."""
    entries: dict[str, dict[str, Any]] = material.run.get("footprint") or {}
    rows = material.frame[material.frame["measure"].eq("memory")]
    families = _families(material)
    ended = rows.loc[rows[list(COUNTED)].notna().any(axis=1), "system"]
    weighed = {name for name, entry in entries.items() if entry.get(WITHOUT) is not None}
    shown = [name for name in families if name in weighed | set(ended)]
    if not shown:
        return []
    shown.sort(key=lambda name: _place(name, families[name], entries.get(name, {})))
    base = entries.get(BASE, {}).get(WITHOUT)
    body = [
        _row(name, entries.get(name, {}), rows[rows["system"].eq(name)], base) for name in shown
    ]
    return [
        "## Footprint",
        "",
        *table(list(HEAD), body),
        "",
        SAID,
        *_remarks(entries, rows, shown),
        "",
    ]


def _families(material: Material) -> dict[str, str]:
    """system -> family, without controls: what was planned, and what only rows name."""
    trials = material.run.get("trials") or ()
    pairs = [(str(trial.get("system")), trial.get("family")) for trial in trials]
    pairs += list(zip(material.frame["system"], material.frame["family"], strict=True))
    return {name: str(family) for name, family in pairs if family in FAMILIES}


def _place(name: str, family: str, entry: dict[str, Any]) -> tuple:
    size = entry.get(WITHOUT)
    return name != BASE, FAMILIES.index(family), math.inf if size is None else size, name


def _row(name: str, entry: dict[str, Any], rows: pd.DataFrame, base: int | None) -> list[str]:
    plain, count = entry.get(WITHOUT), entry.get("installed_distributions")
    cells = [markdown(name), _number(plain, MIB), _number(entry.get(WITH), MIB)]
    cells.append(NOTHING if count is None else f"{count:,}")
    cells += [_count(median_range(rows[field].astype(float))) for field in COUNTED]
    ratio = NOTHING if plain is None or not base else _number(plain / base)
    return [*cells, "1" if name == BASE and plain is not None else ratio]


def _number(value: float | None, scale: float = 1.0) -> str:
    if value is None:
        return NOTHING
    return quantity(Estimate(value, value, value, 1, "single"), scale)


def _count(found: Estimate) -> str:
    """Counts are exact, so every digit is shown; bounds where trials differ."""
    if not found.known:
        return NOTHING
    value = f"{math.floor(found.value):,}"
    return value if found.low == found.high else f"{value} [{found.low:,.0f}–{found.high:,.0f}]"


def _remarks(
    entries: dict[str, dict[str, Any]], rows: pd.DataFrame, shown: Iterable[str]
) -> list[str]:
    """What is not in the table's bytes: absent distributions, and those that are loaded for no
    other reason than that they are installed."""
    absent = {name: entry.get("absent") or () for name, entry in entries.items()}
    harness = _loaded(rows[rows["family"].eq("control")])  # it reads data with NumPy
    beyond = {}
    for name in shown:
        required = set(entries.get(name, {}).get("distributions") or ())
        loaded = _loaded(rows[rows["system"].eq(name)])
        beyond[name] = sorted(loaded - required - harness) if required else []
    lines = [f"- {who}: not installed: {what}." for who, what in _alike(absent)]
    lines += [
        f"- {who}: loaded because it is installed here, though not required: {what}. Import time"
        " and memory include that, installed bytes do not."
        for who, what in _alike(beyond)
    ]
    return ["", *lines] if lines else []


def _loaded(rows: pd.DataFrame) -> set[str]:
    """Distributions that the processes of some rows had loaded."""
    return {canonicalize_name(name) for names in rows["distributions"].dropna() for name in names}


def _alike(found: dict[str, Any]) -> list[tuple[str, str]]:
    """(systems, distributions) as text, one pair for all systems with the same distributions."""
    systems: dict[tuple[str, ...], list[str]] = {}
    for name, what in found.items():
        if what:
            systems.setdefault(tuple(what), []).append(name)
    return [
        (markdown(", ".join(sorted(names))), markdown(", ".join(what)))
        for what, names in sorted(systems.items())
    ]
