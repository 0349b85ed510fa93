"""Shared by tests of the harness: a report with everything in it, written once."""

from __future__ import annotations

import pytest

from benchmarks.render.report import Written, write_report
from tests.benchmarks.synthetic import NASTY, SYSTEMS, rows, run_folder


@pytest.fixture(scope="session")
def full_report(tmp_path_factory) -> Written:
    """The report of six blocks of every system, one of them with a name full of markup."""
    base = tmp_path_factory.mktemp("full")
    made = rows(6, SYSTEMS | {NASTY: ("network", 1.0, 1.0, 50, 0.8)})
    for row in made:
        row["trial_id"] = "".join(c for c in row["trial_id"] if c.isalnum() or c == "-")
    made[-1] |= {"status": "crashed", "reason": "<script>|x|`y`"}
    run = run_folder(base / "results", made, arrays=True, command="run <b>|x", warnings=["# <b>"])
    return write_report(run, base / "reports")
