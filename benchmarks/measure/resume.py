"""Continue an existing run: its plan comes from its run.json, which is checked first.

Options that determine the plan may be repeated, so that a run's original command with --resume
added continues it; they must agree with what the run was planned with.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baselines.contract import Workload
from benchmarks.errors import UsageError
from benchmarks.measure import machine
from benchmarks.measure.new_run import DEFAULTS, PLANNED, Run, format_resumption
from benchmarks.options import parse_duration, split_names
from benchmarks.paths import LOCAL, RUN, require_run
from benchmarks.plan import workload_file
from benchmarks.plan.table import find_source
from benchmarks.plan.trials import Trial, read_trial
from benchmarks.record.rows import read_rows, read_run
from benchmarks.record.run_json import validate_run
from benchmarks.record.store import Store

LATEST = "latest"  # instead of a name: the newest run that is not complete


def resume_run(options: argparse.Namespace) -> Run:
    """Prepare the missing part of a run. UsageError says why it cannot be continued."""
    folder = _find_run(options)
    try:
        description = read_run(folder)
        validate_run(description)
        plan = _read_plan(description)
    except (TypeError, ValueError) as error:  # a missing key or a wrong value
        raise UsageError(f"run {folder.name!r} cannot be continued: {error}") from None
    compare_options(options, description, plan)
    source = find_source(options, description)
    changes = _find_changes(description)
    if options.executor != DEFAULTS["executor"] and "the machine" in changes:
        changes.remove("the machine")  # a cluster's rows name their own
    if changes and not options.force:
        raise UsageError(
            f"{', '.join(changes)} changed since the run began, so its rows would not belong"
            " together; start a new run, or add --force"
        )
    machine.compile_packages()
    requires = {name: tuple(names) for name, names in description["requires"].items()}
    asked, had = options.budget, description.get("budget_s")
    return Run(
        store=Store(folder),
        plan=plan,
        description=description,
        requires=requires,
        budget_s=had if asked is None else parse_duration(asked),
        is_new=False,
        resume_command=format_resumption(options, folder.name),
        forced=changes,
        source=source,
    )


def _find_run(options: argparse.Namespace) -> Path:
    """Return the folder that --resume means: a path, a name in the results, or the latest run."""
    results: Path = options.results
    if options.resume == LATEST:
        places = results / LOCAL if options.data is not None else results
        for file in sorted(places.glob(f"*/{RUN}"), reverse=True):
            if _is_unfinished(file.parent):
                return file.parent
        raise UsageError(f"there is no unfinished run in {places.name}; start one without --resume")
    return require_run(options.resume, results)


def _is_unfinished(run: Path) -> bool:
    try:
        plan = set(read_run(run)["plan"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(plan - {row["trial_id"] for row in read_rows(run)})


def _read_plan(description: Mapping[str, Any]) -> list[Trial]:
    """Return the trials of a run.json. ValueError if they or their workloads were changed."""
    workloads = {}
    for name, entry in description["workloads"].items():
        if entry.keys() - Workload.__dataclass_fields__.keys() or entry.get("name") != name:
            raise ValueError(f"its workload {name!r} is not described as one")
        workloads[name] = Workload(**entry)
    plan = [read_trial(entry) for entry in description["trials"]]
    if [trial.trial_id for trial in plan] != description["plan"]:
        raise ValueError("its plan does not list its trials")
    for trial in plan:
        if trial.workload not in workloads:
            raise ValueError(f"it does not describe the workload {trial.workload!r}")
    return plan


def compare_options(
    options: argparse.Namespace, description: Mapping[str, Any], plan: list[Trial]
) -> None:
    """Raise UsageError for an option that does not agree with the plan."""
    if options.workload_file is not None:
        recorded = description.get("workload_file") or {}
        if workload_file.read_file(options.workload_file)[1] != recorded.get("sha256"):
            raise UsageError(
                f"--workload-file {options.workload_file.name!r} is not the file that the run was"
                " planned with; leave it out to resume, the run remembers its workloads"
            )
    typed = description.get("options")
    if not isinstance(typed, dict):
        typed = {}  # older runs have none
    effective = {
        "suite": description["suite"],
        "preset": description["preset"],
        "seeds": str(max((trial.block for trial in plan), default=0)),
        "measures": ",".join({trial.measure for trial in plan}),
        "threads": ",".join({str(trial.threads) for trial in plan if trial.block}),
    }
    for name in PLANNED:
        asked = getattr(options, name)
        if asked is None:
            continue
        had = [value for value in (typed.get(name), effective.get(name)) if value is not None]
        if set(split_names(str(asked))) not in [set(split_names(str(value))) for value in had]:
            raise UsageError(
                f"--{name} {asked} does not agree with the run, which has"
                f" {had[0] if had else 'the default'}; leave it out to resume"
            )


def _find_changes(description: Mapping[str, Any]) -> list[str]:
    """List what has changed since the run was planned."""
    now = {
        "code": machine.digest_code(),
        "versions": machine.installed_versions(itertools.chain(*description["requires"].values())),
        "the machine": machine.identify_machine(machine.environment()),
    }
    then = {
        "code": description["digests"],
        "versions": description["versions"],
        "the machine": description["machine_id"],
    }
    return [name for name in now if now[name] != then[name]]
