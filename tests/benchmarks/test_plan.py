"""What will be run follows from tables, options and a seed, and from nothing else."""

from __future__ import annotations

import dataclasses

import pytest

import baselines
from benchmarks.errors import UsageError
from benchmarks.options import format_duration, parse_duration
from benchmarks.plan import suites, trials, workloads
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import SystemInfo


def support_of(names):
    classes = {"mapicx": "network", "torch-eager": "network", "knn": "classical"}
    return {name: SystemInfo(classes.get(name, "control")) for name in names}


def planned(seed=1, **options):
    request = suites.make_request(cores=2, **options)
    names = [*request.systems, *sum(trials.CONTROLS.values(), ())]
    return trials.plan_trials(request, support_of(names), seed)[0]


SMALL = {"systems": "mapicx,torch-eager,knn"}


def test_every_block_holds_every_system_once():
    plan = planned(**SMALL, measures="time")
    for block in range(1, 7):
        members = sorted(trial.system for trial in plan if trial.block == block)
        assert members == sorted(["mapicx", "torch-eager", "knn", *trials.CONTROLS["time"]])


def test_blocks_are_shuffled_by_the_order_seed_alone():
    first, again, other = planned(1, **SMALL), planned(1, **SMALL), planned(2, **SMALL)
    assert first == again
    assert [t.trial_id for t in first] != [t.trial_id for t in other]
    assert {t.trial_id for t in first} == {t.trial_id for t in other}


def test_quick_has_six_time_blocks_and_memory_in_three_of_them_beginning_with_the_first():
    plan = planned(**SMALL)
    assert {trial.block for trial in plan if trial.measure == "time"} == {1, 2, 3, 4, 5, 6}
    assert {trial.block for trial in plan if trial.measure == "memory"} == {1, 3, 5}


def test_parity_comes_before_the_first_block_once_for_each_network_and_recipe():
    plan = planned(**SMALL, workloads="spiral,spiral-sgd,step-2-64-3-b300-sgd,step-2-64-3-b32-sgd")
    parity = [trial for trial in plan if trial.measure == "parity"]
    assert {trial.block for trial in parity} == {0}
    assert [trial.measure for trial in plan[: len(parity)]] == ["parity"] * len(parity)
    recipes = {"relu-adam-cce-l2", "relu-sgd-cce-l2", "relu-sgd-cce"}
    expected = {(system, recipe) for system in ("mapicx", "torch-eager") for recipe in recipes}
    assert {(trial.system, trial.recipe) for trial in parity} == expected


def test_all_systems_share_the_seed_of_a_block():
    for trial in planned(**SMALL):
        assert trial.seed == max(0, trial.block - 1)


def test_an_unsupported_system_is_listed_with_its_reason_and_not_planned():
    request = suites.make_request(systems="mapicx,knn", measures="time", cores=2)
    answers = support_of([*request.systems, *trials.CONTROLS["time"]])
    answers["knn"] = SystemInfo("classical", refused={"spiral": "no arms"})
    plan, skipped = trials.plan_trials(request, answers, 1)
    assert skipped == [{"system": "knn", "workload": "spiral", "reason": "no arms"}]
    assert "knn" not in {trial.system for trial in plan}


def test_trial_ids_depend_on_identity_and_not_on_place():
    one = planned(**SMALL)[0]
    assert dataclasses.replace(one, block=9, order=99).trial_id == one.trial_id
    for change in ({"seed": 77}, {"threads": 2}, {"dtype": "float16"}, {"system": "x"}):
        assert dataclasses.replace(one, **change).trial_id != one.trial_id


