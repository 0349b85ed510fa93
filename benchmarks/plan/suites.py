"""Read suites.toml and presets.toml, and turn the user's options into one request."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.errors import UsageError, check_known, unknown_name
from benchmarks.options import parse_duration, split_names
from benchmarks.plan import workloads as catalogue
from benchmarks.plan.workloads import read_table
from benchmarks.record.schema import MEASURES


def _read_suites() -> dict[str, dict[str, Any]]:
    """Read suites.toml, with the systems of other suites and the values of axes written out."""
    table, known = read_table("suites.toml"), read_table("workloads.toml")
    for entry in table.values():
        if isinstance(entry["systems"], str):
            entry["systems"] = table[entry["systems"]]["systems"]
        entry["workloads"] = [
            full_name
            for name in entry["workloads"]
            for full_name in catalogue.expand_name(name, known)
        ]
    return table


PRESETS = read_table("presets.toml")
SUITES = _read_suites()


@dataclasses.dataclass(frozen=True)
class Request:
    """What will be measured, with suite, preset and options merged."""

    suite: str
    preset: str
    workloads: tuple[Workload, ...]
    systems: tuple[str, ...]
    named: tuple[str, ...]  # systems that the user asked for by name
    seeds: int
    memory_blocks: int
    accuracy_seeds: int
    measures: tuple[str, ...]
    threads: tuple[int, ...]
    side_by_side: bool  # whether timed trials share the machine
    budget_s: float | None


def make_request(
    *,
    suite: str = "spiral",
    preset: str = "quick",
    systems: str | None = None,
    workloads: str | None = None,
    seeds: int | None = None,
    measures: str | None = None,
    threads: str = "1",
    budget: str | None = None,
    cores: int = 1,
    own: Workload | None = None,
    added: Mapping[str, dict[str, Any]] | None = None,
) -> Request:
    """Merge suite, preset and options. UsageError names what is unknown, and similar names.

    own: the workload of a user's table, which replaces the suite's workloads.
    added: entries of a user's workload file, which do so too unless `workloads` names others.
    """
    check_known("suite", [suite], SUITES)
    check_known("preset", [preset], PRESETS)
    asked, chosen = SUITES[suite], PRESETS[preset]
    table = {**read_table("workloads.toml"), **(added or {})}
    if own is not None:
        known, names = {own.name: own}, [own.name]
    else:
        known = catalogue.read_workloads(table)
        named = split_names(workloads) or list(added or ())
        names = _choose_workloads(named, table, known) or asked["workloads"]
    if budget is None:
        budget = chosen.get("budget")
    count = chosen["seeds"] if seeds is None else seeds
    return Request(
        suite=suite if own is None else own.name,
        preset=preset,
        workloads=tuple(_cap_epochs(known[name], chosen.get("epochs")) for name in names),
        systems=tuple(_choose_systems(split_names(systems), asked)),
        named=tuple(name for name in split_names(systems) if name != "all"),
        seeds=count,
        memory_blocks=min(count, chosen.get("memory_blocks", count)),
        accuracy_seeds=count if seeds else chosen.get("accuracy_seeds", count),
        measures=_choose_measures(split_names(measures), asked, chosen),
        threads=_choose_threads(split_names(threads), cores),
        side_by_side=chosen.get("side_by_side", False),
        budget_s=None if budget is None else parse_duration(budget),
    )


def _choose_workloads(
    named: list[str], table: dict[str, dict[str, Any]], known: Mapping[str, Workload]
) -> list[str]:
    """Return the workloads that were named; one with an axis stands for all its values."""
    names: dict[str, None] = {}
    for name in named:
        if name not in known and name not in table:
            raise unknown_name("workload", name, [*table, *known])
        names |= dict.fromkeys([name] if name in known else catalogue.expand_name(name, table))
    return list(names)


def _cap_epochs(workload: Workload, epochs: int | None) -> Workload:
    if epochs is None or workload.epochs <= epochs:
        return workload
    return dataclasses.replace(workload, epochs=epochs)


def _choose_measures(
    named: list[str], suite: Mapping[str, Any], preset: Mapping[str, Any]
) -> tuple[str, ...]:
    known = suite.get("measures", MEASURES)
    names = named or [name for name in preset["measures"] if name in known]
    check_known("measure", names, MEASURES)
    return tuple(name for name in MEASURES if name in names)


def _choose_systems(named: list[str], suite: Mapping[str, Any]) -> list[str]:
    names = named or suite["systems"]
    if "all" in names:
        everything = [*suite["systems"], *baselines.OPTIONAL, *baselines.plug_in_names()]
        names = list(dict.fromkeys([*everything, *(name for name in names if name != "all")]))
    check_known("system", names, baselines.names())
    return names


def _choose_threads(named: list[str], cores: int) -> tuple[int, ...]:
    numbers = []
    for part in named:
        if part == "all":
            numbers.append(cores)
        elif part.isascii() and part.isdigit() and 1 <= int(part) <= cores:
            numbers.append(int(part))
        else:
            raise UsageError(
                f"--threads {part!r} cannot be given: write numbers from 1 to {cores}, or all"
            )
    return tuple(dict.fromkeys(numbers))
