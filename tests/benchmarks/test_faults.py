"""Whatever a system does, the run goes on and its row says what happened.

Through the real command, with the plug-in of faults that stands in the folder plugin/.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import benchmarks
from benchmarks.measure.workspace import find_processes
from tests.benchmarks.processes import PLUGIN, ROOT, run, start

pytestmark = pytest.mark.faults

# system -> (status, words of the reason)
EXPECTED = {
    "fault-exit": ("crashed", "exit code 3"),
    "fault-kill": ("crashed", "SIGKILL"),
    "fault-segv": ("crashed", "SIGSEGV"),
    "fault-hang": ("timeout", "6 s"),
    "fault-orphan": ("ok", None),
    "fault-hog": ("oom", "700 MiB"),
    "fault-flood": ("timeout", "6 s"),
    "fault-garbage": ("invalid", "not a row"),
    "fault-closed": ("invalid", "nothing"),
    "fault-exception": ("crashed", "something broke in place.py"),
    "fault-sysexit": ("crashed", "enough"),
    "fault-missing": ("unavailable", 'pip install -c constraints.txt -e ".[torch]"'),
    "fault-nan": ("diverged", "not finite"),
    "fault-infinite": ("diverged", "weight"),
    "fault-diverged": ("diverged", "loss"),
    "fault-shape": ("invalid", "(300, 3)"),
    "fault-words": ("invalid", "expected numbers"),
    "fault-tamper": ("ok", None),
    "fault-half-steps": ("invalid", "steps is '1.5'; expected a whole number"),
    "fault-forger": ("ok", None),
    "fault-daemon": ("ok", None),
    "fault-import": ("unavailable", "a_module_that_does_not_exist"),
    "fault-import-hang": ("timeout", "6 s"),
    "fair": ("ok", None),
}
OPTIONS = ("--measures", "time", "--seeds", 1, "--timeout", 6, "--memory-limit", 700)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """One run of every fault, two well-behaved systems among them."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "tmp").mkdir()
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.run", "--systems", f"mapicx,{','.join(EXPECTED)}",
            "--results", folder / "results", "--reports", folder / "reports", *map(str, OPTIONS),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PLUGIN, "TMPDIR": str(folder / "tmp")},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    rows = benchmarks.load(folder / "results")
    return done, rows[rows["repeat"].eq(0)].set_index("system"), folder


def test_every_planned_trial_has_exactly_one_row(faulty):
    folder = faulty[2]
    rows = benchmarks.load(folder / "results")
    (run_json,) = (folder / "results").glob("*/run.json")
    plan = json.loads(run_json.read_text())["plan"]
    assert sorted(rows["trial_id"]) == sorted(plan)


@pytest.mark.parametrize("system", EXPECTED)
def test_the_row_says_what_happened(faulty, system):
    status, words = EXPECTED[system]
    row = faulty[1].loc[system]
    assert row["status"] == status, row["reason"]
    if words is not None:
        assert words in row["reason"]
        assert "/home" not in row["reason"]


def test_the_well_behaved_are_measured_as_if_alone(faulty):
    rows = faulty[1]
    for name in ("mapicx", "mapicx-again", "noop", "sleep", "matmul"):
        assert rows.loc[name, "status"] == "ok"
    assert rows.loc["mapicx", "accuracy_test"] > 0.7


def test_who_a_row_is_about_the_harness_says(faulty):
    rows = faulty[1]
    assert rows["run_id"].nunique() == 1 and rows.index.is_unique
    assert "\x1b" not in rows.loc["fault-forger", "reason"]
    assert "somebody" not in rows.loc["fault-forger", "reason"]


def test_no_process_and_no_folder_is_left(faulty):
    assert list((faulty[2] / "tmp").iterdir()) == []
    assert list(find_processes(faulty[2] / "tmp")) == []


def test_a_failed_system_makes_the_exit_code_1_and_is_named(faulty):
    done = faulty[0]
    assert done.returncode == 1
    assert "fault-segv" in done.stderr


def test_a_report_exists_all_the_same(faulty):
    (report,) = (faulty[2] / "reports").glob("*/report.md")
    assert "fault-hang" in report.read_text()


def test_only_failing_systems_give_exit_code_4_and_a_sentence(command, tmp_path):
    done = run(command, tmp_path, "--systems", "fault-exit", "--measures", "parity,accuracy",
               "--seeds", 1, "--preset", "smoke")  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert "No trial gave an ok row" in done.stderr


def test_an_unavailable_system_counts_only_if_it_was_named(command, tmp_path):
    done = run(command, tmp_path, "--systems", "fair,fault-missing", *OPTIONS)
    assert done.returncode == 1


def test_a_results_folder_that_cannot_be_written_is_refused_before_anything(command, tmp_path):
    blocked = tmp_path / "results"
    blocked.write_text("a file, not a folder")
    done = run(command, tmp_path, "--systems", "fair", *OPTIONS)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_two_runs_at_once_share_a_results_folder(tmp_path):
    options = ("--systems", "fair", "--measures", "accuracy", "--seeds", 2)
    both = [start(tmp_path, *options), start(tmp_path, *options)]
    for process in both:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
    frame = benchmarks.load(tmp_path / "results")
    assert frame["run_id"].nunique() == 2
    assert not frame.duplicated(["run_id", "trial_id"]).any()
