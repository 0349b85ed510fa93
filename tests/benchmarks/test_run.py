"""The main job, end to end: the real command, real frameworks, smoke size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import baselines
import benchmarks
from baselines.descriptions import describe_system
from benchmarks import run
from benchmarks.measure import machine
from benchmarks.plan import suites
from benchmarks.record.schema import FIELDS

ROOT = Path(__file__).parents[2]


# Of every framework a variant, of every family a model.
SYSTEMS = (
    "mapicx", "numpy-plain", "torch-eager", "keras-fit-tuned", "tf-function", "jax-jit",
    "sklearn-mlp", "svm-rbf-tuned", "random-forest", "bayes-rule", "majority-class",
)  # fmt: skip


def run_smoke(folder, *options):
    return subprocess.run(
        [
            sys.executable, "-m", "benchmarks.run", "--preset", "smoke", *options,
            # A relative folder, as the default is: trials run in folders of their own.
            "--results", os.path.relpath(folder / "results", ROOT), "--reports", folder / "reports",
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """`--preset smoke` of some systems: one block."""
    folder = tmp_path_factory.mktemp("smoke")
    return run_smoke(folder, "--systems", ",".join(SYSTEMS)), folder


def test_smoke_exits_0_with_every_system_ok(smoke):
    done, folder = smoke
    assert done.returncode == 0, done.stdout + done.stderr
    rows = benchmarks.load(folder / "results")
    assert set(rows["status"]) == {"ok"}
    assert set(SYSTEMS) <= set(rows["system"])


@pytest.mark.slow
def test_smoke_of_every_system_that_is_not_optional(tmp_path):
    done = run_smoke(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = benchmarks.load(tmp_path / "results")
    assert set(rows["status"]) == {"ok"}
    assert set(suites.SUITES["spiral"]["systems"]) <= set(rows["system"])
    assert not rows["compiled_again"].fillna(False).any()


def test_a_look_at_two_trials_at_once_compares_no_times(smoke):
    _, folder = smoke
    rows = benchmarks.load(folder / "results")
    assert rows["shared"].all() == (machine.count_cores() > 1)
    if machine.count_cores() > 1:
        (report,) = (folder / "reports").glob("*/report.md")
        text = report.read_text()
        assert "ran side by side" in text and "times as long" not in text


def test_the_rows_are_the_plan(smoke):
    (run_json,) = (smoke[1] / "results").glob("*/run.json")
    description = json.loads(run_json.read_text())
    rows = benchmarks.load(run_json.parent)
    assert sorted(rows["trial_id"]) == sorted(description["plan"])
    assert [entry["trial_id"] for entry in description["trials"]] == description["plan"]
    assert list(rows.columns) == list(FIELDS)


def test_every_network_did_the_same_work(smoke):
    rows = benchmarks.load(smoke[1] / "results")
    networks = rows[rows["family"] == "network"]
    for field in ("parameters", "steps", "samples_seen", "dtype"):
        assert networks[field].nunique() == 1, networks[["system", field]]
    assert networks["parameters"].iloc[0] == 4547 and networks["steps"].iloc[0] == 5


def test_the_first_block_leaves_its_arrays(smoke):
    rows = benchmarks.load(smoke[1] / "results").set_index("system")
    (arrays,) = (smoke[1] / "results").glob("*/arrays")
    names = {path.stem for path in arrays.iterdir()}
    for system in SYSTEMS:
        assert rows.loc[system, "trial_id"] in names, system


def test_nothing_is_compiled_after_reset(smoke):
    rows = benchmarks.load(smoke[1] / "results")
    assert not rows["compiled_again"].fillna(False).any()


def test_the_phases_explain_the_total_of_every_system(smoke):
    rows = benchmarks.load(smoke[1] / "results").query("measure == 'time'").set_index("system")
    phases = ("start", "import", "data", "build", "train_cold", "predict", "exit")
    explained = rows[[f"time_{phase}_s" for phase in phases]].sum(axis=1)
    gap = (rows["time_total_s"] - explained).abs()
    assert (gap <= (0.05 * rows["time_total_s"]).clip(lower=0.02)).all(), gap


def test_only_mapicx_and_its_controls_live_on_numpy_alone(smoke):
    rows = benchmarks.load(smoke[1] / "results").set_index("system")
    assert rows.loc["mapicx", "distributions"] == ["numpy"]
    assert "torch" in rows.loc["torch-eager", "distributions"]
    assert "torch" not in rows.loc["tf-function", "distributions"]


def test_table_and_report_stand_beside_the_rows(smoke):
    _, folder = smoke
    (table,) = (folder / "results").glob("*/table.csv")
    assert len(pd.read_csv(table)) == len(benchmarks.load(folder / "results"))
    (report,) = (folder / "reports").glob("*/report.html")
    text = report.read_text()
    for name in SYSTEMS:
        assert f"<td>{name}</td>" in text
    assert (report.parent / "boundaries.png").stat().st_size > 10_000


def test_plan_lists_trials_and_time_and_measures_nothing(command, tmp_path):
    done = command("benchmarks.run", "--plan", "--results", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    # On a slow machine, advice about the budget stands before the sums of the blocks.
    blocks = [line[:8] for line in lines if line.startswith("block ")]
    assert blocks == [f"block {number}:" for number in range(7)]
    assert "trials in 6 blocks, expected" in lines[-1] and "  block 6  time" in lines[-2]
    assert not (tmp_path / "results").exists()


def test_list_names_and_describes_systems_suites_workloads_and_presets(command):
    done = command("benchmarks.run", "--list", COLUMNS="200")
    assert done.returncode == 0
    for name in [*baselines.BUILT_IN, *suites.SUITES, *suites.PRESETS, "spiral-sgd"]:
        assert name in done.stdout
    for name in baselines.BUILT_IN:
        assert f"{name:24}{describe_system(name)}" in done.stdout
        assert len(describe_system(name)) > 12
    narrow = command("benchmarks.run", "--list", COLUMNS="60").stdout
    assert max(map(len, narrow.splitlines()[:-1])) <= 60
    assert "".join(narrow.split()) == "".join(done.stdout.split())


def test_the_package_lists_its_commands(command, root):
    done = command("benchmarks", COLUMNS="200")
    assert done.returncode == 0
    for path in (root / "benchmarks").glob("*.py"):
        if "build_parser" in path.read_text():
            assert f"python -m benchmarks.{path.stem}" in done.stdout
    assert done.stdout.count("python -m benchmarks.") == len(done.stdout.splitlines()) - 1
    done = command("benchmarks", "run")
    assert done.returncode == 2 and "python -m benchmarks.COMMAND" in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("--systems", "mapix", "mapicx"),
        ("--suite", "spirall", "spiral"),
        ("--workloads", "spirral", "spiral"),
        ("--preset", "fast", "smoke"),
        ("--budget", "tomorrow", "90s"),
        ("--resume", "20010101T000000-x", "there is"),
        ("--resume", "", "empty"),
        ("--suite", " ", "empty"),
        ("--systems", ",", "nothing"),
        ("--timeout", "nan", "above 0"),
        ("--memory-limit", "-5", "above 0"),
        ("--threads", "²", "from 1"),
        ("--seeds", "10000000", "10,000"),
        ("--reports", "/dev/null/reports", "--reports"),
    ],
)
def test_wrong_usage_exits_2_with_a_sentence(command, tmp_path, option, value, near):
    done = command("benchmarks.run", option, value, "--results", tmp_path)
    assert done.returncode == 2
    assert value in done.stderr and near in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--suite", "tuning", "--executor", "dask"], "leave --executor out"),
        (["--suite", "tuning", "--readme"], "--readme has no meaning"),
        (["--suite", "tuning", "--drop", "x"], "--drop has no meaning"),
        (["--suite", "tuning", "--results", "/dev/null/results"], "cannot be written"),
        (["--readme"], "there is no README.md in this folder"),
        (["--measures", "parity", "--systems", "random-forest"], "nothing would be measured"),
    ],
)
def test_what_an_option_cannot_do_here_is_said_before_anything_is_measured(
    options, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run.main(options) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_names_that_a_terminal_cannot_show_end_nothing():
    code = "from benchmarks.streams import *; run_command(lambda: say('\u5e74\u9f62') or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=os.environ | {"PYTHONIOENCODING": "ascii"})  # fmt: skip
    assert "u5e74" in done.stdout and not done.stderr


def test_help_shows_an_example(command):
    for module in ("benchmarks.run", "benchmarks.report", "benchmarks.doctor"):
        done = command(module, "--help")
        assert done.returncode == 0 and f"python -m {module}" in done.stdout


def test_a_framework_that_is_not_installed_is_a_row_and_not_an_error(command, tmp_path):
    """A module that shadows torch and cannot be imported stands for its absence."""
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    done = command(
        "benchmarks.run", "--preset", "smoke", "--workloads", "spiral", "--measures", "time",
        "--results", tmp_path / "r", "--reports", tmp_path / "p", "--systems", "mapicx,torch-eager",
        PYTHONPATH=str(tmp_path),
    )  # fmt: skip
    row = benchmarks.load(tmp_path / "r").set_index("system").loc["torch-eager"]
    assert row["status"] == "unavailable" and '".[torch]"' in row["reason"]
    assert done.returncode == 1  # it was named


def test_a_budget_ends_after_a_whole_block_and_resume_goes_on(command, tmp_path):
    options = ("--results", tmp_path / "r", "--reports", tmp_path / "p")
    done = command(
        "benchmarks.run", "--systems", "mapicx", "--measures", "time",
        "--seeds", 50, "--budget", "6s", *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = benchmarks.load(tmp_path / "r")
    counts = rows.groupby("block")["system"].nunique()
    # The last block may have taken longer than expected; then the budget ended it, too.
    assert (counts[:-1] == 5).all() and counts.iloc[0] == 5 and 1 <= len(counts) < 50
    (folder,) = (tmp_path / "r").iterdir()
    again = command("benchmarks.run", "--resume", folder.name, "--budget", "20s", *options)
    assert again.returncode == 0, again.stderr
    assert len(benchmarks.load(tmp_path / "r")) > len(rows)
