"""python -m benchmarks.run --data: from a file to rows and a report, through the real command."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn import datasets

import benchmarks

SYSTEMS = "mapicx,sklearn-mlp,random-forest"
COLUMN, CLASS, OTHER = "=cmd|' /C calc'!A0", "<b>red</b>|x", "=1+1"


def own(name):
    """One of scikit-learn's tables as a user would have it."""
    return getattr(datasets, f"load_{name}")(as_frame=True).frame


def run(command, folder, *options):
    return command(
        "benchmarks.run", "--results", folder / "results", "--reports", folder / "reports",
        *options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run on a table whose names try to be formulas, markup and table cells."""
    folder = tmp_path_factory.mktemp("own")
    whole = own("wine").rename(columns={"alcohol": COLUMN})
    whole["target"] = whole["target"].map({0: CLASS, 1: OTHER, 2: "white"})
    whole.loc[[3, 50, 120], "ash"] = None
    whole.to_csv(folder / "my wine.csv", index=False)
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.run", "--data", folder / "my wine.csv",
            "--target", "target", "--systems", SYSTEMS, "--seeds", "1", "--missing", "indicator",
            "--measures", "time,parity",
            "--results", folder / "results", "--reports", folder / "reports",
        ],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return done, folder


def only(folder, pattern):
    (found,) = folder.glob(pattern)
    return found


def test_every_system_is_measured_and_what_was_chosen_is_printed(hostile):
    done, folder = hostile
    assert done.returncode == 0, done.stderr
    for words in (
        "'my wine.csv'",
        "classification into 3 classes",
        "Network 14-32-32-3",
        "('ash' 3)",
    ):
        assert words in done.stdout
    rows = benchmarks.load(only(folder, "results/local/*"))
    timed = rows[rows["measure"].eq("time") & rows["repeat"].eq(0)].set_index("system")
    for name in SYSTEMS.split(","):
        assert timed.loc[name, "status"] == "ok"
        assert timed.loc[name, "accuracy_test"] > 0.85
        assert timed.loc[name, "balanced_accuracy_test"] > 0.8 and timed.loc[name, "auc_test"] > 0.9
    for name in ("mapicx", "sklearn-mlp"):
        assert timed.loc[name, "comparable"], timed.loc[name, "parity_max_abs"]


def test_the_run_says_what_was_learnt_from_which_file(hostile):
    facts = json.loads(only(hostile[1], "results/local/*/run.json").read_text())["table"]
    assert (facts["file"], facts["rows"], facts["target"]) == ("my wine.csv", 178, "target")
    assert facts["task"] == "classification" and facts["classes"] == [CLASS, OTHER, "white"]
    assert COLUMN in facts["columns"] and facts["notes"]
    assert facts["missing"] == "indicator" and facts["missing_values"] == {"ash": 3}


def test_no_folder_of_the_user_is_recorded(hostile):
    _, folder = hostile
    for path in [*folder.glob("results/local/*/*.*"), *folder.glob("reports/local/*/*.*")]:
        if path.suffix in (".json", ".jsonl", ".csv", ".md"):
            assert str(folder) not in path.read_text(), path.name


def test_nothing_from_the_file_is_markup_or_a_formula(hostile):
    _, folder = hostile
    report = only(folder, "reports/local/*/report.md").read_text()
    assert "<b>" not in report and COLUMN not in report
    assert "SimpleImputer" in only(folder, "reports/local/*/report.html").read_text()
    for path in [*folder.glob("results/local/*/table.csv"), *folder.glob("reports/local/*/*.csv")]:
        for line in csv.reader(path.read_text().splitlines()):
            assert not [cell for cell in line if cell.startswith(("=", "@")) or "<b>" in cell]


def test_a_run_on_a_table_is_resumed_with_the_same_file_only(hostile, command):
    _, folder = hostile
    name = only(folder, "results/local/*").name
    without = run(command, folder, "--resume", name)
    assert without.returncode == 2 and "'my wine.csv'" in without.stderr
    other = folder / "other.csv"
    own("iris").to_csv(other, index=False)
    wrong = run(command, folder, "--resume", name, "--data", other)
    assert wrong.returncode == 2 and "SHA-256" in wrong.stderr
    target = run(
        command, folder, "--resume", name, "--data", folder / "my wine.csv", "--target", "ash"
    )
    assert target.returncode == 2 and "does not agree" in target.stderr
    missing = run(
        command, folder, "--resume", name, "--data", folder / "my wine.csv", "--missing", "drop"
    )
    assert missing.returncode == 2 and "which has 'indicator'" in missing.stderr
    again = run(command, folder, "--resume", name, "--data", folder / "my wine.csv", "--force")
    assert again.returncode == 0 and "0 trials" in again.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--data", "missing.csv", "--target", "y"], "there is no file 'missing.csv'"),
        (["--target", "y"], "--data"),
        (["--task", "regression"], "--data"),
        (["--data", "missing.csv", "--target", "y", "--suite", "spiral"], "exclude each other"),
        (["--data", "missing.csv", "--target", "y", "--workloads", "spiral"], "exclude each other"),
        (["--data", "x.csv", "--target", "y", "--workload-file", "w.toml"], "exclude each other"),
        (["--data", "missing.csv", "--target", "y", "--readme"], "leave it out"),
    ],
)
def test_wrong_usage_is_one_sentence_and_leaves_nothing_behind(command, tmp_path, options, words):
    done = run(command, tmp_path, *options)
    assert done.returncode == 2 and words in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_bad_table_ends_before_anything_is_trained(command, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("a,b\n" + "1,2\n" * 30)
    done = run(command, tmp_path, "--data", path, "--target", "b")
    assert done.returncode == 2 and "'b'" in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.csv"]


def test_a_plan_is_shown_without_measuring(command, tmp_path):
    own("diabetes").to_csv(tmp_path / "mine.csv", index=False)
    done = run(
        command, tmp_path, "--data", tmp_path / "mine.csv", "--target", "target", "--plan",
        "--drop", "sex", "--drop", "age", "--seeds", 300, "--budget", "9h",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "regression" in done.stdout and "logistic-regression" in done.stdout
    assert "bayes-rule on table: P(class | x) is unknown" in done.stdout
    assert "Left out, as asked: 'sex', 'age'." in done.stdout
    assert "This table takes long" in done.stdout and re.search(r"Or --budget \d+m", done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "score", "least"),
    [("wine", "accuracy_test", 0.9), ("breast_cancer", "accuracy_test", 0.9),
     ("diabetes", "r2_test", 0.2)],
)  # fmt: skip
def test_scikit_learns_tables_run_to_the_end(command, tmp_path, name, score, least):
    own(name).to_csv(tmp_path / f"{name}.csv", index=False)
    done = run(
        command, tmp_path, "--data", tmp_path / f"{name}.csv", "--target", "target",
        "--systems", SYSTEMS, "--seeds", 2,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = benchmarks.load(tmp_path / "results")
    assert set(rows["status"]) == {"ok"}
    assert only(tmp_path, "reports/local/*/report.md").exists()
    scores = rows[rows["family"].ne("control") & rows["measure"].eq("time")][score]
    assert scores.mean() > least
