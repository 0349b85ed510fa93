"""The parity gate: who trains another network is caught, and no ratio with it is printed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benchmarks
from benchmarks.analyse.summary import summarise

PLUGIN = str(Path(__file__).parent / "plugin")


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    import os
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("parity")
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.run", "--systems", "mapicx,honest-copy,wrong-rate",
            "--measures", "parity,time", "--preset", "smoke", "--workloads", "spiral,spiral-sgd",
            "--results", folder / "results", "--reports", folder / "reports",
        ],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": PLUGIN},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_a_learning_rate_one_percent_off_is_caught_and_an_honest_copy_is_not(gated):
    rows = benchmarks.load(gated / "results")
    parity = rows[rows["measure"] == "parity"]
    verdicts = parity.groupby("system")["comparable"].agg(list).to_dict()
    assert verdicts["honest-copy"] == verdicts["mapicx"] == [True, True]
    assert verdicts["wrong-rate"] == [False, False]
    assert set(parity["status"]) == {"ok"}
    assert (parity.set_index("system").loc["wrong-rate", "parity_max_abs"] > 1e-6).all()


def test_a_table_with_close_columns_and_an_extreme_row_does_not_separate_equal_networks(
    command, tmp_path
):
    """scikit-learn adds epsilon before Adam's bias correction, numpy-plain after it."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(90, 1)) + 1e-3 * rng.normal(size=(90, 7)))
    table.iloc[0] *= 1000
    table["y"] = rng.normal(size=90)
    table.to_csv(tmp_path / "close.csv", index=False)
    done = command(
        "benchmarks.run", "--data", tmp_path / "close.csv", "--target", "y", "--seeds", 1,
        "--systems", "mapicx,sklearn-mlp", "--measures", "parity",
        "--results", tmp_path / "results", "--reports", tmp_path / "reports",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = benchmarks.load(tmp_path / "results").set_index("system")
    assert rows["comparable"].all(), rows["parity_max_abs"]
    assert rows.loc["sklearn-mlp", "parity_max_abs"] < 1e-7  # of 1e-6 that are allowed


def test_no_ratio_with_it_is_printed(gated):
    for lines in summarise(benchmarks.load(gated / "results")).values():
        assert lines["wrong-rate"].comparable is False and lines["honest-copy"].comparable
    (report,) = (gated / "reports").glob("*/report.md")
    text = report.read_text()
    assert "beyond tolerance: wrong-rate" in text
    assert "| honest-copy |" in text and "| wrong-rate |" not in text
