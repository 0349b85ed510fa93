"""Ask the classes of systems what they are, in separate processes.

The harness never imports a plug-in itself: importing it may hang or kill the process.

    python -m benchmarks.measure.system_inspection '{"systems": [...], "workloads": [...]}'
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.errors import strip_paths
from benchmarks.measure import process
from benchmarks.plan.trials import SystemInfo


def ask_systems(
    systems: Iterable[str], workloads: Sequence[Workload], timeout: float
) -> dict[str, SystemInfo]:
    """Return family, requirements and refusals of every system; each plug-in gets a process."""
    names = list(systems)
    built_in = [name for name in names if name in baselines.BUILT_IN]
    answers: dict[str, SystemInfo] = {}
    for group in [built_in, *([name] for name in names if name not in baselines.BUILT_IN)]:
        spec = {
            "systems": group,
            "workloads": [dataclasses.asdict(workload) for workload in workloads],
        }
        end = process.run_module("benchmarks.measure.system_inspection", spec, timeout=timeout)
        try:
            replies = json.loads(end.message)
        except ValueError:
            # Not judged here: the trial itself will fail, with a status and a reason.
            replies = {key: {"family": ""} for key in group}
        answers |= {name: SystemInfo(**reply) for name, reply in replies.items()}
    return answers


def _describe(name: str, workloads: Sequence[Workload]) -> dict[str, object]:
    """Return what one class says about itself; no family if it raises."""
    try:
        system: Any = baselines.system(name)
        refused = {workload.name: system.supports(workload) for workload in workloads}
        return {
            "family": str(system.family),
            "requires": [str(requirement) for requirement in system.requires],
            "own_order": bool(system.own_order),
            "refused": {key: strip_paths(str(why)) for key, why in refused.items() if why},
        }
    except Exception:
        return {"family": ""}


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    asked = [Workload(**entry) for entry in spec["workloads"]]
    with os.fdopen(spec["pipe"], "w") as pipe:
        json.dump({name: _describe(name, asked) for name in spec["systems"]}, pipe)
