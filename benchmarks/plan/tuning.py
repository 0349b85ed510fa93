"""The random trials of suite tuning: equally many for every family, from tuning.toml."""

from __future__ import annotations

import random
from typing import Any

from baselines.classical import tuned
from baselines.contract import Workload
from benchmarks.plan.workloads import read_table

SUITE = "tuning"
TABLE: dict[str, Any] = read_table("tuning.toml")
TRIALS: int = TABLE["trials"]
SEEDS = range(TABLE["first_seed"], TABLE["first_seed"] + TABLE["draws"])
SPACES: dict[str, dict[str, dict[str, list[Any]]]] = TABLE["spaces"]
NETWORK = "mapicx"  # its trials choose lr and l2 of the recipe that all networks share


def options_of(system: str, workload: Workload) -> list[dict[str, Any]]:
    """The options of each trial: those in use, then random ones, the same on every workload."""
    draw = random.Random(f"suite tuning, {system}")
    drawn = [
        {name: _value(kind, draw) for name, kind in SPACES[system].items()}
        for _ in range(TRIALS - 1)
    ]
    return [in_use(system, workload), *drawn]


def in_use(system: str, workload: Workload) -> dict[str, Any]:
    """What the suites train with today; {} are the library's defaults."""
    if system == NETWORK:
        return {"lr": workload.lr, "l2": workload.l2}
    return tuned(system, workload)


def _value(kind: dict[str, list[Any]], draw: random.Random) -> Any:
    ((name, choices),) = kind.items()
    if name == "one_of":
        return draw.choice(choices)
    low, high = choices
    if name == "between":
        return round(draw.uniform(low, high), 2)
    value = low * (high / low) ** draw.random()
    return round(value) if name == "whole" else float(f"{value:.2g}")
