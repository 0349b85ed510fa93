"""Whatever a system does, the run goes on and its row says what happened.

Through the real command, with the plug-in of faults that stands in the folder plugin/.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import benchmarks

pytestmark = pytest.mark.faults

PLUGIN = str(Path(__file__).parent / "plugin")
# system -> (status, words of the reason)
EXPECTED = {
    "fault-exit": ("crashed", "exit code 3"),
    "fault-kill": ("crashed", "SIGKILL"),
    "fault-segv": ("crashed", "SIGSEGV"),
    "fault-hang": ("timeout", "6 s"),
    "fault-orphan": ("ok", None),
    "fault-hog": ("oom", "700 MiB"),
    "fault-flood": ("timeout", "6 s"),
    "fault-garbage": ("invalid", "no row"),
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
    "fault-import": ("unavailable", "a_module_that_does_not_exist"),
    "fault-import-hang": ("timeout", "6 s"),
    "fair": ("ok", None),
}
OPTIONS = ("--measures", "time", "--seeds", 1, "--timeout", 6, "--memory-limit", 700)


def run(command, folder, *options):
    return command(
        "benchmarks.run", "--results", folder / "results", "--reports", folder / "reports",
        *options, PYTHONPATH=PLUGIN,
    )  # fmt: skip


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """One run of every fault, two well-behaved systems among them."""
    folder = tmp_path_factory.mktemp("faults")
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.run", "--systems", f"mapicx,{','.join(EXPECTED)}",
            "--results", folder / "results", "--reports", folder / "reports", *map(str, OPTIONS),
        ],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": PLUGIN},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    return done, benchmarks.load(folder / "results").set_index("system"), folder


def test_every_planned_trial_has_exactly_one_row(faulty):
    _, rows, folder = faulty
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


def start(folder, *options):
    return subprocess.Popen(
        [
            sys.executable, "-m", "benchmarks.run", "--results", folder / "results",
            "--reports", folder / "reports", *map(str, options),
        ],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": PLUGIN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def until_rows(folder, count, limit=60):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        files = list((folder / "results").glob("*/trials.jsonl"))
        if files and files[0].read_bytes().count(b"\n") >= count:
            return files[0].parent
        time.sleep(0.02)
    raise AssertionError(f"no {count} rows within {limit} s")


def test_ctrl_c_keeps_the_rows_reports_and_can_be_resumed(command, tmp_path):
    process = start(tmp_path, "--systems", "mapicx,fair", "--measures", "time", "--seeds", 3)
    folder = until_rows(tmp_path, 4)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    before = (folder / "trials.jsonl").read_bytes()
    assert list((tmp_path / "reports").glob("*/report.md"))
    done = run(command, tmp_path, "--resume", folder.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "trials.jsonl").read_bytes().startswith(before)
    plan = json.loads((folder / "run.json").read_text())["plan"]
    assert sorted(benchmarks.load(folder)["trial_id"]) == sorted(plan)


@pytest.mark.parametrize("times", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_kill_9_at_random_moments_loses_and_doubles_nothing(command, tmp_path, times):
    import random

    options = ["--systems", "fair", "--measures", "time", "--seeds", max(6, times // 2)]
    process = start(tmp_path, *options)
    folder = until_rows(tmp_path, 1)
    moments = random.Random(times)
    for _ in range(times):
        before = (folder / "trials.jsonl").read_bytes()
        whole = before[: before.rfind(b"\n") + 1]
        time.sleep(moments.uniform(0.05, 1.5))
        process.kill()
        process.wait()
        assert (folder / "trials.jsonl").read_bytes().startswith(whole)
        benchmarks.load(folder)
        process = start(tmp_path, "--resume", folder.name)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    plan = json.loads((folder / "run.json").read_text())["plan"]
    assert sorted(benchmarks.load(folder)["trial_id"]) == sorted(plan)


def test_resume_refuses_changed_code_with_a_sentence_and_force_overrides(command, tmp_path):
    options = ("--systems", "fair", "--measures", "time", "--seeds", 1)
    assert run(command, tmp_path, *options).returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    description = json.loads((folder / "run.json").read_text())
    description["digests"]["mapicx"] = "another"
    (folder / "run.json").write_text(json.dumps(description))
    refused = run(command, tmp_path, "--resume", folder.name)
    assert refused.returncode == 2 and "code changed" in refused.stderr
    assert run(command, tmp_path, "--resume", folder.name, "--force").returncode == 0
    assert "mapicx" in (folder / "forced.jsonl").read_text()


def test_resume_of_a_complete_run_measures_nothing_and_exits_0(command, tmp_path):
    options = ("--systems", "fair", "--measures", "time", "--seeds", 1)
    assert run(command, tmp_path, *options).returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    before = (folder / "trials.jsonl").read_bytes()
    assert run(command, tmp_path, "--resume", folder.name).returncode == 0
    assert (folder / "trials.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    "options", [("--systems", "mapicx"), ("--suite", "steps"), ("--seeds", "9")]
)
def test_resume_refuses_options_that_do_not_agree(command, tmp_path, options):
    assert run(command, tmp_path, "--systems", "fair", "--measures", "time",
               "--seeds", 1).returncode == 0  # fmt: skip
    (folder,) = (tmp_path / "results").iterdir()
    done = run(command, tmp_path, "--resume", folder.name, *options)
    assert done.returncode == 2 and options[0] in done.stderr


def test_two_runs_at_once_share_a_results_folder(tmp_path):
    options = ("--systems", "fair", "--measures", "time", "--seeds", 1)
    both = [start(tmp_path, *options), start(tmp_path, *options)]
    for process in both:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
    frame = benchmarks.load(tmp_path / "results")
    assert frame["run_id"].nunique() == 2
    assert not frame.duplicated(["run_id", "trial_id"]).any()


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX matter")
def test_a_full_disk_ends_the_run_with_a_sentence_and_loses_no_row(command, tmp_path):
    """A limit on file sizes stands for the disk: the rows' file cannot grow beyond it."""
    import resource

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

    process = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.run", "--results", tmp_path / "results",
            "--reports", tmp_path / "reports", "--systems", "fair", "--measures", "time",
            "--seeds", "14",
        ],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": PLUGIN},
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert process.returncode == 1, process.stdout
    assert "could not be recorded" in process.stderr and "--resume" in process.stderr
    (folder,) = (tmp_path / "results").iterdir()
    before = len(benchmarks.load(folder))
    assert before > 10
    done = run(command, tmp_path, "--resume", folder.name)
    assert done.returncode == 0, done.stderr
    plan = json.loads((folder / "run.json").read_text())["plan"]
    assert sorted(benchmarks.load(folder)["trial_id"]) == sorted(plan) and len(plan) > before
