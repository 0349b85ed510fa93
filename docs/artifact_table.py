"""Writes the table of the artifact page: each published claim, how to judge it, and how long.

Everything comes from plan/claims.toml, plan/suites.toml and the durations of recorded trials.
"""

from __future__ import annotations

import math
from pathlib import Path

import baselines
from benchmarks.measure import machine
from benchmarks.plan import suites
from benchmarks.plan.blocks import plan_trials
from benchmarks.plan.claims import Reading, read_claims
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import CONTROLS, SystemInfo

REPORT = "python -m benchmarks.report"


def write_table(path: Path) -> None:
    """One table for each source of claims, as Markdown."""
    claims = read_claims()
    lines = []
    for source in dict.fromkeys(claim.source for claim in claims):
        lines += [f"## Claims of: {source}", "", "| claim | reading | says | tolerance | command |"]
        lines += ["| --- | --- | --- | --- | --- |"]
        for claim in claims:
            for reading in claim.readings if claim.source == source else ():
                cells = [claim.sentence, reading.name, _describe_limits(reading)]
                cells += [f"{reading.tolerance:g}" if reading.tolerance else "none"]
                cells += [f"`{_choose_command(reading)}`"]
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    lines += ["## Minutes", "", "| command | expected minutes |", "| --- | ---: |"]
    commands = {_choose_command(r): r.workload for claim in claims for r in claim.readings}
    for command, workload in commands.items():
        minutes = f"{_expect_minutes(workload):,.0f}" if workload else "below 1"
        lines.append(f"| `{command}` | {minutes} |")
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _describe_limits(reading: Reading) -> str:
    low, high = reading.low, reading.high
    if reading.recorded:
        return "as recorded"
    if low == high:
        return f"{low:g}"
    if math.isinf(low):
        return f"at most {high:g}"
    return f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"


def _find_suite(workload: str) -> str:
    return next(name for name, entry in suites.SUITES.items() if workload in entry["workloads"])


def _choose_command(reading: Reading) -> str:
    """The command whose rows decide a reading; counts come with every report."""
    if not reading.workload:
        return REPORT
    return (
        f"python -m benchmarks.run --suite {_find_suite(reading.workload)}"
        f" --workloads {reading.workload}"
    )


def _expect_minutes(workload: str) -> float:
    """What `--plan` says, for the preset that a run has unless told, without its budget."""
    request = suites.make_request(
        suite=_find_suite(workload), workloads=workload, cores=machine.count_cores()
    )
    names = {
        *request.systems,
        *(name for measure in request.measures for name in CONTROLS[measure]),
    }
    answers = {name: _describe(name, request.workloads) for name in names}
    durations = Durations({item.name: item for item in request.workloads})
    plan, _ = plan_trials(request, answers, durations, order_seed=0)
    return durations.expect(plan) / 60


def _describe(name: str, workloads) -> SystemInfo:
    system = baselines.system(name)
    refused = {item.name: system.supports(item) for item in workloads}
    return SystemInfo(
        system.family,
        tuple(system.requires),
        {key: reason for key, reason in refused.items() if reason},
    )
