"""Run one group of conformance checks in this process, which the system may end.

    python -m benchmarks.measure.conformance_child SPEC   SPEC: {"system", "group", "recipes"}

Standard library only until the system loads its framework, as in a trial.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import baselines
from benchmarks.errors import describe_error
from benchmarks.measure import conformance_checks as training
from benchmarks.measure import conformance_class as classes
from benchmarks.measure.conformance_parity import compare_recipes

HERE = Path(__file__).parent
# The checks of each group, which is one process, in order. After a failure in BASIC, the later ones
# would only repeat it.
CHECKS: dict[str, dict[str, Callable[..., Iterator[str]]]] = {
    "class": {
        "attributes": classes.check_attributes,
        "methods": classes.check_methods,
        "supports": classes.check_supports,
        "imports": classes.check_imports,
        "missing": classes.check_missing,
    },
    "training": {
        "training": training.check_training,
        "reset": training.check_reset,
        "determinism": training.check_determinism,
        "record": training.check_record,
        "divergence": training.check_divergence,
        "memory": training.check_memory,
    },
    "parity": {"parity": compare_recipes},  # in float64; a process has one dtype
}
BASIC = ("attributes", "training")
AGAIN = "again"  # a group without checks: the trainings of "training", in another process


def make_checks(name: str, group: str, recipes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Run the checks of one group.

    Yields
    ------
    dict
        {"check"} before a check, {"check", "faults"} after it; {"prints"} are fingerprints of
        trainings, to be compared with another process.
    """
    try:
        system: Any = baselines.system(name)
    except Exception as error:
        yield {"check": "attributes", "faults": [f"it cannot be loaded: {describe_error(error)}"]}
        return
    if group == AGAIN:
        yield {"prints": training.take_fingerprints(system)}
        return
    for check, examine in CHECKS[group].items():
        if examine is compare_recipes:
            if system.family != "network":
                continue
            examine = functools.partial(examine, recipes=recipes)
        yield {"check": check}
        try:
            faults = list(dict.fromkeys(examine(system)))
        except Exception as error:
            faults = [f"it raises {describe_error(error)}{_find_line(error)}"]
        if check == "attributes" and getattr(system, "name", None) != name:
            faults.append(f"name is {getattr(system, 'name', None)!r}; write {name!r}, as listed")
        yield {"check": check, "faults": faults}
        if faults and check in BASIC:
            return
        if check == "determinism":
            yield {"prints": training.take_fingerprints(system)}


def _find_line(error: BaseException) -> str:
    """Return where in the system's code an exception arose, so that it can be fixed."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames:
        if not Path(frame.filename).is_relative_to(HERE):
            return f" ({Path(frame.filename).name}, line {frame.lineno}, in {frame.name})"
    return ""


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    with os.fdopen(spec["pipe"], "w", buffering=1) as pipe:
        for message in make_checks(spec["system"], spec["group"], spec["recipes"]):
            print(json.dumps(message), file=pipe, flush=True)
