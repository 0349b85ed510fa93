"""The options --data, --target and --task: for a new run, and for one that is resumed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.plan import table, table_file
from benchmarks.plan.workloads import UsageError


def own_table(options: argparse.Namespace) -> table.Table | None:
    """The user's table, checked, if --data names one."""
    if options.data is None:
        for name in ("target", "task"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} is about a table; name its file with --data")
        return None
    for name in ("suite", "workloads"):
        if getattr(options, name) is not None:
            raise UsageError(f"--{name} and --data exclude each other: the table is the workload")
    if options.readme:
        raise UsageError("--readme shows the project's own data sets; leave it out with --data")
    return table.prepare(options.data, options.target, options.task)


def source_again(options: argparse.Namespace, description: Mapping[str, Any]) -> Path | None:
    """The file with which a run on a user's table is resumed; None for other runs."""
    facts = description.get("table")
    if facts is None:
        for name in ("data", "target", "task"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name}: this run was not made from a table; leave it out")
        return None
    if options.data is None:
        raise UsageError(f"this run needs its table {facts['file']!r} again; name it with --data")
    for name in ("target", "task"):
        asked = getattr(options, name)
        if asked is not None and asked != facts[name]:
            raise UsageError(
                f"--{name} {asked!r} does not agree with the run, which has {facts[name]!r};"
                " leave it out to resume"
            )
    return table_file.same_file(options.data, facts["sha256"])


def announcement(description: Mapping[str, Any]) -> list[str]:
    """What was chosen for a user's table, a line each; nothing for other runs."""
    facts = description.get("table")
    if facts is None:
        return []
    size = f"{facts['file']!r}: {facts['rows']:,} rows, {len(facts['columns'])} columns."
    return [size, *facts["notes"]]
