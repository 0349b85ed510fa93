"""Planted steps are found, flat histories stay silent, and other programs' files can be judged."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from benchmarks import history
from benchmarks.analyse.changes import find_changes
from benchmarks.analyse.series import read_history
from benchmarks.render.history import tabulate_changes
from tests.benchmarks import synthetic

SYSTEMS = {
    "mapicx": ("network", 0.15, 0.05, 40, 0.865),
    "matmul": ("control", 0.10, 0.06, 40, None),
}
NIGHTS = 11


def noise(rng, count, spread=0.02):
    """Log-normal with a heavy tail, as figures of nights are."""
    return np.exp(spread * rng.standard_t(4, count))


def test_a_planted_step_is_found_within_one_point():
    rng = np.random.default_rng(0)
    for at, factor in ((3, 1.3), (10, 1.15), (20, 0.8), (27, 1.25)):
        for _ in range(10):
            values = noise(rng, 30, 0.015)
            values[at:] *= factor
            changes = find_changes(values)
            assert len(changes) == 1, (at, factor, changes)
            assert abs(changes[0].index - at) <= 1
            assert abs(math.log(changes[0].ratio / factor)) < 0.06


def test_two_steps_are_told_apart():
    values = noise(np.random.default_rng(1), 40, 0.01)
    values[12:25] *= 1.2
    up, down = find_changes(values)
    assert (up.index, down.index) == (12, 25) and up.ratio > 1 > down.ratio


def test_flat_series_have_no_change_whatever_their_noise():
    rng = np.random.default_rng(2)
    found = [
        find_changes(noise(rng, length, spread))
        for length in (6, 20, 60)
        for spread in (0.001, 0.02, 0.1)
        for _ in range(10)
    ]
    assert sum(bool(changes) for changes in found) <= 1
    assert find_changes([1.0] * 30) == [] and find_changes([1.0] * 5) == []


def test_what_is_small_or_short_is_no_change():
    values = noise(np.random.default_rng(3), 30, 0.002)
    small, short, two = values.copy(), values.copy(), values.copy()
    small[15:] *= 1.03
    short[15] *= 2
    two[-2:] *= 2
    assert find_changes(small) == find_changes(short) == find_changes(two) == []


def nights(folder, *, step=1.0, at=8, machine=lambda night: "machine-a", speed=lambda night: 1.0):
    """Runs of some nights; from night `at` on mapicx trains `step` times as long.

    speed: of the machine, which is in the control as well.
    """
    for night in range(NIGHTS):
        slower = speed(night)
        family, begin, train, peak, accuracy = SYSTEMS["mapicx"]
        train *= step if night >= at else 1.0
        systems = {
            "mapicx": (family, begin * slower, train * slower, peak, accuracy),
            "matmul": ("control", 0.10 * slower, 0.06 * slower, 40, None),
        }
        made = synthetic.rows(
            2, systems, run_id=f"202601{night + 1:02}T030405-nightly", seed=night, noise=0.01,
            machine_id=machine(night),
        )  # fmt: skip
        synthetic.run_folder(
            folder, made, created_at=f"2026-01-{night + 1:02}T03:04:05Z",
            digests={"mapicx": "new" if night >= at else "old"},
            environment={"cpu": f"processor of {machine(night)}", "python": "3.11.7"},
        )  # fmt: skip


def test_a_slower_engine_is_found_and_its_likely_cause_named(command, tmp_path):
    nights(tmp_path / "runs", step=1.3)
    done = command("benchmarks.history", tmp_path / "runs", "--check", "--reports",
                   tmp_path / "reports", "--format", "md,html,csv")  # fmt: skip
    assert done.returncode == 3, done.stderr
    folder = tmp_path / "reports" / "history"
    text = (folder / "history.md").read_text()
    (line,) = (line for line in text.splitlines() if "| step, warm | 2026-01-" in line)
    assert "2026-01-09" in line and "worse" in line and "mapicx code old → new" in line
    assert "processor" not in line
    assert (folder / "history-time_step_warm_s.png").exists()
    page = (folder / "history.html").read_text()
    assert "Performance over time" in page and "<svg" in page
    assert (folder / "history.csv").read_text().count("time_step_warm_s") == NIGHTS


def test_a_slower_machine_or_another_processor_raises_nothing(tmp_path):
    nights(
        tmp_path / "runs",
        machine=lambda night: "machine-a" if night < 9 else "machine-b",
        speed=lambda night: 1.0 if night < 4 else 1.4 if night < 9 else 0.5,
    )
    steps = [one for one in read_history(tmp_path / "runs") if one.metric == "time_step_warm_s"]
    assert [(one.machine, len(one.points)) for one in steps] == [("machine-a", 9), ("machine-b", 2)]
    assert not any(one.changes for one in steps)


def pytest_benchmark(value, night):
    return {
        "machine_info": {"node": "a-host", "cpu": {"brand_raw": "A CPU"}, "python_version": "3.12"},
        "commit_info": {"id": f"{night:040}"},
        "benchmarks": [{"name": "test_sort", "fullname": "t.py::test_sort",
                        "stats": {"median": value}}],
        "datetime": f"2026-01-{night + 1:02}T03:04:05",
        "version": "5.3.1",
    }  # fmt: skip


def pyperf(value, night):
    return {
        "version": "1.0",
        "metadata": {"name": "sort", "unit": "second", "cpu_model_name": "A CPU"},
        "benchmarks": [{
            "runs": [
                {"metadata": {"date": f"2026-01-{night + 1:02} 03:04:05"}, "values": [value] * 3},
                {"warmups": [[1, 0.1]]},
            ]
        }],
    }  # fmt: skip


def comparison(value, night):
    return {
        "format": 1, "kind": "mapicx comparison", "base_commit": "a" * 40, "machine_id": "m",
        "head_commit": f"{night:040}", "at": f"2026-01-{night + 1:02}T03:04:05+00:00",
        "environment": {"cpu": "A CPU", "python": "3.12"}, "versions": {"numpy": "2.4.6"},
        "findings": [{"name": "total_s", "ratio": {"value": value}},
                     {"name": "parity", "ratio": {"value": None}}],
    }  # fmt: skip


@pytest.mark.parametrize("make", [pytest_benchmark, pyperf, comparison])
def test_files_of_other_programs_are_series_by_benchmark(make, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for night, luck in enumerate(noise(rng, NIGHTS, 0.01)):
        value = luck * (1.4 if night >= 7 else 1.0)
        (tmp_path / f"{night:04}.json").write_text(json.dumps(make(value, night)))
    (tmp_path / "settings.json").write_text("[1, 2]")  # JSON of another kind is none of ours
    assert history.main([str(tmp_path), "--check"]) == 3
    (series,) = read_history(tmp_path)
    assert [change.index for change in series.changes] == [7]
    assert "a-host" not in capsys.readouterr().out
    broken = make(1.0, NIGHTS)
    broken.pop("commit_info", None)
    broken["benchmarks" if "benchmarks" in broken else "findings"] = [{"name": "x"}]
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    assert history.main([str(tmp_path)]) == 2
    assert "broken.json" in capsys.readouterr().err


@pytest.mark.parametrize(("factor", "code"), [(1.1, 0), (0.9, 3)])
def test_a_rise_in_accuracy_is_better_and_a_fall_is_worse(factor, code, tmp_path):
    for night in range(NIGHTS):
        made = comparison(1.0, night)
        made["findings"] = [{"name": "accuracy", "ratio": {"value": factor if night > 6 else 1.0}}]
        (tmp_path / f"{night:04}.json").write_text(json.dumps(made))
    assert history.main([str(tmp_path), "--check"]) == code
    (series,) = read_history(tmp_path)
    assert series.changes and series.is_worse is (code == 3)
    word = "worse" if code else "better"
    assert word in str(tabulate_changes([series]).rows)


def test_a_saved_comparison_of_two_runs_is_not_a_point_in_time(tmp_path):
    for night in range(2):
        (tmp_path / f"{night}.json").write_text(json.dumps(comparison(1.0, night)))
    between_runs = comparison(1.0, 2)
    for fact in ("base_commit", "head_commit", "environment", "versions", "at"):
        del between_runs[fact]
    (tmp_path / "runs.json").write_text(json.dumps(between_runs))
    (series,) = read_history(tmp_path)
    assert len(series.points) == 2


def test_a_count_that_fell_to_nothing_hides_no_other_figure(tmp_path):
    made = comparison(1.0, 0)
    made["findings"].append({"name": "numpy_calls", "ratio": {"value": 0.0}})
    (tmp_path / "0.json").write_text(json.dumps(made))
    assert [series.metric for series in read_history(tmp_path)] == ["total_s"]


def test_workloads_of_one_name_that_differ_are_series_of_their_own(tmp_path):
    for night, digest in enumerate(("aaa", "bbb")):
        run_id = f"2026010{night + 1}T030405-nightly"
        made = synthetic.rows(2, SYSTEMS, run_id=run_id, workload_digest=digest)
        synthetic.run_folder(tmp_path, made, created_at=f"2026-01-0{night + 1}T03:04:05Z")
    found = {series.workload for series in read_history(tmp_path)}
    assert found == {"spiral (aaa)", "spiral (bbb)"}


def test_what_cannot_be_read_gets_a_sentence(tmp_path, capsys):
    def refuse(*arguments):
        assert history.main([str(one) for one in arguments]) == 2
        sentence = capsys.readouterr().err
        assert "Traceback" not in sentence
        return sentence

    assert "no folder" in refuse(tmp_path / "nowhere")
    assert "no figures" in refuse(tmp_path)
    (tmp_path / "torn.json").write_text('{"benchmarks": [')
    assert "torn.json is not valid JSON" in refuse(tmp_path)
    (tmp_path / "torn.json").unlink()
    run = synthetic.run_folder(tmp_path / "runs", synthetic.rows(2, SYSTEMS))
    assert "did you mean md, html, csv?" in refuse(tmp_path / "runs", "--format", "pdf")
    (run / "run.json").write_text("{")
    assert run.name in refuse(tmp_path / "runs")
