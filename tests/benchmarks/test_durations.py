"""What a run is expected to take, on this machine and at its pace, and what is advised then."""

from __future__ import annotations

import dataclasses
import re

import pytest

from benchmarks.measure import machine
from benchmarks.measure.new_run import Run
from benchmarks.options import parse_duration
from benchmarks.plan import suites, workloads
from benchmarks.plan.durations import Durations
from benchmarks.record.store import Store
from benchmarks.render.announcement import announce_run
from tests.benchmarks.test_plan import SMALL, planned


def test_what_was_seen_replaces_the_guess():
    plan = planned(**SMALL, measures="time")
    durations = Durations(workloads.read_workloads(), 2)
    before = durations.expect(plan)
    for trial in plan:
        durations.observe(trial, 100.0)
    assert durations.expect(plan) == 100.0 * len(plan) > before


def test_what_is_not_timed_shares_the_machine():
    plan = [trial for trial in planned(**SMALL) if trial.measure == "accuracy"]
    alone, shared = (Durations(workloads.read_workloads(), cores) for cores in (1, 2))
    assert shared.expect(plan) == pytest.approx(alone.expect(plan) / 2)


def test_a_slower_machine_is_expected_to_take_longer():
    plan = planned(**SMALL, measures="time,memory")
    table, slow = (Durations(workloads.read_workloads(), 2, pace=pace) for pace in (1.0, 1.5))
    # Repeated trainings are given as many seconds on every machine.
    assert 1.3 * table.expect(plan) < slow.expect(plan) <= 1.5 * table.expect(plan)


def test_trials_that_took_longer_are_expected_of_other_kinds_too():
    plan = planned(**SMALL, measures="time,memory")
    later = [trial for trial in plan if trial.measure == "memory"]
    table, known, failed = (Durations(workloads.read_workloads(), 2) for _ in range(3))
    before = table.expect(later)
    for trial in [trial for trial in plan if trial.measure == "time"]:
        known.observe(trial, 3 * table.expect_one(trial))
        failed.observe(trial, 0.1, ok=False)
    assert 1.5 * before < known.expect(later) < 3 * before
    assert failed.expect(later) == before


def test_a_control_takes_no_longer_on_more_rows():
    plan = planned(suite="scaling", workloads="scaling-rows-300,scaling-rows-1000000",
                   systems="mapicx", measures="time", seeds=1)  # fmt: skip
    durations = Durations(workloads.read_workloads())
    few, many = sorted(durations.expect_one(trial) for trial in plan if trial.system == "matmul")
    assert few == many


def test_the_pace_is_that_of_this_machine_now():
    assert 0.1 < machine.measure_pace() < 50


def run_of(plan, budget_s, tmp_path, is_new=True):
    """A run as planned, of which nothing is measured yet."""
    request = suites.make_request(cores=2, **SMALL)
    entries = {item.name: dataclasses.asdict(item) for item in request.workloads}
    description = {"workloads": entries, "skipped": [], "budget_s": budget_s}
    return Run(Store(tmp_path / "run"), plan, description, {}, budget_s, is_new, "")


def test_a_budget_that_holds_no_block_is_answered_with_one_that_does(tmp_path):
    plan = planned(systems="mapicx,numpy-plain,torch-eager,torch-compile,knn")
    durations = Durations(workloads.read_workloads(), 2)
    text = "\n".join(announce_run(run_of(plan, 60.0, tmp_path), durations))
    (budget,) = re.findall(r"give --budget (\w+)", text)
    enough = run_of(plan, parse_duration(budget), tmp_path)
    assert "The first block alone" not in "\n".join(announce_run(enough, durations))
    (names,) = re.findall(r"--systems (\S+)", text)
    assert "mapicx" in names.split(",") and "torch-compile" not in names.split(",")
    smaller = run_of(planned(systems=names), 60.0, tmp_path)
    assert "The first block alone" not in "\n".join(announce_run(smaller, durations))
    assert "--systems" not in "\n".join(announce_run(run_of(plan, 5.0, tmp_path), durations))


def test_a_continued_run_says_that_its_budget_counts_again(tmp_path):
    durations = Durations(workloads.read_workloads(), 2)
    for is_new in (True, False):
        lines = list(announce_run(run_of(planned(**SMALL), 900.0, tmp_path, is_new), durations))
        assert any("the one the run began with" in line for line in lines) is not is_new
