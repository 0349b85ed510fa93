"""What a system's installation weighs: its distributions with everything that they require.

    python -m benchmarks.measure.footprint SPEC    SPEC: {"requires": {system: [...]}, "pipe": n}

Read from the metadata and the sizes of installed files, in a process of its own that imports no
framework. mapicx is weighed as its wheel installs: the wheel is built from a copy of the sources
by the project's own build backend, which needs no network, and unpacked into a temporary folder.
The checkout is never weighed, because what an editable installation lists says nothing about
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
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from baselines import original
from benchmarks.measure import process
from benchmarks.measure.closure import Found, closure
from benchmarks.measure.code_lines import core_and_package
from benchmarks.measure.endings import death
from benchmarks.measure.executors import ROOT, Local

BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE")


def ask(
    requires: Mapping[str, Sequence[str]], timeout: float
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The footprint of every system that requires something, and a sentence for what failed."""
    wanted = {name: list(asked) for name, asked in requires.items() if asked}
    with tempfile.TemporaryDirectory(prefix="mapicx-footprint-") as scratch:
        end = process.run(
            lambda pipe, _: [
                sys.executable, "-P", "-m", "benchmarks.measure.footprint",
                json.dumps({"requires": wanted, "pipe": pipe}),
            ],
            environment=Local.environment(1, scratch),
            folder=scratch,
            timeout=timeout,
        )  # fmt: skip
    try:
        reply = json.loads(end.message)
        return reply["footprint"], reply["warnings"]
    except (ValueError, KeyError):
        return {}, [f"the installations could not be weighed: {death(end)}"]


class Shelf:
    """Weighs each distribution once.

    apart: distributions that lie unpacked somewhere, by requirement or by name; None: it could
    not be had, and what is installed under that name is something else.
    """

    def __init__(self, apart: Mapping[str, Found]) -> None:
        self.apart = apart
        self._weights: dict[str, tuple[int, int] | None] = {}

    def weight(self, one: metadata.Distribution) -> tuple[int, int] | None:
        """Bytes without and with bytecode caches; None if its files are not listed."""
        key = f"{canonicalize_name(one.name)} {one.version}"
        if key not in self._weights:
            self._weights[key] = weigh(one)
        return self._weights[key]

    def footprint(self, texts: Sequence[str]) -> dict[str, Any]:
        """One system's entry in run.json; no bytes if something it asks for is absent."""
        found, absent = closure(texts, self.apart)
        asked = {canonicalize_name(Requirement(text).name) for text in texts}
        weights = {name: self.weight(one) for name, one in sorted(found.items())}
        known = [weight for weight in weights.values() if weight is not None]
        whole = len(known) == len(weights) and not asked & set(absent)
        return {
            "installed_bytes_without_caches": sum(w[0] for w in known) if whole else None,
            "installed_bytes": sum(w[1] for w in known) if whole else None,
            "installed_distributions": len(weights) if whole else None,
            "distributions": {name: w and w[0] for name, w in weights.items()},
            "absent": absent,
            **self._code_lines(texts),
        }

    def _code_lines(self, texts: Sequence[str]) -> dict[str, int]:
        """How large a package that lies unpacked is, where a system is one."""
        packages = [one.locate_file("mapicx") for text in texts if (one := self.apart.get(text))]
        if not packages:
            return {}
        core, whole = core_and_package(Path(str(packages[0])))
        return {"code_lines_core": core, "code_lines_package": whole}


def weigh(one: metadata.Distribution) -> tuple[int, int] | None:
    """Bytes of a distribution's files as they lie on the disk, without and with caches.

    Installers differ in whether they write caches and list them, so caches are looked up beside
    the modules.
    """
    files = _listed(one)
    if files is None:
        return None
    plain, modules = 0, dict[str, set[str]]()
    root = str(one.locate_file(""))
    for file in files:
        folder, name = os.path.split(os.path.join(root, file))
        if os.path.basename(folder) == "__pycache__":
            continue
        try:
            plain += os.stat(os.path.join(folder, name)).st_size
        except OSError:  # listed and removed since
            continue
        if name.endswith(".py"):
            modules.setdefault(folder, set()).add(name[:-3])
    return plain, plain + sum(_cached(folder, names) for folder, names in modules.items())


def _listed(one: metadata.Distribution) -> list[str] | None:
    """Paths of a distribution's files; read from RECORD itself, which is much faster."""
    record = one.read_text("RECORD")
    if record:
        return [line[0] for line in csv.reader(record.splitlines()) if line]
    return None if one.files is None else [str(file) for file in one.files]


def _cached(folder: str, names: set[str]) -> int:
    try:
        with os.scandir(os.path.join(folder, "__pycache__")) as entries:
            return sum(
                entry.stat().st_size
                for entry in entries
                if entry.name.endswith(".pyc") and entry.name.partition(".")[0] in names
            )
    except OSError:  # never compiled
        return 0


def unpacked(wheel: Path, folder: Path) -> metadata.Distribution:
    """A wheel as it lies on the disk when pip has installed it, caches included."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    compileall.compile_dir(folder, quiet=2)
    (found,) = metadata.distributions(path=[str(folder)])
    return found


def built_wheel(folder: Path) -> Path:
    """The project's wheel, built from a copy: the checkout gets no build folder, and a build
    folder that it may have cannot add to the wheel."""
    from setuptools import build_meta

    source = folder / "source"
    shutil.copytree(
        ROOT / "mapicx", source / "mapicx", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in BUILT_FROM:
        shutil.copy(ROOT / name, source)
    os.chdir(source)
    return folder / build_meta.build_wheel(str(folder))


def _apart(scratch: Path) -> tuple[dict[str, Found], list[str]]:
    """The distributions that are weighed from wheels, and why one could not be."""
    apart: dict[str, Found] = {"mapicx": None, original.REQUIREMENT: None}
    warnings = []
    try:
        apart["mapicx"] = unpacked(built_wheel(scratch), scratch / "mapicx")
    except (Exception, SystemExit) as error:  # a build backend may raise anything
        text = " ".join(f"{type(error).__name__}: {error}".split())
        warnings.append(f"the wheel of mapicx could not be built, so it is not weighed: {text}")
    fetched = original.wheel()
    if fetched is not None:
        apart[original.REQUIREMENT] = unpacked(fetched, scratch / "original")
    return apart, warnings


def _reply(requires: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        apart, warnings = _apart(Path(scratch))
        shelf = Shelf(apart)
        alike = {tuple(texts): shelf.footprint(texts) for texts in {*map(tuple, requires.values())}}
        footprint = {name: alike[tuple(texts)] for name, texts in requires.items()}
        os.chdir(ROOT)  # a folder in use cannot be removed everywhere
    return {"footprint": footprint, "warnings": warnings}


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    answer = _reply(spec["requires"])
    with os.fdopen(spec["pipe"], "w") as pipe:
        json.dump(answer, pipe)
