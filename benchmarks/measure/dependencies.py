"""Find what a system needs of what is installed: its distributions and everything they require.

Each built-in system sees only what an installation of its own would hold. Frameworks import
whatever they find: Keras, for example, loads other frameworks, pandas and matplotlib if they are
installed, and its memory and import time would then be those of this test bench. A worker
therefore hides the top-level modules of every distribution that its system does not require,
directly or not: to the framework they are not installed. What a plug-in needs beyond `requires` is
unknown, so it sees everything.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from baselines.plug_ins import ALTERNATIVES

# What the worker itself imports in some trials, and what torch.compile builds with.
ALWAYS_VISIBLE = ("numpy", "threadpoolctl", "setuptools", "pip", "wheel")
# Distributions unpacked in some folder, by requirement or name; None: it could not be obtained, and
# whatever is installed under that name is something else.
Unpacked = Mapping[str, metadata.Distribution | None]
NOTHING_UNPACKED: Unpacked = {}


def find_distribution(
    requirement: Requirement, unpacked: Unpacked = NOTHING_UNPACKED
) -> metadata.Distribution | None:
    """Return the distribution that meets a requirement; None if there is none."""
    for key in (str(requirement), canonicalize_name(requirement.name)):
        if key in unpacked:
            return unpacked[key]
    for name in (requirement.name, ALTERNATIVES.get(requirement.name)):
        try:
            return metadata.distribution(name) if name else None
        except metadata.PackageNotFoundError:
            continue
    return None


def find_dependencies(
    requirements: Sequence[str], unpacked: Unpacked = NOTHING_UNPACKED
) -> tuple[dict[str, metadata.Distribution], list[str]]:
    """Follow requirements recursively.

    Returns
    -------
    distributions : dict
        Those required, directly or not, by normalised name.
    absent : list of str
        What is required and not installed.
    """
    waiting = list(requirements)
    distributions: dict[str, metadata.Distribution] = {}
    absent: set[str] = set()
    seen: set[str] = set()
    while waiting:
        try:
            requirement = Requirement(waiting.pop())
        except InvalidRequirement as error:
            absent.add(str(error).splitlines()[0])
            continue
        key = str(requirement)
        if key in seen:
            continue
        seen.add(key)
        distribution = find_distribution(requirement, unpacked)
        if distribution is None:
            absent.add(canonicalize_name(requirement.name))
            continue
        distributions[canonicalize_name(distribution.name)] = distribution
        waiting += [
            text for text in distribution.requires or () if _applies(text, requirement.extras)
        ]
    return distributions, sorted(absent)


def _applies(text: str, extras: set[str]) -> bool:
    """Return whether a distribution's requirement applies here, installed with these extras."""
    try:
        marker = Requirement(text).marker
    except InvalidRequirement:
        return True  # so that it is listed as absent
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


@functools.cache
def hidden_modules(requirements: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the top-level modules, and their distributions, that none of these requires."""
    visible, _ = find_dependencies((*requirements, *ALWAYS_VISIBLE))
    hidden = {
        module: owners
        for module, owners in list_owners().items()
        if not owners & visible.keys() and module not in _vendored_modules()
    }
    return {
        "modules": sorted(hidden),
        "distributions": sorted(set().union(*hidden.values())),
    }


@functools.cache
def _vendored_modules() -> set[str]:
    """Return modules that setuptools vendors: hidden, they would be missing from it too."""
    try:
        files = metadata.distribution("setuptools").files or ()
    except metadata.PackageNotFoundError:
        return set()
    parts = [file.parts for file in files]
    return {part[2] for part in parts if part[:2] == ("setuptools", "_vendor") and len(part) > 3}


@functools.cache
def list_owners() -> dict[str, set[str]]:
    """Map each top-level module to the normalised names of its distributions."""
    return {
        module: {canonicalize_name(name) for name in names}
        for module, names in metadata.packages_distributions().items()
    }
