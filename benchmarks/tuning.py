"""The suite tuning of `python -m benchmarks.run`: what may be asked of it, and what it chose."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from baselines.contract import Workload
from benchmarks.analyse.tuning import Choice, chosen
from benchmarks.measure import tuning
from benchmarks.plan import suites
from benchmarks.plan import workloads as catalogue
from benchmarks.plan.tuning import SEEDS, SPACES, SUITE, TRIALS
from benchmarks.plan.workloads import UsageError
from benchmarks.record.store import read_rows

# Options of the command that have no meaning here.
REFUSED = ("seeds", "preset", "budget", "threads", "measures", "data", "target", "resume")


def main(options: argparse.Namespace, arguments: list[str]) -> int:
    """Run every trial, record it, print what the rows choose."""
    for name in REFUSED:
        if getattr(options, name) is not None:
            raise UsageError(
                f"--{name} has no meaning for suite {SUITE}, whose trials and seeds stand in"
                " tuning.toml; leave it out"
            )
    workloads = _workloads(options.workloads)
    systems = _systems(options.systems)
    print(
        f"{TRIALS} trials for each of {len(systems)} families on {len(workloads)} workloads,"
        f" {len(SEEDS)} draws each",
        flush=True,
    )
    if options.plan:
        return 0
    run = tuning.create(options.results, arguments)
    for workload in workloads:
        tuning.measure(run, workload, systems)
        _show(run, workload.name)
    print(f"{run}: to use these, put them and the run's name where the old ones stand")
    return 0


def _workloads(text: str | None) -> list[Workload]:
    names = suites.split(text) or suites.SUITES[SUITE]["workloads"]
    for name in names:
        if name not in suites.SUITES[SUITE]["workloads"]:
            raise catalogue.unknown(f"workload in suite {SUITE} called", name, names)
    return [catalogue.workloads()[name] for name in names]


def _systems(text: str | None) -> list[str]:
    names = suites.split(text) or list(SPACES)
    for name in names:
        if name not in SPACES:
            raise catalogue.unknown(f"system in suite {SUITE} called", name, SPACES)
    return names


def _show(run: Path, workload: str) -> None:
    for (name, system), choice in chosen(read_rows(run)).items():
        if name == workload:
            print(f"{name:14} {system:20} {_said(choice)}", flush=True)


def _said(choice: Choice) -> str:
    what = "kept   " if choice.kept else "changed"
    said = f"{choice.accuracy_before:.3f}, best {choice.best:.3f}"
    return f"{what} ({said}) {json.dumps(choice.options)}"
