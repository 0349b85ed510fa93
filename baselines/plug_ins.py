"""Systems of other installed packages: entry points of the group `mapicx.baselines`.

What a class says of itself is checked before it is measured, because the harness acts on it: a
family that is none would be in no table, and a system that requires nothing is handed no data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from typing import Any

GROUP = "mapicx.baselines"
FAMILIES = ("network", "classical", "bound", "control")
# Systems name the module's usual distribution; the build without GPU has another name.
ALTERNATIVES = {"tensorflow": "tensorflow-cpu"}
PLAIN_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
EXAMPLE = 'requires = ("numpy",)'


def find_entry_points() -> dict[str, metadata.EntryPoint]:
    """Entry points by system name, not loaded. Reads metadata only."""
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def load_class(name: str) -> type:
    """The class of one plug-in. TypeError if it breaks the contract, ImportError if it lacks
    what it requires."""
    found: Any = find_entry_points()[name].load()
    faults = find_class_faults(found) or _find_versions(found.requires)
    if faults:
        raise TypeError(f"{'; '.join(faults)}; see docs/add-a-system.md")
    absent = [required for required in found.requires if not is_installed(required)]
    if absent:
        raise ImportError(f"it requires {', '.join(absent)}, which is not installed")
    return found


def find_class_faults(system: Any) -> list[str]:
    """What the attributes of a class get wrong, each with what to write instead."""
    faults = []
    family = getattr(system, "family", None)
    if family not in FAMILIES:
        faults.append(f"family is {family!r}; write one of {', '.join(FAMILIES)}")
    requires = getattr(system, "requires", None)
    if not isinstance(requires, (tuple, list)) or not all(isinstance(n, str) for n in requires):
        faults.append(f"requires is {requires!r}; write a tuple of distributions: {EXAMPLE}")
    elif not requires and family != "control":
        faults.append(
            "requires is empty, and a system that requires nothing is handed no data; name what"
            f" load() imports, at least {EXAMPLE}"
        )
    return faults


def _find_versions(requires: Sequence[str]) -> list[str]:
    """Requirements that are more than a name: the version of such a one could not be recorded."""
    return [
        f"requires names {name!r}; write the distribution's name alone, versions belong to your"
        " package's own dependencies"
        for name in requires
        if not PLAIN_NAME.fullmatch(name)
    ]


def is_installed(distribution: str) -> bool:
    """Whether a distribution, or what takes its place, is installed here."""
    for name in (distribution, ALTERNATIVES.get(distribution)):
        try:
            if name:
                metadata.distribution(name)
                return True
        except metadata.PackageNotFoundError:
            continue
    return False


def find_provider(name: str) -> tuple[str, ...]:
    """The distribution that adds a system; nothing for a built-in one."""
    point = find_entry_points().get(name)
    return (point.dist.name,) if point is not None and point.dist is not None else ()
