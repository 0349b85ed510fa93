"""A run, and how a new one is planned from the command's options."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import secrets
import shlex
from pathlib import Path
from typing import Any

from baselines.contract import Workload
from baselines.plug_ins import find_provider
from benchmarks.errors import UsageError
from benchmarks.measure import container, machine
from benchmarks.measure.footprint import measure_footprint
from benchmarks.measure.system_inspection import ask_systems
from benchmarks.paths import LOCAL
from benchmarks.plan import suites, table, workload_file
from benchmarks.plan.blocks import plan_trials
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import CONTROLS, SystemInfo, Trial
from benchmarks.plan.workloads import read_table
from benchmarks.record.store import Store

# Options that determine the plan: they may be repeated to continue a run, but need not be.
PLANNED = ("suite", "preset", "systems", "workloads", "seeds", "measures", "threads")
THIS_MACHINE = "local"  # the executor that runs trials here
# Options that a continued run does not remember, and their defaults.
DEFAULTS = {
    "results": Path("results"), "reports": Path("reports"), "timeout": 120.0, "memory_limit": None,
    "executor": THIS_MACHINE, "worker_path": None,
}  # fmt: skip


@dataclasses.dataclass
class Run:
    """A plan and the folder it is recorded in."""

    store: Store
    plan: list[Trial]
    description: dict[str, Any]
    requires: dict[str, tuple[str, ...]]
    budget_s: float | None
    is_new: bool
    resume_command: str
    forced: list[str] = dataclasses.field(default_factory=list)  # changes that --force accepted
    source: Path | None = None  # the file of a user's table; never recorded

    @property
    def workloads(self) -> dict[str, Workload]:
        """The workloads as they were when the run was planned."""
        return {key: Workload(**entry) for key, entry in self.description["workloads"].items()}

    @property
    def side_by_side(self) -> bool:
        """Whether timed trials share the machine."""
        return bool(self.description.get("side_by_side"))

    @property
    def blocks(self) -> int:
        """Number of blocks after parity."""
        return max((trial.block for trial in self.plan), default=0)


def plan_run(options: argparse.Namespace, arguments: list[str]) -> Run:
    """Plan a new run from the command line."""
    asked = {name: value for name in PLANNED if (value := getattr(options, name)) is not None}
    preset = suites.PRESETS.get(asked.get("preset", "quick"), {})
    own = table.read_options(options, preset.get("epochs"))
    added: dict[str, dict[str, Any]] = {}
    digest = ""
    if options.workload_file is not None:
        added, digest = workload_file.read_file(options.workload_file)
    request = suites.make_request(
        **asked,
        budget=options.budget,
        cores=machine.count_cores(),
        own=own.workload if own else None,
        added=added,
    )
    names = dict.fromkeys(
        [*request.systems, *(name for measure in request.measures for name in CONTROLS[measure])]
    )
    machine.compile_packages()
    answers = ask_systems(names, request.workloads, options.timeout)
    order_seed = secrets.randbits(32)
    durations = Durations({item.name: item for item in request.workloads}, machine.count_cores())
    plan, skipped = plan_trials(request, answers, durations, order_seed)
    if not plan:
        reasons = "; ".join(f"{entry['system']}: {entry['reason']}" for entry in skipped)
        raise UsageError(f"nothing would be measured: {reasons or 'no system has these measures'}")
    # A plug-in's own package affects its figures as much as its requirements do.
    requires = {name: (*answer.requires, *find_provider(name)) for name, answer in answers.items()}
    footprint, warnings = _measure_footprint(plan, answers, options)
    warnings += container.describe_limits(container.read_limits(), machine.count_cores())
    environment = machine.environment()
    start = machine.describe_start(request.suite, arguments)
    description = {
        **start,
        "options": {name: str(value) for name, value in asked.items()},
        "suite": request.suite,
        "preset": request.preset,
        "side_by_side": request.side_by_side,
        "budget_s": request.budget_s,
        "plan": [trial.trial_id for trial in plan],
        "trials": [trial.describe() for trial in plan],
        "named": list(request.named),
        "skipped": skipped,
        "requires": {name: list(names) for name, names in requires.items()},
        "workloads": {item.name: dataclasses.asdict(item) for item in request.workloads},
        "seeds": sorted({trial.seed for trial in plan if trial.block}),
        "order": f"shuffled within each block by random.Random({order_seed})",
        "machine_id": machine.identify_machine(environment),
        "environment": environment,
        "versions": machine.installed_versions(itertools.chain(*requires.values())),
        "digests": machine.digest_code(),
        "own_order": [name for name, answer in answers.items() if answer.own_order],
        "margins": read_table("margins.toml"),
        "footprint": footprint,
        "warnings": warnings,
    }
    folder = options.results
    if added:
        description["workload_file"] = {"file": options.workload_file.name, "sha256": digest}
    if own is not None:
        description["table"] = own.facts
        folder = folder / LOCAL
    return Run(
        store=Store(folder / start["run_id"]),
        plan=plan,
        description=description,
        requires=requires,
        budget_s=request.budget_s,
        is_new=True,
        resume_command=format_resumption(options, start["run_id"]),
        source=own.source if own else None,
    )


def _measure_footprint(
    plan: list[Trial], answers: dict[str, SystemInfo], options: argparse.Namespace
) -> tuple[dict[str, Any], list[str]]:
    """Measure the size of the installations, for a run that measures memory, too."""
    if options.plan or not any(trial.measure == "memory" for trial in plan):
        return {}, []
    shown = {name: info.requires for name, info in answers.items() if info.family != "control"}
    return measure_footprint(shown, options.timeout)


def format_resumption(options: argparse.Namespace, name: str) -> str:
    """Return the command that continues this run, ready to be pasted."""
    parts = ["python", "-m", "benchmarks.run", "--resume", name]
    if options.data is not None:
        parts += ["--data", options.data]
    for option, default in DEFAULTS.items():
        value = getattr(options, option)
        if value != default:
            parts += [f"--{option.replace('_', '-')}", str(value)]
    return shlex.join(parts)
