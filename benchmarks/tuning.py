"""Suite tuning of `python -m benchmarks.run`: random trials that choose recipes and options.

Every family gets the same number of trials, from plan/tuning.toml. Nothing is timed here, so all
trials share one process; with one process each, as in other suites, the same search would take
hours. A run is recorded in its own kind of folder:

results/<run>/tuning.json    command, environment, versions, seeds, spaces
results/<run>/trials.jsonl   one row per trial: workload, system, trial, options, accuracy per draw

It has no run.json, so no report, README table or history ever reads it. workloads.toml and
baselines/tuned.toml name the runs that their values come from, and a test compares them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import random
import types
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

import baselines
from baselines._base import import_numpy
from baselines.classical import choose_options
from baselines.contract import Workload
from benchmarks.errors import UsageError, check_known
from benchmarks.measure import machine
from benchmarks.measure.data import DataSet, generate_data
from benchmarks.measure.new_run import DEFAULTS
from benchmarks.options import split_names
from benchmarks.paths import ROWS, require_folder, write_atomically
from benchmarks.plan import suites
from benchmarks.plan.workloads import read_table, read_workloads
from benchmarks.record.rows import read_other_rows

SUITE, FACTS = "tuning", "tuning.json"
TABLE: dict[str, Any] = read_table("tuning.toml")
TRIALS: int = TABLE["trials"]
SEEDS = range(TABLE["first_seed"], TABLE["first_seed"] + TABLE["draws"])
SPACES: dict[str, dict[str, dict[str, list[Any]]]] = TABLE["spaces"]
NETWORK = "mapicx"  # its trials choose lr and l2 of the recipe that all networks share
# Options of the command that have no meaning here.
REFUSED = (
    "seeds", "preset", "budget", "threads", "measures", "data", "target", "task", "missing", "drop",
    "workload_file", "resume", "memory_limit", "worker_path", "readme", "force",
)  # fmt: skip


class Choice(NamedTuple):
    """The options to use from now on; kept: they are those of the first trial, already in use."""

    options: dict[str, Any]
    kept: bool
    accuracy_before: float  # mean over the draws
    best: float  # of the trial with the highest mean, chosen or not


def run_tuning(options: argparse.Namespace, arguments: list[str]) -> int:
    """Run and record every trial, and print what the rows choose."""
    for name in REFUSED:
        if getattr(options, name):
            raise UsageError(
                f"--{name.replace('_', '-')} has no meaning for suite {SUITE}, whose trials and"
                " seeds are in tuning.toml; leave it out"
            )
    if options.executor != DEFAULTS["executor"]:
        raise UsageError(f"suite {SUITE} runs in this process alone; leave --executor out")
    known = read_workloads()
    names = _select("workload", options.workloads, suites.SUITES[SUITE]["workloads"])
    systems = _select("system", options.systems, list(SPACES))
    print(
        f"{TRIALS} trials for each of {len(systems)} families on {len(names)} workloads,"
        f" {len(SEEDS)} draws each",
        flush=True,
    )
    if options.plan:
        return 0
    require_folder("results", options.results)
    run = _create_run(options.results, arguments)
    for name in names:
        _measure(run, known[name], systems)
        for (workload, system), choice in choose_best(read_other_rows(run, key="trial")).items():
            if workload == name:
                print(f"{name:14} {system:20} {_format_choice(choice)}", flush=True)
    print(f"{run}: to use these, put them and the run's name in place of the old ones")
    return 0


def _select(kind: str, text: str | None, known: list[str]) -> list[str]:
    names = split_names(text) or known
    check_known(f"{kind} in suite {SUITE} called", names, known)
    return names


def _create_run(results: Path, arguments: list[str]) -> Path:
    """Create the folder of a new run, with what is known before its first trial."""
    start = machine.describe_start(SUITE, arguments)
    run = results / start["run_id"]
    facts = {
        **start,
        "environment": machine.environment(),
        "versions": machine.installed_versions(),
        "digests": machine.digest_code(),
        "seeds": list(SEEDS),
        "trials": TRIALS,
        "spaces": SPACES,
    }
    write_atomically(run / FACTS, json.dumps(facts, indent=1) + "\n")
    return run


def draw_options(system: str, workload: Workload) -> list[dict[str, Any]]:
    """Return each trial's options: those in use, then random ones, the same on every workload."""
    generator = random.Random(f"suite tuning, {system}")
    drawn = [
        {name: _draw_value(kind, generator) for name, kind in SPACES[system].items()}
        for _ in range(TRIALS - 1)
    ]
    return [get_options_in_use(system, workload), *drawn]


