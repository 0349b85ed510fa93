"""The seeds of an accuracy measure share a process, and each has a row of its own all the same."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.processes import run

pytestmark = pytest.mark.faults
COUNT = 7


@pytest.fixture(scope="module")
def rows(command, tmp_path_factory):
    """Rows of accuracy and of time of the same seeds, by (system, measure, seed)."""
    folder = tmp_path_factory.mktemp("seeds")
    done = run(
        command, folder, "--systems", "mapicx,numpy-plain,fault-seeds,fault-doomed",
        "--measures", "accuracy,memory", "--seeds", COUNT, "--timeout", 8,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    (path,) = (folder / "results").glob("*/trials.jsonl")
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({row["trial_id"] for row in found}) == len(found)
    return {(r["system"], r["measure"], r["seed"]): r for r in found}, path.parent


def statuses(rows, system):
    return [rows[0][system, "accuracy", seed]["status"] for seed in range(COUNT)]


@pytest.mark.parametrize("system", ["mapicx", "numpy-plain"])
def test_scores_are_those_of_a_process_for_each_seed(rows, system):
    for seed in range(COUNT):
        shared, alone = (rows[0][system, measure, seed] for measure in ("accuracy", "memory"))
        for field in ("accuracy_test", "accuracy_train", "loss_test", "steps", "parameters"):
            assert shared[field] == alone[field]
        assert shared["status"] == "ok" and shared["time_total_s"] is None


def test_a_seed_that_ends_or_holds_up_the_process_costs_that_seed_alone(rows):
    expected = ["ok", "ok", "crashed", "ok", "timeout", "diverged", "ok"]
    assert statuses(rows, "fault-seeds") == expected


def test_a_system_that_fails_at_every_seed_is_given_up_after_a_few(rows):
    assert statuses(rows, "fault-doomed") == ["crashed"] * COUNT
    assert all(
        "exit code 4" in rows[0]["fault-doomed", "accuracy", seed]["reason"]
        for seed in range(COUNT)
    )