def test_a_described_trial_comes_back_unchanged():
    for trial in planned(**SMALL):
        assert trials.read_trial(trial.describe()) == trial


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"suite": "spirl"}, ["spirl", "spiral"]),
        ({"preset": "quik"}, ["quik", "quick"]),
        ({"systems": "mapcx"}, ["mapcx", "mapicx"]),
        ({"workloads": "spirals"}, ["spirals", "spiral"]),
        ({"measures": "tiem"}, ["tiem", "time"]),
        ({"threads": "64"}, ["64", "from 1 to 2"]),
        ({"threads": "many"}, ["many", "all"]),
        ({"budget": "soon"}, ["soon", "90s"]),
        ({"budget": "0s"}, ["0s", "90s"]),
        ({"seeds": 0}, ["0", "at least one"]),
    ],
)
def test_a_wrong_option_names_what_would_be_right(options, words):
    with pytest.raises(UsageError) as error:
        suites.make_request(cores=2, **options)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("8m", 480), ("2h", 7200), ("1.5m", 90), ("45", 45)]
)
def test_durations_are_read_as_people_write_them(text, expected):
    assert parse_duration(text) == expected


def test_spoken_durations():
    assert [format_duration(s) for s in (7.4, 200, 7500)] == ["7 s", "3 min 20 s", "2 h 05 min"]


def test_an_explicit_option_overrides_its_preset():
    request = suites.make_request(
        preset="smoke", seeds=3, measures="time,memory", budget="5m", cores=2
    )
    assert (request.seeds, request.measures, request.budget_s) == (3, ("time", "memory"), 300)
    assert all(workload.epochs <= 20 for workload in request.workloads)


def test_threads_all_means_every_core():
    assert suites.make_request(threads="1,all", cores=8).threads == (1, 8)


def test_all_adds_the_optional_systems():
    asked = suites.make_request(systems="all", cores=2)
    assert set(baselines.OPTIONAL) <= set(asked.systems)
    assert not set(baselines.OPTIONAL) & set(suites.make_request(cores=2).systems)
    assert asked.named == ()


def test_every_suite_names_systems_and_workloads_that_exist():
    known = workloads.read_workloads()
    for name, suite in suites.SUITES.items():
        assert set(suite["workloads"]) <= set(known), name
        assert set(suite["systems"]) <= set(baselines.names()), name


def test_the_spiral_suite_has_every_system_that_is_not_optional_or_a_control():
    controls = {"noop", "sleep", "allocate", "matmul", "mapicx-again"}
    controls |= {"dense-loops", "dense-vectorised"}
    products = {name for name in baselines.BUILT_IN if name.startswith("matmul")}
    expected = set(baselines.BUILT_IN) - controls - products - set(baselines.OPTIONAL)
    assert set(suites.SUITES["spiral"]["systems"]) == expected


def test_a_workload_may_be_like_another():
    known = workloads.read_workloads()
    assert known["spiral-sgd"].layers == known["spiral"].layers
    assert known["spiral-sgd"].optimizer == "sgd"


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({"dataset": "spirall"}, "spiral"),
        ({"dataset": "spiral", "epoch": 3}, "epochs"),
        ({"like": "nothing"}, "nothing"),
    ],
)
def test_a_wrong_workload_entry_names_the_nearest_key(entry, word):
    with pytest.raises(UsageError, match=word):
        workloads.read_workloads({"mine": entry})


def test_a_digest_changes_with_the_recipe():
    one = workloads.read_workloads()["spiral"]
    assert workloads.digest_workload(one) == workloads.digest_workload(dataclasses.replace(one))
    assert workloads.digest_workload(one) != workloads.digest_workload(
        dataclasses.replace(one, lr=0.021)
    )


def test_what_was_seen_replaces_the_guess():
    plan = planned(**SMALL, measures="time")
    durations = Durations(workloads.read_workloads())
    before = durations.expect(plan)
    for trial in plan:
        durations.observe(trial, 100.0)
    assert durations.expect(plan) == 100.0 * len(plan) > before


def test_the_name_of_an_axis_stands_for_all_its_values():
    request = suites.make_request(suite="scaling", workloads="scaling-depth,spiral,scaling-depth-2")
    names = [workload.name for workload in request.workloads]
    assert names == [*(f"scaling-depth-{2**power}" for power in range(5)), "spiral"]
    with pytest.raises(UsageError, match=r"did you mean.*scaling-width\b"):
        suites.make_request(workloads="scaling-widht")
