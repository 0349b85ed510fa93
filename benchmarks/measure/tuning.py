"""The random trials of suite tuning, which choose recipes and options.

Nothing is timed here, so all trials share one process; with a process each, as trials of the other
suites have, the same search would take hours. What is recorded is a folder of its own kind:

results/<run>/tuning.json    command, environment, versions, seeds, spaces
results/<run>/trials.jsonl   one row per trial: workload, system, trial, options, accuracy per draw

It has no run.json, so no report, README table or history ever reads it. workloads.toml and
baselines/classical.py name the run from which their values come, and a test compares them.
"""

from __future__ import annotations

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
from benchmarks.measure import machine
from benchmarks.measure.data import he_normal, parts
from benchmarks.plan.tuning import NETWORK, SEEDS, SPACES, SUITE, TRIALS, options_of
from benchmarks.record.store import ROWS, write_whole

FACTS = "tuning.json"


def create(results: Path, arguments: list[str]) -> Path:
    """The folder of a new run, with what is known before its first trial."""
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


def measure(run: Path, workload: Workload, systems: list[str]) -> None:
    """Record every trial of these systems on one workload."""
    draws = [_draw(workload, seed) for seed in SEEDS]
    for system in systems:
        for trial, choice in enumerate(options_of(system, workload)):
            accuracy = _accuracies(system, choice, workload, draws)
            row = {"workload": workload.name, "system": system, "trial": trial}
            row |= {"options": choice, "accuracy": accuracy}
            with (run / ROWS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


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
