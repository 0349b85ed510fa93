"""The conformance suite: check by check, whether a system keeps the contract.

Each group of checks runs in its own process, as trials do, so a system may crash or hang.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.measure import process
from benchmarks.measure.conformance_child import AGAIN, BASIC, CHECKS
from benchmarks.measure.conformance_data import RECIPES
from benchmarks.measure.exit_status import describe_exit
from benchmarks.measure.system_inspection import ask_systems
from benchmarks.measure.trial_runner import TrialRunner
from benchmarks.plan import suites
from benchmarks.plan.blocks import plan_trials
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import CONTROLS

# Every check, in order, and what passing it means.
PROMISES = {
    "attributes": "name, family, requires, own_order and the counters are there",
    "methods": "every method can be called as the harness calls it",
    "supports": "it answers None or a reason in a few words",
    "imports": "nothing that is required is imported before load()",
    "missing": "load() raises ImportError where a requirement is missing",
    "training": "it trains what it supports, counts updates, answers in the right form",
    "reset": "the same result after reset(), and nothing is compiled again",
    "determinism": "the same seed gives the same bits, in another object",
    "record": "one loss per update if asked, none if not",
    "divergence": "a training that diverges says so",
    "memory": "trainings after reset() do not take more memory",
    "parity": "a network does the mathematics of numpy-plain, recipe by recipe",
    "reproduction": "the same seed gives the same bits in another process",
    "trial": "one timed trial on the spiral, through the whole harness",
}


@dataclasses.dataclass(frozen=True)
class Finding:
    """The result of one check: faults as sentences, or why it was skipped."""

    check: str
    faults: tuple[str, ...] = ()
    skipped: str = ""


def examine_system(
    name: str, *, timeout: float = 300.0, recipes: Sequence[str] = tuple(RECIPES)
) -> Iterator[Finding]:
    """Run the checks of a system, stopping at a failed one that the others depend on.

    Parameters
    ----------
    name : str
        A system's name.
    timeout : float
        Seconds after which a process is ended.
    recipes : sequence of str
        Names from RECIPES that the parity check trains.

    Yields
    ------
    Finding
        One for each check, as soon as it is known.
    """
    ask = functools.partial(_run_group, name, timeout=timeout, recipes=recipes)
    prints: dict[str, str] = {}
    for group in CHECKS:
        found, more = ask(group)
        prints |= more
        yield from found
        if any(finding.faults for finding in found if group == "class" or finding.check in BASIC):
            return
    yield _compare_processes(prints, *ask(AGAIN))
    yield _run_trial(name, timeout)


def _run_group(
    name: str, group: str, *, timeout: float, recipes: Sequence[str]
) -> tuple[list[Finding], dict[str, str]]:
    """Return the findings of one process, and the fingerprints of what it trained."""
    spec = {"system": name, "group": group, "recipes": list(recipes)}
    end = process.run_module("benchmarks.measure.conformance_child", spec, timeout=timeout)
    findings: list[Finding] = []
    prints: dict[str, str] = {}
    begun = next(iter(CHECKS.get(group, ["reproduction"])))
    for line in end.message.splitlines():
        message = json.loads(line)
        begun = message.get("check", begun)
        prints |= message.get("prints", {})
        if "faults" in message:
            findings.append(Finding(begun, tuple(message["faults"])))
    if end.exit_code != 0:
        findings = [finding for finding in findings if finding.check != begun]
        findings.append(Finding(begun, (_describe_end(end, timeout),)))
    return findings, prints


def _describe_end(end: process.ProcessEnd, timeout: float) -> str:
    if end.kill_reason == "timeout":
        return f"it did not end within {timeout:g} s; look for a loop, or give more with --timeout"
    return f"{describe_exit(end)}; a system must raise exceptions and never end the process"


def _compare_processes(
    here: Mapping[str, str], failed: Sequence[Finding], there: Mapping[str, str]
) -> Finding:
    """Check whether two processes trained to the same bits."""
    faults = [fault for finding in failed for fault in finding.faults] or [
        f"{task}: another process with the same seed ends in another result; look for hashes,"
        " set orders, the clock, and generators that `seed` does not reach"
        for task in here
        if here[task] != there.get(task)
    ]
    return Finding("reproduction", tuple(faults))


def _run_trial(name: str, timeout: float) -> Finding:
    """Run one time trial on a short spiral, judged like any trial of a run."""
    request = suites.make_request(systems=name, preset="smoke", measures="time", seeds=1)
    answers = ask_systems([name, *CONTROLS["time"]], request.workloads, timeout)
    durations = Durations({workload.name: workload for workload in request.workloads})
    plan, skipped = plan_trials(request, answers, durations, order_seed=0)
    if skipped:
        return Finding("trial", skipped=f"it does not support the spiral: {skipped[0]['reason']}")
    executor = TrialRunner(
        {workload.name: workload for workload in request.workloads},
        {name: answers[name].requires},
        {"run_id": "conform", "machine_id": "", "versions": {}},
        timeout=timeout,
    )
    try:
        with tempfile.TemporaryDirectory(prefix="mapicx-conform-") as folder:
            trial = next(trial for trial in plan if trial.system == name)
            row = executor.run_trial(trial, Path(folder) / "arrays.npz", extras=True)
    finally:
        executor.close()
    if row["status"] == "ok":
        return Finding("trial")
    return Finding("trial", (f"its row says {row['status']}: {row['reason']}",))
