"""What run.json says of the installation of each system, as numbers that claims can compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BEYOND_NUMPY = "installed_beyond_numpy"
FOOTPRINT = (
    "installed_bytes",
    "installed_bytes_without_caches",
    "installed_distributions",
    "code_lines_core",
    "code_lines_package",
    BEYOND_NUMPY,
)
ITSELF = {"numpy", "mapicx"}


def installed(run: Mapping[str, Any], metric: str) -> dict[str, float]:
    """System -> value, for the systems of which the run knows it."""
    found: dict[str, float] = {}
    for system, entry in (run.get("footprint") or {}).items():
        value = entry.get(metric)
        if metric == BEYOND_NUMPY and entry.get("installed_distributions") is not None:
            value = len(set(entry["distributions"]) - ITSELF)
        if value is not None:
            found[system] = float(value)
    return found
