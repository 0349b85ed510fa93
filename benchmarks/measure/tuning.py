"""`python -m benchmarks.run --suite tuning`: random trials that choose recipes and options.

Nothing is timed here, so all trials share one process; with a process each, as trials of the other
suites have, the same search would take hours. What is recorded is a folder of its own kind:

results/<run>/tuning.json    command, environment, versions, seeds, spaces
results/<run>/trials.jsonl   one row per trial: workload, system, trial, options, accuracy per draw

It has no run.json, so no report, README table or history ever reads it. workloads.toml and
baselines/classical.py name the run from which their values come, and a test compares them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import secrets
import types
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.analyse.tuning import Choice, chosen
from benchmarks.measure import machine
from benchmarks.measure.data import he_normal, parts
from benchmarks.plan import suites
from benchmarks.plan import workloads as catalogue
from benchmarks.plan.tuning import NETWORK, SEEDS, SPACES, SUITE, TRIALS, options_of
from benchmarks.plan.workloads import UsageError
from benchmarks.record.store import ROWS, read_rows, write_whole

FACTS = "tuning.json"
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
    run = _create(options.results, arguments)
    for workload in workloads:
        draws = [_draw(workload, seed) for seed in SEEDS]
        for system in systems:
            for trial, choice in enumerate(options_of(system, workload)):
                accuracy = _accuracies(system, choice, workload, draws)
                row = {"workload": workload.name, "system": system, "trial": trial}
                row |= {"options": choice, "accuracy": accuracy}
                with (run / ROWS).open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
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


def _create(results: Path, arguments: list[str]) -> Path:
    now = datetime.now(UTC)
    run = results / f"{now:%Y%m%dT%H%M%S}-{SUITE}-{secrets.token_hex(2)}"
    facts = {
        "format": 1,
        "run_id": run.name,
        "created_at": now.isoformat(timespec="seconds"),
        "command": machine.command_line(arguments),
        "environment": machine.environment(),
        "versions": machine.versions(),
        "digests": machine.digests(),
        "seeds": list(SEEDS),
        "trials": TRIALS,
        "spaces": SPACES,
    }
    write_whole(run / FACTS, json.dumps(facts, indent=1) + "\n")
    return run


def _draw(workload: Workload, seed: int) -> tuple[int, Any, list[Any]]:
    """(seed, data, start weights) as a trial with this seed would get them."""
    import numpy as np

    train, test, start, _ = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4)
    )
    arrays, n_classes = parts(workload, seed, train, test, None)
    data = types.SimpleNamespace(n_classes=n_classes)
    for name, values in arrays.items():
        dtype = np.int64 if name.startswith("y") else np.float32
        setattr(data, name, np.ascontiguousarray(values, dtype))
    return seed, data, he_normal(workload.layers, start, "float32")


def _accuracies(
    system: str, choice: dict[str, Any], workload: Workload, draws: list[Any]
) -> list[float] | None:
    """Accuracy on each draw's fresh points; None if a training diverged."""
    if system == NETWORK:
        workload = dataclasses.replace(workload, **choice)
    found = []
    for seed, data, weights in draws:
        made = baselines.system(system)(workload, seed=seed, threads=1, dtype="float32")
        made.options = choice
        made.load()
        made.build(data, weights if made.family == "network" else None)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # few iterations do not converge, which is no news
                made.train()
        except FloatingPointError:
            return None
        found.append(round(float((made.predict(data.X_test) == data.y_test).mean()), 6))
    return found


def _show(run: Path, workload: str) -> None:
    for (name, system), choice in chosen(read_rows(run)).items():
        if name == workload:
            print(f"{name:14} {system:20} {_said(choice)}", flush=True)


def _said(choice: Choice) -> str:
    what = "kept   " if choice.kept else "changed"
    said = f"{choice.accuracy_before:.3f}, best {choice.best:.3f}"
    return f"{what} ({said}) {json.dumps(choice.options)}"
