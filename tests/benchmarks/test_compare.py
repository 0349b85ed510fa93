"""The command that compares two revisions or runs: verdicts, exit codes, what is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import compare
from benchmarks.analyse.revision_comparison import TIMED, judge_counts, judge_times
from benchmarks.analyse.run_comparison import find_differences, pair_rows
from benchmarks.analyse.verdicts import Kind
from benchmarks.errors import UsageError
from benchmarks.measure import sides
from benchmarks.measure.interleave import Samples
from tests.benchmarks import synthetic

ROOT = Path(__file__).parents[2]
PLACE = "        self.output = xp.maximum(inputs, 0)"
# Work that a recorder replays: a step of the small network takes about 1.4 times as long.
SLOWER = f"        xp.exp(inputs)\n{PLACE}"


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=folder,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A small repository with the engine and the systems, of one commit."""
    made = tmp_path / "repository"
    for name in ("mapicx", "baselines"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, made / name, ignore=ignored)
    git(made, "init", "-q")
    git(made, "add", ".")
    git(made, "commit", "-q", "-m", "first")
    return made


def change(repository, file, old, new):
    path = repository / file
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new))
    git(repository, "commit", "-q", "-a", "-m", "changed")


def start(repository, temporary, *arguments):
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "benchmarks.compare", *map(str, arguments)],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(true, limit=60.0):
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_revision_against_itself_is_not_slower_and_leaves_nothing(repository, tmp_path):
    saved = tmp_path / "saved.json"
    process = start(repository, tmp_path / "tmp", "HEAD", "HEAD", "--budget", "2s",
                    "--format", "md", "--save", saved)  # fmt: skip
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    kept = json.loads(saved.read_text())
    assert kept["verdict"] in ("equivalent", "undecided", "faster")
    words = {found["name"]: found["verdict"] for found in kept["findings"]}
    counted = ("python_calls", "numpy_calls", "modules", "package_bytes", "accuracy", "parity")
    assert {words[name] for name in counted} == {"equivalent"}
    calls = next(found for found in kept["findings"] if found["name"] == "numpy_calls")
    assert calls["base"] > 5  # products, activations, loss and update of a step
    assert "| step time, small network" in output and "Both sides are the same commit." in output
    assert list((tmp_path / "tmp").iterdir()) == []
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_slower_layer_ends_slower_and_names_the_step_time(repository, tmp_path):
    change(repository, "mapicx/layers.py", PLACE, SLOWER)
    process = start(repository, tmp_path / "tmp", "HEAD~1", "HEAD", "--budget", "3m",
                    "--format", "md")  # fmt: skip
    output, errors = process.communicate(timeout=400)
    assert process.returncode == 3, output + errors
    assert "**slower:** step time, small network slower" in output
    assert re.search(r"NumPy calls per step \| 14.0 \| 15.0 .* more \|", output), output


@pytest.mark.slow
def test_a_revision_against_itself_is_never_slower_in_ten_tries(repository, tmp_path):
    for _ in range(10):
        process = start(repository, tmp_path / "tmp", "HEAD", "HEAD", "--budget", "45s")
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, output + errors


@pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_whatever_ends_it_leaves_nothing_behind(repository, tmp_path, number):
    temporary = tmp_path / "tmp"
    process = start(repository, temporary, "HEAD", "HEAD", "--budget", "60s")
    until(lambda: list(temporary.glob("*/scratch-base/*.log")))
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else -number), errors
    until(lambda: not list(temporary.iterdir()))
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_code_that_was_imported_from_elsewhere_stops_the_comparison(tmp_path):
    side = sides.Side("main", tmp_path, tmp_path, tmp_path / "spec.json")
    (tmp_path / "mapicx").mkdir()
    own = {"mapicx": str(tmp_path / "mapicx" / "__init__.py")}
    sides.check_files(side, "mapicx", own)
    for elsewhere in (str(ROOT / "mapicx" / "__init__.py"), None):
        with pytest.raises(UsageError, match="imported from elsewhere"):
            sides.check_files(side, "mapicx", {"mapicx": elsewhere})
    with pytest.raises(UsageError, match="does not hold the system"):
        sides.check_files(side, "mapicx", own | {"baselines.engine": own["mapicx"]})


def test_where_the_twin_differs_too_nothing_is_slower():
    slow, same = [0.3, 0.31, 0.29] * 4, [0.0, 0.01, -0.01] * 4
    judged = {}
    for name, twin in (("fit", same), ("unfit", slow)):
        samples = Samples(
            logs={("total_s", "head"): slow, ("total_s", "twin"): twin}, max_rounds=20
        )
        judged[name] = judge_times("total_s", TIMED["total_s"], samples).verdict.kind
    assert judged == {"fit": Kind.MORE, "unfit": Kind.UNDECIDED}


def test_counts_are_judged_by_limits():
    base = {"python_calls": 25.0, "accuracy": 0.84, "allocated_bytes": 50_000, "weights": [[1.0]]}
    head = {"python_calls": 26.0, "accuracy": 0.82, "allocated_bytes": 51_000, "weights": [[1.1]]}
    found = {one.name: one for one in judge_counts({"base": base, "head": head, "twin": base})}
    assert {name for name, one in found.items() if one.is_worse} == {
        "python_calls", "accuracy", "parity",
    }  # fmt: skip
    assert found["allocated_bytes"].verdict.kind is Kind.EQUIVALENT
    restless = base | {"python_calls": 26.0}  # what base differs from itself is no difference
    found = {one.name: one for one in judge_counts({"base": base, "head": head, "twin": restless})}
    assert not found["python_calls"].is_worse
    better = {one.name: one for one in judge_counts({"base": head, "head": base, "twin": head})}
    assert better["accuracy"].word == "higher" and better["accuracy"].is_better