def get_options_in_use(system: str, workload: Workload) -> dict[str, Any]:
    """Return what the suites train with today; {} means the library's defaults."""
    if system == NETWORK:
        return {"lr": workload.lr, "l2": workload.l2}
    return choose_options(system, workload)


def _draw_value(kind: dict[str, list[Any]], generator: random.Random) -> Any:
    ((name, choices),) = kind.items()
    if name == "one_of":
        return generator.choice(choices)
    low, high = choices
    if name == "between":
        return round(generator.uniform(low, high), 2)
    value = low * (high / low) ** generator.random()
    return round(value) if name == "whole" else float(f"{value:.2g}")


def _measure(run: Path, workload: Workload, systems: list[str]) -> None:
    """Run and record every trial of these systems on one workload."""
    # OpenMP reads its number of threads once, and scikit-learn, used for some data, loads it.
    import_numpy(threads=1)
    draws = {seed: generate_data(workload, seed, "float32") for seed in SEEDS}
    for system in systems:
        for trial, options in enumerate(draw_options(system, workload)):
            row = {"workload": workload.name, "system": system, "trial": trial, "options": options}
            row["accuracy"] = _score(system, options, workload, draws)
            with (run / ROWS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def _score(
    name: str, options: dict[str, Any], workload: Workload, draws: Mapping[int, DataSet]
) -> list[float] | None:
    """Return the accuracy on each draw's fresh points; None if a training diverged."""
    if name == NETWORK:
        workload = dataclasses.replace(workload, **options)
    accuracies = []
    for seed, drawn in draws.items():
        data = types.SimpleNamespace(n_classes=drawn.n_classes, **drawn.arrays)
        system = baselines.system(name)(workload, seed=seed, threads=1, dtype="float32")
        system.options = options
        system.load()
        system.build(data, drawn.weights if system.family == "network" else None)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # few iterations do not converge, as expected
                system.train()
        except FloatingPointError:
            return None
        accuracies.append(round(float((system.predict(data.X_test) == data.y_test).mean()), 6))
    return accuracies


def choose_best(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Choice]:
    """Choose the trial with the highest mean accuracy; of equal ones, the earliest.

    The options in use stay unless the best trial is better by more than a standard error of the
    difference, paired in draws, because the best of many is partly the luckiest (the
    one-standard-error rule of Breiman et al. 1984). A trial that failed cannot be chosen.

    Returns
    -------
    dict
        Choices, by workload and system.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["trial"]):
        groups.setdefault((row["workload"], row["system"]), []).append(row)
    return {place: _choose(group) for place, group in groups.items()}


def _choose(trials: list[Mapping[str, Any]]) -> Choice:
    before = trials[0]
    able = [row for row in trials if row["accuracy"] is not None]
    if not able:
        return Choice(before["options"], True, math.nan, math.nan)
    best = max(able, key=lambda row: fmean(row["accuracy"]))
    high = fmean(best["accuracy"])
    if before["accuracy"] is None:
        return Choice(best["options"], False, math.nan, high)
    low = fmean(before["accuracy"])
    gains = [a - b for a, b in zip(best["accuracy"], before["accuracy"], strict=True)]
    error = stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.inf
    kept = best is before or fmean(gains) <= error
    return Choice((before if kept else best)["options"], kept, low, high)


def _format_choice(choice: Choice) -> str:
    what = "kept   " if choice.kept else "changed"
    figures = f"{choice.accuracy_before:.3f}, best {choice.best:.3f}"
    return f"{what} ({figures}) {json.dumps(choice.options)}"
