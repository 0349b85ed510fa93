"""Measure how large a system's installation is: its distributions and everything they require.

    python -m benchmarks.measure.footprint SPEC    SPEC: {"requires": {system: [...]}, "pipe": n}

Sizes come from metadata and installed files, read in a separate process that imports no framework.
mapicx is measured as its wheel installs: the project's own build backend builds the wheel from a
copy of the sources, without network access, and it is unpacked into a temporary folder. The
checkout is never measured, because the file list of an editable installation says nothing about
size. A wheel that the user fetched (the article's program) is unpacked in the same way.
"""

from __future__ import annotations

import compileall
import csv
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from baselines import original
from benchmarks.errors import describe_error
from benchmarks.measure import process
from benchmarks.measure.code_lines import count_code_lines
from benchmarks.measure.dependencies import Unpacked, find_dependencies
from benchmarks.measure.exit_status import describe_exit
from benchmarks.paths import ROOT

BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE")


class Size(NamedTuple):
    """Bytes on disk, without and with bytecode caches."""

    plain: int
    cached: int


def measure_footprint(
    requires: Mapping[str, Sequence[str]], timeout: float
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Measure the installation of every system that requires something.

    Returns
    -------
    footprint : dict
        One entry for each system, as run.json keeps it.
    warnings : list of str
        A sentence for each failure.
    """
    wanted = {name: list(requirements) for name, requirements in requires.items() if requirements}
    end = process.run_module("benchmarks.measure.footprint", {"requires": wanted}, timeout=timeout)
    try:
        reply = json.loads(end.message)
        return reply["footprint"], reply["warnings"]
    except (ValueError, KeyError):
        return {}, [f"the installations could not be measured: {describe_exit(end)}"]


class Installations:
    """Describes installations, measuring each distribution once.

    Parameters
    ----------
    unpacked : mapping
        Distributions unpacked in some folder; see `dependencies.Unpacked`.
    """

    def __init__(self, unpacked: Unpacked) -> None:
        self.unpacked = unpacked
        self._sizes: dict[str, Size | None] = {}

    def describe(self, requirements: Sequence[str]) -> dict[str, Any]:
        """Return one system's entry in run.json; sizes are None if a requirement is absent."""
        distributions, absent = find_dependencies(requirements, self.unpacked)
        asked = {_name(text) for text in requirements}
        sizes = {name: self._measure(distributions[name]) for name in sorted(distributions)}
        known = [size for size in sizes.values() if size is not None]
        complete = len(known) == len(sizes) and not asked & set(absent)
        return {
            "installed_bytes_without_caches": sum(s.plain for s in known) if complete else None,
            "installed_bytes": sum(s.cached for s in known) if complete else None,
            "installed_distributions": len(sizes) if complete else None,
            "distributions": {name: size and size.plain for name, size in sizes.items()},
            "absent": absent,
            **self._count_lines(requirements),
        }

    def _measure(self, distribution: metadata.Distribution) -> Size | None:
        key = f"{canonicalize_name(distribution.name)} {distribution.version}"
        if key not in self._sizes:
            self._sizes[key] = installed_size(distribution)
        return self._sizes[key]

    def _count_lines(self, requirements: Sequence[str]) -> dict[str, int]:
        """Count the code lines of a system that is measured from an unpacked package."""
        for text in requirements:
            distribution = self.unpacked.get(text)
            if distribution is not None:
                lines = count_code_lines(Path(str(distribution.locate_file("mapicx"))))
                return {"code_lines_core": lines.core, "code_lines_package": lines.package}
        return {}


def _name(text: str) -> str:
    """Return the normalised name in a requirement; if invalid, what is listed as absent."""
    try:
        return canonicalize_name(Requirement(text).name)
    except InvalidRequirement as error:
        return str(error).splitlines()[0]


def installed_size(distribution: metadata.Distribution) -> Size | None:
    """Measure a distribution's files on disk; None if they are not listed.

    Installers differ in whether they write caches and list them, so caches are looked up beside
    the modules.
    """
    files = _list_files(distribution)
    if files is None:
        return None
    plain, modules = 0, dict[str, set[str]]()
    root = str(distribution.locate_file(""))
    for file in files:
        folder, name = os.path.split(os.path.join(root, file))
        if os.path.basename(folder) == "__pycache__":
            continue
        try:
            plain += os.stat(os.path.join(folder, name)).st_size
        except OSError:  # listed, but removed since
            continue
        if name.endswith(".py"):
            modules.setdefault(folder, set()).add(name[:-3])
    caches = sum(_size_of_caches(folder, names) for folder, names in modules.items())
    return Size(plain, plain + caches)


def _list_files(distribution: metadata.Distribution) -> list[str] | None:
    """Return paths of a distribution's files, read from RECORD itself, which is much faster."""
    record = distribution.read_text("RECORD")
    if record:
        return [line[0] for line in csv.reader(record.splitlines()) if line]
    return None if distribution.files is None else [str(file) for file in distribution.files]


def _size_of_caches(folder: str, names: set[str]) -> int:
    try:
        with os.scandir(os.path.join(folder, "__pycache__")) as entries:
            return sum(
                entry.stat().st_size
                for entry in entries
                if entry.name.endswith(".pyc") and entry.name.partition(".")[0] in names
            )
    except OSError:  # never compiled
        return 0


def unpack_wheel(wheel: Path, folder: Path) -> metadata.Distribution:
    """Unpack a wheel as pip would install it, caches included."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    compileall.compile_dir(folder, quiet=2)
    (distribution,) = metadata.distributions(path=[str(folder)])
    return distribution


def build_wheel(folder: Path) -> Path:
    """Build the project's wheel from a copy, so that the checkout gets no build folder, and an
    existing one cannot add to the wheel."""
    from setuptools import build_meta

    source = folder / "source"
    shutil.copytree(
        ROOT / "mapicx", source / "mapicx", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, source)
    os.chdir(source)
    return folder / build_meta.build_wheel(str(folder))


def _unpack_wheels(scratch: Path) -> tuple[Unpacked, list[str]]:
    """Return the distributions measured from wheels, and warnings for any that could not be."""
    unpacked: dict[str, metadata.Distribution | None] = {
        "mapicx": None,
        original.REQUIREMENT: None,
    }
    warnings = []
    try:
        unpacked["mapicx"] = unpack_wheel(build_wheel(scratch), scratch / "mapicx")
    except (Exception, SystemExit) as error:  # a build backend may raise anything
        reason = describe_error(error)
        warnings.append(f"the wheel of mapicx could not be built, so it is not measured: {reason}")
    fetched = original.wheel()
    if fetched is not None:
        unpacked[original.REQUIREMENT] = unpack_wheel(fetched, scratch / "original")
    return unpacked, warnings


def _answer(requires: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        unpacked, warnings = _unpack_wheels(Path(scratch))
        installations = Installations(unpacked)
        footprint = {name: installations.describe(asked) for name, asked in requires.items()}
        os.chdir(ROOT)  # some systems cannot remove a folder in use
    return {"footprint": footprint, "warnings": warnings}


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    answer = _answer(spec["requires"])
    with os.fdopen(spec["pipe"], "w") as pipe:
        json.dump(answer, pipe)
