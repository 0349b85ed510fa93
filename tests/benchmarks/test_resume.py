"""A run that ended early, however it did, is continued: no row is lost, none is there twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import benchmarks
from benchmarks.errors import UsageError
from benchmarks.measure.resume import compare_options, resume_run
from benchmarks.measure.workspace import find_processes
from benchmarks.plan.trials import read_trial
from benchmarks.record.rows import read_run
from benchmarks.record.store import Store
from benchmarks.run import build_parser
from tests.benchmarks.processes import PLUGIN, ROOT, run, start, until_rows

pytestmark = pytest.mark.faults
# Nothing is timed, so a trial takes half a second, and as many run at once as there are cores.
QUICK = ("--systems", "fair", "--measures", "memory")
PER_BLOCK = 3  # trials: the system and two controls


@pytest.fixture(autouse=True)
def plug_in(monkeypatch):
    """The plug-in is installed in this process, too: a run is continued where its versions are."""
    monkeypatch.syspath_prepend(PLUGIN)


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A complete run of two blocks."""
    folder = tmp_path_factory.mktemp("complete")
    process = start(folder, *QUICK, "--seeds", 2)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return folder


@pytest.fixture
def copied(complete, tmp_path):
    """The complete run, in a folder that a test may change."""
    shutil.copytree(complete, tmp_path, dirs_exist_ok=True)
    (folder,) = (tmp_path / "results").iterdir()
    return folder


def change(folder: Path, **values):
    """Write other values into run.json."""
    description = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(description | values))
    return description


def resume(folder: Path, *options: object):
    """What the command would continue, in this process."""
    words = ["--results", folder.parent, "--resume", folder.name, *options]
    return resume_run(build_parser().parse_args(list(map(str, words))))


def assert_complete(folder: Path):
    plan = json.loads((folder / "run.json").read_text())["plan"]
    assert sorted(benchmarks.load(folder)["trial_id"]) == sorted(plan)


def test_resume_of_a_complete_run_measures_nothing_and_exits_0(command, copied):
    before = (copied / "trials.jsonl").read_bytes()
    done = run(command, copied.parents[1], "--resume", copied.name)
    assert done.returncode == 0, done.stderr
    assert (copied / "trials.jsonl").read_bytes() == before


def test_resume_refuses_changed_code_with_a_sentence_and_force_overrides(command, copied):
    description = json.loads((copied / "run.json").read_text())
    change(copied, digests=description["digests"] | {"mapicx": "another"})
    with pytest.raises(UsageError, match="code changed"):
        resume(copied)
    assert run(command, copied.parents[1], "--resume", copied.name, "--force").returncode == 0
    assert "mapicx" in (copied / "forced.jsonl").read_text()


def test_the_command_that_began_a_run_continues_it(copied):
    assert len(resume(copied, *QUICK, "--seeds", 2).plan) == 2 * PER_BLOCK
    defaults = ("--suite", "spiral", "--preset", "quick", "--threads", 1)
    assert len(resume(copied, *defaults).plan) == 2 * PER_BLOCK


@pytest.mark.parametrize(
    "options", [("--systems", "mapicx"), ("--suite", "steps"), ("--seeds", "9")]
)
def test_resume_refuses_options_that_do_not_agree(copied, options):
    with pytest.raises(UsageError, match=f"{options[0]} .* does not agree"):
        resume(copied, *options)


def test_the_seeds_of_a_run_are_its_blocks_however_many_seeds_of_accuracy_it_has():
    name = re.search(r"mapicx:table spiral run=(\S+)", (ROOT / "README.md").read_text())[1]
    run = ROOT / "results" / name
    plan = [read_trial(entry) for entry in read_run(run)["trials"]]
    assert len({trial.seed for trial in plan}) == 29
    for seeds, agrees in (("12", True), ("29", False)):
        options = build_parser().parse_args(["--resume", run.name, "--seeds", seeds])
        refused = contextlib.nullcontext() if agrees else pytest.raises(UsageError, match="has 12")
        with refused:
            compare_options(options, read_run(run), plan)


