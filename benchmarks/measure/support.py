"""Asks the classes of systems what they are, in a process of their own.

The harness never imports a plug-in itself: importing it may hang or kill the process.

    python -m benchmarks.measure.support SPEC   SPEC: {"systems": [...], "workloads": [...]}
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

import baselines
from baselines.contract import Workload
from benchmarks.measure import process
from benchmarks.measure.endings import without_paths
from benchmarks.measure.executors import Local
from benchmarks.plan.trials import Support


def ask(
    systems: Iterable[str], workloads: Sequence[Workload], timeout: float
) -> dict[str, Support]:
    """Family, requirements and refusals of every system; plug-ins one process each."""
    names = list(systems)
    built_in = [name for name in names if name in baselines.BUILT_IN]
    answers: dict[str, Support] = {}
    for group in [built_in, *([name] for name in names if name not in baselines.BUILT_IN)]:
        answers |= _ask_together(group, workloads, timeout)
    return answers


def _ask_together(
    names: list[str], workloads: Sequence[Workload], timeout: float
) -> dict[str, Support]:
    question = {"systems": names, "workloads": [dataclasses.asdict(one) for one in workloads]}
    with tempfile.TemporaryDirectory(prefix="mapicx-support-") as scratch:
        end = process.run(
            lambda pipe, _: [
                sys.executable, "-P", "-m", "benchmarks.measure.support",
                json.dumps({**question, "pipe": pipe}),
            ],
            environment=Local.environment(1, scratch),
            folder=scratch,
            timeout=timeout,
        )  # fmt: skip
    try:
        replies = json.loads(end.message)
    except ValueError:
        # Not for us to judge: the trial itself will tell, with a status and a reason.
        return {name: Support("", defect="its class could not be loaded") for name in names}
    return {name: Support(**reply) for name, reply in replies.items()}


def _reply(name: str, workloads: Sequence[Workload]) -> dict[str, object]:
    try:
        system: Any = baselines.system(name)
        refused = {one.name: system.supports(one) for one in workloads}
        return {
            "family": system.family,
            "requires": tuple(system.requires),
            "own_order": bool(system.own_order),
            "refused": {key: reason for key, reason in refused.items() if reason},
        }
    except Exception as error:
        return {"family": "", "defect": without_paths(f"{type(error).__name__}: {error}")}


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    asked = [Workload(**entry) for entry in spec["workloads"]]
    with os.fdopen(spec["pipe"], "w") as pipe:
        json.dump({name: _reply(name, asked) for name in spec["systems"]}, pipe)
