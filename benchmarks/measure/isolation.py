"""Each built-in system sees what an installation of its own would hold, and nothing else.

Frameworks import what they find: Keras, for one, loads other frameworks, pandas and matplotlib
where they are installed, and its memory and import time would then be those of this test bench.
So a worker hides the top-level modules of every distribution that its system does not require,
directly or not: to the framework they are not installed. What a plug-in needs beyond `requires`
is not known, so it sees everything.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Collection, Iterator
from importlib.machinery import PathFinder
from typing import Any

# What the worker itself imports in some trials, and what torch.compile builds with.
ALWAYS = ("numpy", "threadpoolctl", "setuptools", "pip", "wheel")


@functools.cache
def hidden(requires: tuple[str, ...]) -> dict[str, list[str]]:
    """Top-level modules, and the distributions that own them, which none of these requires."""
    from benchmarks.measure.closure import closure  # not in the worker, which stays bare

    found, _ = closure((*requires, *ALWAYS))
    owners = {module: owners - set(found) for module, owners in _owners().items()}
    modules = [module for module in owners if owners[module] == _owners()[module]]
    return {
        "modules": sorted(modules),
        "distributions": sorted(set().union(*(owners[module] for module in modules))),
    }


@functools.cache
def _owners() -> dict[str, set[str]]:
    from importlib import metadata

    known = metadata.packages_distributions()
    return {module: {normalised(one) for one in owners} for module, owners in known.items()}


def normalised(name: str) -> str:
    """A distribution's name as the packaging standards compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Finder:
    """The interpreter's finder of files, to which some modules and distributions do not exist."""

    def __init__(self, modules: Collection[str], distributions: Collection[str]) -> None:
        self.modules, self.distributions = frozenset(modules), frozenset(distributions)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if path is None and name in self.modules:
            return None
        return PathFinder.find_spec(name, path, target)

    def find_distributions(self, *context: Any) -> Iterator[Any]:
        for one in PathFinder.find_distributions(*context):
            if normalised(one.name) not in self.distributions:
                yield one

    def __getattr__(self, name: str) -> Any:
        return getattr(PathFinder, name)


def hide(modules: Collection[str], distributions: Collection[str]) -> None:
    """From now on these are not found; what is loaded stays."""
    sys.meta_path[sys.meta_path.index(PathFinder)] = Finder(modules, distributions)