def test_a_continued_run_has_its_budget_again_unless_another_is_given(copied):
    change(copied, budget_s=77.0)
    assert resume(copied).budget_s == 77.0
    assert resume(copied, "--budget", "2m").budget_s == 120.0
    change(copied, budget_s=None)
    assert resume(copied).budget_s is None


def test_latest_is_the_newest_run_that_is_not_complete(copied):
    with pytest.raises(UsageError, match="no unfinished run"):
        resume(copied, "--resume", "latest")
    (copied / "trials.jsonl").write_text("")
    newer = copied.with_name("29990101T000000-spiral-0000")
    newer.mkdir()
    (newer / "run.json").write_text("{}")
    assert resume(copied, "--resume", "latest").store.run == copied


@pytest.mark.parametrize(
    "values",
    [
        {"plan": []}, {"plan": 7}, {"trials": [7]}, {"trials": None}, {"workloads": {}},
        {"workloads": {"spiral": {"name": "spiral"}}}, {"requires": {"fair": 7}},
        {"versions": None}, {"skipped": [{}]}, {"named": [None]}, {"suite": 3},
        {"budget_s": "10m"}, {"budget_s": -1},
    ],
)  # fmt: skip
def test_a_run_json_that_was_changed_is_refused_with_a_sentence(copied, values):
    change(copied, **values)
    with pytest.raises(UsageError, match="cannot be continued"):
        resume(copied)


@pytest.mark.parametrize(
    ("field", "value"),
    [("dtype", "x/../../dir"), ("system", "../fair"), ("seed", -1), ("seed", 1.5), ("threads", 0),
     ("measure", "taste"), ("workload", "moons"), ("trial_id", "0" * 16)],
)  # fmt: skip
def test_a_trial_that_was_changed_is_refused_with_a_sentence(copied, field, value):
    trials = json.loads((copied / "run.json").read_text())["trials"]
    trials[0][field] = value
    change(copied, trials=trials)
    with pytest.raises(UsageError, match="cannot be continued"):
        resume(copied)


@pytest.mark.parametrize("content", ["", "[]", "not json", '{"plan": ', "[" * 100_000])
def test_a_run_json_that_is_none_is_refused_with_a_sentence(copied, content):
    (copied / "run.json").write_text(content)
    with pytest.raises(UsageError, match="cannot be continued"):
        resume(copied)


