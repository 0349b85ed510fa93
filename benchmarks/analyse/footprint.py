"""The size of a system's installation, what its process loads, and why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from packaging.utils import canonicalize_name

from benchmarks.analyse.frameworks import BASE, FAMILIES
from benchmarks.analyse.stats import Estimate, median_range

WITHOUT_CACHES, WITH_CACHES = "installed_bytes_without_caches", "installed_bytes"
BEYOND_NUMPY = "installed_beyond_numpy"
FOOTPRINT = (
    WITH_CACHES,
    WITHOUT_CACHES,
    "installed_distributions",
    "code_lines_core",
    "code_lines_package",
    BEYOND_NUMPY,
)
ITSELF = {"numpy", "mapicx"}


@dataclasses.dataclass(frozen=True)
class Footprint:
    """One system: bytes and distributions on disk, modules and shared objects in its process."""

    system: str
    family: str
    installed: float | None
    with_caches: float | None
    distributions: int | None
    modules: Estimate
    shared_objects: Estimate
    absent: tuple[str, ...]  # required but not installed
    unasked: tuple[str, ...]  # loaded only because it happens to be installed here


def read_installed(run: Mapping[str, Any], metric: str) -> dict[str, float]:
    """Map systems to their value of one of FOOTPRINT, where run.json has it."""
    found: dict[str, float] = {}
    for system, entry in (run.get("footprint") or {}).items():
        value = entry.get(metric)
        if metric == BEYOND_NUMPY and entry.get("installed_distributions") is not None:
            value = len(set(entry["distributions"]) - ITSELF)
        if value is not None:
            found[system] = float(value)
    return found


def find_footprints(run: Mapping[str, Any], frame: pd.DataFrame) -> list[Footprint]:
    """Return the known footprints, mapicx first, then by family and size."""
    entries: dict[str, dict[str, Any]] = run.get("footprint") or {}
    rows = frame[frame["measure"].eq("memory")]
    pairs = [(str(trial.get("system")), trial.get("family")) for trial in run.get("trials") or ()]
    pairs += list(zip(frame["system"], frame["family"], strict=True))
    families = {name: str(family) for name, family in pairs if family in FAMILIES}
    harness = _find_loaded(rows[rows["family"].eq("control")])  # it reads data with NumPy
    found = []
    for name, family in families.items():
        entry, own = entries.get(name, {}), rows[rows["system"].eq(name)]
        modules, shared = (
            median_range(own[field].astype(float))
            for field in ("modules_imported", "shared_objects")
        )
        if entry.get(WITHOUT_CACHES) is None and not (modules.known or shared.known):
            continue
        required = set(entry.get("distributions") or ())
        unasked = sorted(_find_loaded(own) - required - harness) if required else ()
        sizes = (entry.get(WITHOUT_CACHES), entry.get(WITH_CACHES))
        count = entry.get("installed_distributions")
        absent = tuple(entry.get("absent") or ())
        found.append(
            Footprint(name, family, *sizes, count, modules, shared, absent, tuple(unasked))
        )
    return sorted(found, key=_rank)


def _rank(footprint: Footprint) -> tuple:
    size = math.inf if footprint.installed is None else footprint.installed
    return footprint.system != BASE, FAMILIES.index(footprint.family), size, footprint.system


def _find_loaded(rows: pd.DataFrame) -> set[str]:
    """Return the distributions that the processes of these rows had loaded."""
    return {canonicalize_name(name) for names in rows["distributions"].dropna() for name in names}
