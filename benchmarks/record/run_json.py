"""What run.json must contain for a run to be continued from it."""

from __future__ import annotations

from benchmarks.paths import RUN

# Every key that readers rely on, and its type.
KEYS: dict[str, type] = {
    "run_id": str,
    "created_at": str,
    "command": str,
    "suite": str,
    "preset": str,
    "plan": list,
    "trials": list,
    "named": list,
    "skipped": list,
    "requires": dict,
    "workloads": dict,
    "seeds": list,
    "machine_id": str,
    "environment": dict,
    "versions": dict,
    "digests": dict,
}


def validate_run(description: object) -> None:
    """Raise ValueError, with a message, if a run cannot be continued from this run.json."""
    fault = _find_fault(description)
    if fault:
        raise ValueError(f"its {RUN} cannot be used: {fault}; restore it from a copy")


def _find_fault(description: object) -> str | None:
    """Return what is wrong with the contents of a run.json; None if nothing is."""
    if not isinstance(description, dict):
        return "it holds no table of keys"
    for key, kind in KEYS.items():
        if key not in description:
            return f"it has no {key!r}"
        if not isinstance(description[key], kind):
            return f"its {key!r} is of another type than {kind.__name__}"
    for key in ("plan", "named"):
        if not all(isinstance(name, str) for name in description[key]):
            return f"its {key!r} holds something that is not text"
    if not all(isinstance(entry, dict) for entry in description["trials"]):
        return "a trial is not a table of keys"
    if not all(isinstance(entry, dict) for entry in description["workloads"].values()):
        return "a workload is not a table of keys"
    if not all(_is_skipped(entry) for entry in description["skipped"]):
        return "its 'skipped' does not name system, workload and reason"
    if not all(_is_list_of_text(names) for names in description["requires"].values()):
        return "its 'requires' does not name distributions"
    budget_s = description.get("budget_s")
    if budget_s is not None and not (isinstance(budget_s, int | float) and budget_s > 0):
        return "its 'budget_s' is not a number of seconds"
    return None


def _is_skipped(entry: object) -> bool:
    keys = ("system", "workload", "reason")
    return isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in keys)


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)