def test_a_second_process_does_not_measure_the_same_run(command, copied):
    with Store(copied).lock():
        done = run(command, copied.parents[1], "--resume", copied.name)
    assert done.returncode == 2 and "another process" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_keeps_the_rows_reports_and_leaves_nothing(command, tmp_path, number):
    (tmp_path / "tmp").mkdir()
    process = start(tmp_path, *QUICK, "--seeds", 3, TMPDIR=str(tmp_path / "tmp"))
    folder = until_rows(tmp_path, 3)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert list((tmp_path / "reports").glob("*/report.md"))
    assert list((tmp_path / "tmp").iterdir()) == [] and list(find_processes(tmp_path / "tmp")) == []
    if number == signal.SIGINT:
        before = (folder / "trials.jsonl").read_bytes()
        assert run(command, tmp_path, "--resume", folder.name).returncode == 0
        assert (folder / "trials.jsonl").read_bytes().startswith(before)
        assert_complete(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
@pytest.mark.parametrize("begun", [False, True], ids=["as the folder is made", "in a trial"])
def test_an_interrupt_before_the_first_row_leaves_no_run(tmp_path, begun):
    process = start(tmp_path, "--systems", "fault-hang", "--measures", "accuracy", "--seeds", 1)
    limit = time.monotonic() + 60
    while not list((tmp_path / "results").glob("*/run.json")):
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.001)
    time.sleep(2 * begun)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert list((tmp_path / "results").glob("*-*")) == [], output


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
def test_an_interrupt_among_many_seeds_begins_no_further_process(tmp_path):
    process = start(
        tmp_path, "--systems", "mapicx,fault-hang", "--measures", "accuracy", "--seeds", 4,
        "--timeout", 90,
    )  # fmt: skip
    until_rows(tmp_path, 4)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)  # one more seed that hangs would take longer
    assert process.returncode == 130


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
def test_a_killed_run_leaves_no_process_and_no_folder(tmp_path):
    (tmp_path / "tmp").mkdir()
    process = start(tmp_path, *QUICK, "--seeds", 3, TMPDIR=str(tmp_path / "tmp"))
    until_rows(tmp_path, 1)
    process.kill()
    process.communicate(timeout=60)  # its guard ends the others and removes the folders
    limit = time.monotonic() + 60
    while list((tmp_path / "tmp").iterdir()) or list(find_processes(tmp_path / "tmp")):
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
@pytest.mark.parametrize(
    ("times", "names"),
    [
        (3, ["SIGKILL"]),
        pytest.param(200, ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"], marks=pytest.mark.slow),
    ],
    ids=["3 KILL", "200 of KILL, TERM, HUP, INT"],
)
def test_signals_at_random_moments_lose_and_double_nothing(tmp_path, times, names):
    (tmp_path / "tmp").mkdir()
    variables = {"TMPDIR": str(tmp_path / "tmp")}
    process = start(tmp_path, *QUICK, "--seeds", times, **variables)
    folder = until_rows(tmp_path, 1)
    moments = random.Random(times)
    for _ in range(times):
        before = (folder / "trials.jsonl").read_bytes()
        whole = before[: before.rfind(b"\n") + 1]
        if moments.random() < 0.5:  # the others hit the start
            until_rows(tmp_path, before.count(b"\n") + 1)
        time.sleep(moments.uniform(0.05, 1.0))
        process.send_signal(getattr(signal, moments.choice(names)))
        process.communicate(timeout=120)
        assert (folder / "trials.jsonl").read_bytes().startswith(whole)
        benchmarks.load(folder)
        process = start(tmp_path, "--resume", folder.name, **variables)
    output, _ = process.communicate(timeout=1800)
    assert process.returncode == 0, output
    assert_complete(folder)
    assert list((tmp_path / "tmp").iterdir()) == [] and list(find_processes(tmp_path / "tmp")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
def test_time_while_the_harness_was_stopped_is_measured_again(tmp_path):
    stopped_s = 9  # no trial takes as long, however busy the machine
    process = start(tmp_path, "--systems", "fair", "--measures", "time", "--seeds", 1)
    folder = until_rows(tmp_path, 1)
    process.send_signal(signal.SIGSTOP)
    time.sleep(stopped_s)
    process.send_signal(signal.SIGCONT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    rows = benchmarks.load(folder)
    assert set(rows["status"]) == {"ok"} and rows["time_total_s"].max() < stopped_s


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX matter")
def test_a_full_disk_ends_the_run_with_a_sentence_and_loses_no_row(command, tmp_path):
    """A limit on file sizes stands for the disk: the rows' file cannot grow beyond it."""
    import resource

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (28_000, resource.RLIM_INFINITY))

    process = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.run", "--results", tmp_path / "results",
            "--reports", tmp_path / "reports", *QUICK, "--seeds", "8",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PLUGIN},
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert process.returncode == 1, process.stdout
    assert "ended early" in process.stderr and "--resume" in process.stderr
    (folder,) = (tmp_path / "results").iterdir()
    before = benchmarks.load(folder)
    assert len(before) > 10 and set(before["status"]) == {"ok"}
    done = run(command, tmp_path, "--resume", folder.name)
    assert done.returncode == 0, done.stderr
    assert len(benchmarks.load(folder)) > len(before)
    assert_complete(folder)
