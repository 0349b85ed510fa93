"""Describe what will be run: before a run begins, for --plan, and for --list."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence

import baselines
from baselines.descriptions import describe_system
from benchmarks.errors import format_count
from benchmarks.measure.new_run import Run
from benchmarks.options import format_duration
from benchmarks.plan import suites
from benchmarks.plan.durations import Durations
from benchmarks.plan.table import describe_table
from benchmarks.plan.trials import BASE, Trial
from benchmarks.plan.workloads import read_workloads
from benchmarks.streams import wrap_entry

LONG_S = 15 * 60  # a longer run on a user's table is announced with advice
LIST_COLUMN = 26  # where --list describes a name
FEW = 3  # blocks; fewer give no verdict
USUAL_MIN = 10  # minutes that are advised for a long run, if its first block fits into them
MARGIN = 1.1  # by which what is advised should fit


def announce_run(run: Run, durations: Durations) -> Iterator[str]:
    """Say how much will be measured, how long it will take, and what is left out."""
    missing = run.store.list_missing(run.plan)
    expected = durations.expect(missing)
    limit = f", budget {format_duration(run.budget_s)}" if run.budget_s else ""
    if run.budget_s and expected > run.budget_s:
        fitting = _count_fitting_blocks(missing, run.budget_s, durations)
        limit += f", in which about {format_count(fitting, 'block')} will fit"
        if fitting < FEW and "time" in {trial.measure for trial in missing}:
            limit += f" (too few for a verdict, which takes {FEW})"
    yield (
        f"{run.store.run.name}: {len(missing)} trials in {format_count(run.blocks, 'block')},"
        f" expected {format_duration(expected)}{limit}"
    )
    if not run.is_new and run.budget_s and run.budget_s == run.description.get("budget_s"):
        yield "  The budget is the one the run began with, counted from now; --budget changes it"
    for line in [*describe_table(run.description), *_advise(run, missing, durations)]:
        yield f"  {line}"
    for line in _list_skipped(run):
        yield f"  {line}"


def describe_plan(run: Run, durations: Durations) -> Iterator[str]:
    """List the contents of each block, then every trial, then the sum."""
    yield from describe_table(run.description)
    yield from _advise(run, run.plan, durations)
    for number, members in itertools.groupby(run.plan, key=lambda trial: trial.block):
        yield _describe_block(number, list(members), durations)
    yield from _list_skipped(run)
    for trial in run.plan:
        yield (
            f"{trial.trial_id}  block {trial.block}  {trial.measure:8} {trial.workload}"
            f"  {trial.system}  seed {trial.seed}  {format_count(trial.threads, 'thread')}"
        )
    expected = format_duration(durations.expect(run.plan))
    yield f"{len(run.plan)} trials in {format_count(run.blocks, 'block')}, expected {expected}"


def list_choices() -> Iterator[str]:
    """List the systems, suites, workloads and presets that can be chosen."""
    yield "systems:"
    for name in baselines.names():
        mark = " (optional)" if name in baselines.OPTIONAL else ""
        yield wrap_entry(f"  {name}", describe_system(name) + mark, LIST_COLUMN)
    yield "suites:"
    for name, entry in suites.SUITES.items():
        yield wrap_entry(f"  {name}", entry["question"], LIST_COLUMN)
    yield "workloads:"
    for name, workload in read_workloads().items():
        shape = "-".join(map(str, workload.layers))
        text = f"{workload.dataset}, {workload.train_rows} rows, {shape}, {workload.optimizer}"
        yield wrap_entry(f"  {name}", text, LIST_COLUMN)
    yield f"presets: {', '.join(suites.PRESETS)}"


def _list_skipped(run: Run) -> Iterator[str]:
    for entry in run.description["skipped"]:
        yield f"not planned: {entry['system']} on {entry['workload']}: {entry['reason']}"


def _describe_block(number: int, trials: list[Trial], durations: Durations) -> str:
    parts = []
    for measure, members in itertools.groupby(trials, key=lambda trial: trial.measure):
        counts = Counter(trial.system for trial in members)
        often = ", ".join(f"{n} × {name}" for name, n in counts.most_common() if n > 1)
        text = f"{counts.total()} trials of {measure}, {format_count(len(counts), 'system')}"
        parts.append(f"{text} ({often})" if often and measure == "time" else text)
    expected = format_duration(durations.expect(trials))
    return f"block {number}: {'; '.join(parts)}; expected {expected}"


def _count_fitting_blocks(missing: list[Trial], budget_s: float, durations: Durations) -> int:
    """Estimate how many blocks fit into the budget; the first always counts."""
    spent, count = 0.0, 0
    for block, members in itertools.groupby(missing, key=lambda trial: trial.block):
        spent += durations.expect(members)
        if block and count and spent > budget_s:
            break
        count += bool(block)
    return count


def _advise(run: Run, trials: Sequence[Trial], durations: Durations) -> list[str]:
    """Suggest how a block fits into the budget, or how to shorten a long run on a user's table."""
    first = min((trial.block for trial in trials if trial.block), default=0)
    opening = [trial for trial in trials if trial.block <= first]
    least, expected = durations.expect(opening), durations.expect(trials)
    enough = math.ceil(MARGIN * least / 60)  # minutes
    if run.budget_s and least > run.budget_s:
        text = (
            f"The first block alone takes {format_duration(least)}, and may take twice the budget."
            f" For one block give --budget {enough}m"
        )
        fitting = _choose_fitting(opening, run.budget_s, durations) if run.is_new else []
        return [f"{text}, or fewer systems: --systems {','.join(fitting)}" if fitting else text]
    if "table" not in run.description or expected < LONG_S:
        return []
    slowest = durations.find_slowest(trials)
    parts = ", ".join(f"{name} {format_duration(seconds)}" for name, seconds in slowest.items())
    rest = [name for name in _list_systems(trials) if name not in slowest]
    less = durations.expect(trial for trial in trials if trial.system not in slowest)
    text = (
        f"This table takes long: of {format_duration(expected)} {parts}. Without these systems"
        f" {format_duration(less)}: --systems {','.join(rest)}."
    )
    minutes = max(enough, USUAL_MIN)
    if run.budget_s is None or 60 * minutes < run.budget_s:
        text += (
            f" Or --budget {minutes}m, which ends the run after the last whole block that fits (the"
            f" first takes {format_duration(least)})."
        )
    return [text]


def _choose_fitting(opening: Sequence[Trial], budget_s: float, durations: Durations) -> list[str]:
    """Leave out the slowest systems until the first block fits; [] if the base is left alone."""
    names = _list_systems(opening)
    spent = {
        name: durations.expect(trial for trial in opening if trial.system == name) for name in names
    }
    others = sorted((name for name in names if name != BASE), key=lambda name: -spent[name])
    while others:
        dropped = [name for name in names if name != BASE and name not in others]
        left = durations.expect(trial for trial in opening if trial.system not in dropped)
        if MARGIN * left <= budget_s:
            return [name for name in names if name not in dropped]
        others = others[1:]
    return []


def _list_systems(trials: Sequence[Trial]) -> list[str]:
    """Return the systems that --systems would name, in the order of the trials."""
    return list(dict.fromkeys(trial.system for trial in trials if trial.family != "control"))