def refuse(capsys, *arguments):
    """The sentence with which the command refuses."""
    assert compare.main([str(one) for one in arguments]) == 2
    sentence = capsys.readouterr().err
    assert "Traceback" not in sentence
    return sentence


def test_what_cannot_be_compared_gets_a_sentence(repository, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    assert "neither a recorded run nor a git revision" in refuse(capsys, "HEAD", "no-such-thing")
    assert "neither" in refuse(capsys, "--", "HEAD", "--help")
    run = synthetic.run_folder(tmp_path / "results", synthetic.rows(2))
    assert "two of one kind" in refuse(capsys, run, "HEAD")
    assert "not a duration" in refuse(capsys, "HEAD", "HEAD", "--budget", "soon")
    (repository / "mapicx" / "layers.py").write_text("")
    sentence = refuse(capsys, "HEAD", "HEAD")
    assert "layers.py" in sentence and "commit or stash" in sentence
    monkeypatch.chdir(tmp_path)
    assert "no git repository" in refuse(capsys, "HEAD", "HEAD")


def test_a_base_without_what_is_measured_gets_a_sentence(repository, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    change(repository, "mapicx/__init__.py", "import Mapicx, load", "import load")
    sentence = refuse(capsys, "HEAD", "HEAD")
    assert "cannot be compared on mapicx" in sentence and "Mapicx" in sentence
    assert "unheard-of" in refuse(capsys, "HEAD~1", "HEAD~1", "--system", "unheard-of")


def runs(tmp_path, slower=1.0, **override):
    """Two recorded runs; in the second mapicx takes `slower` times as long."""
    systems = synthetic.SYSTEMS | {"matmul": ("control", 0.1, 0.05, 40, None)}
    changed = dict(systems)
    family, begin, train, peak, accuracy = systems["mapicx"]
    changed["mapicx"] = (family, begin * slower, train * slower, peak, accuracy)
    first = synthetic.rows(6, systems, run_id="20260102T030405-one")
    second = synthetic.rows(6, changed, run_id="20260103T030405-two", seed=1, **override)
    return [synthetic.run_folder(tmp_path / "results", rows) for rows in (first, second)]


def test_a_slower_run_is_found_by_its_paired_trials(tmp_path, capsys):
    base, head = runs(tmp_path, slower=1.5)
    assert compare.main([str(base), str(head), "--format", "md"]) == 3
    output = capsys.readouterr().out
    assert output.count("| slower |") >= 3 and "start" not in output.split("\n")[0]
    assert all("mapicx" in line for line in output.splitlines() if "| slower |" in line)
    assert compare.main([base.name, base.name, "--results", str(tmp_path / "results")]) == 0
    assert "equivalent" in capsys.readouterr().out


def test_scores_are_paired_within_one_measure():
    made = synthetic.rows(6)

    def compare_without(measure):
        """Compare with a run that has scores in all measures but this one; base lacks memory's."""
        sides = [
            synthetic.frame(
                [r | ({"accuracy_test": None} if r["measure"] == m else {}) for r in made]
            )
            for m in ("memory", measure)
        ]
        return [x.base.n for x in find_differences(pair_rows(*sides)) if x.name == "accuracy_test"]

    assert compare_without("time") == []
    assert set(compare_without("parity")) == {6}


def test_the_repeats_of_a_block_are_one_pair():
    made = synthetic.rows(6)
    repeated = [row | {"repeat": n, "trial_id": f"{row['trial_id']}-{n}"}
                for row in made for n in range(5)]  # fmt: skip
    sides = (synthetic.frame(repeated), synthetic.frame(repeated))
    for found in find_differences(pair_rows(*sides)):
        assert found.base.n <= 6, found.name


def test_workloads_of_one_name_that_differ_are_no_pairs():
    made = synthetic.rows(6)
    other = [row | {"workload_digest": "another"} for row in made]
    assert pair_rows(synthetic.frame(made), synthetic.frame(other)).empty


def test_times_of_trials_that_shared_the_machine_are_not_compared():
    shared = synthetic.frame([row | {"shared": True} for row in synthetic.rows(6)])
    names = {found.name for found in find_differences(pair_rows(shared, shared))}
    assert "memory_peak_bytes" in names and not any(name.startswith("time") for name in names)


def test_runs_of_other_trials_or_machines_are_refused(tmp_path, capsys):
    base, head = runs(tmp_path, machine_id="machine-b")
    assert "--cross-machine" in refuse(capsys, base, head)
    assert compare.main([str(base), str(head), "--cross-machine"]) == 0
    assert "different machines" in capsys.readouterr().out
    other = synthetic.rows(2, workload="moons", run_id="20260104T030405-moons")
    moons = synthetic.run_folder(tmp_path / "results", other)
    assert "no trial in common" in refuse(capsys, base, moons)
