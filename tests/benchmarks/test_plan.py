"""What will be run follows from tables, options and a seed, and from nothing else."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest

import baselines
from benchmarks.errors import UsageError
from benchmarks.measure.executor import split_units
from benchmarks.options import format_duration, parse_duration
from benchmarks.plan import suites, trials, workloads
from benchmarks.plan.blocks import plan_trials
from benchmarks.plan.durations import Durations
from benchmarks.plan.trials import SystemInfo


def support_of(names):
    classes = {"mapicx": "network", "torch-eager": "network", "torch-compile": "network"}
    classes |= {"numpy-plain": "network", "knn": "classical"}
    return {name: SystemInfo(classes.get(name, "control")) for name in names}


def plan_with(request, answers, seed=1):
    durations = Durations({workload.name: workload for workload in request.workloads}, 2)
    return plan_trials(request, answers, durations, seed)


def planned(seed=1, **options):
    request = suites.make_request(cores=2, **options)
    names = [*request.systems, *sum(trials.CONTROLS.values(), ())]
    return plan_with(request, support_of(names), seed)[0]


SMALL = {"systems": "mapicx,torch-eager,knn"}


def timed(plan, block):
    return [trial for trial in plan if trial.block == block and trial.measure == "time"]


def test_every_block_times_every_system_on_one_seed():
    plan = planned(**SMALL)
    for block in range(1, 7):
        members = timed(plan, block)
        assert {trial.system for trial in members} == {
            "mapicx", "torch-eager", "knn", *trials.CONTROLS["time"],
        }  # fmt: skip
        assert {trial.seed for trial in members} == {block - 1}


def test_short_processes_are_repeated_and_spread_and_long_ones_are_not():
    systems = "mapicx,numpy-plain,torch-eager"
    for block in range(1, 7):
        members = [trial.system for trial in timed(planned(systems=systems), block)]
        assert members.count("torch-eager") == members.count("noop") == 1
        repeated = [place for place, name in enumerate(members) if name == "mapicx-again"]
        assert 5 <= len(repeated) <= 10
        halves = [sum(place < len(members) / 2 for place in repeated), len(repeated) / 2]
        assert abs(halves[0] - halves[1]) <= 2


def test_repeats_have_ids_of_their_own_and_the_first_has_that_of_older_runs():
    plan = planned(**SMALL)
    assert len({trial.trial_id for trial in plan}) == len(plan)
    again = [trial for trial in timed(plan, 1) if trial.system == "mapicx-again"]
    assert sorted(trial.repeat for trial in again) == list(range(len(again)))


def test_flanks_of_the_base_add_at_most_a_tenth_and_lie_evenly():
    request = suites.make_request(suite="spiral", measures="time", cores=2)
    durations = Durations({workload.name: workload for workload in request.workloads}, 2)
    plan = planned(measures="time")
    members = timed(plan, 1)
    bases = [trial for trial in members if trial.system == "mapicx"]
    others = [trial for trial in members if trial.system != "mapicx"]
    extra = durations.expect(bases) - durations.expect_one(bases[0])
    assert 0.05 * durations.expect(others) < extra <= 0.1 * durations.expect(others)
    between = [0.0]
    for trial in members:
        if trial.system == "mapicx":
            between.append(0.0)
        else:
            between[-1] += durations.expect_one(trial)
    longest = max(durations.expect_one(trial) for trial in others)
    assert max(between) < longest + 2 * durations.expect(others) / len(bases)


@pytest.mark.parametrize(
    "seeds, blocks",
    [(2, {1, 2}), (3, {1, 2, 3}), (4, {1, 2, 4}), (6, {1, 4, 5}), (12, {1, 4, 5, 6, 7, 8})],
)
def test_a_slow_system_is_timed_in_half_of_the_blocks_after_the_others_have_three(seeds, blocks):
    systems = "mapicx,torch-eager,torch-compile,numpy-plain,knn"
    plan = planned(systems=systems, seeds=seeds)
    found = {t.block for t in plan if (t.system, t.measure) == ("torch-compile", "time")}
    assert found == blocks


def test_order_within_a_block_is_decided_by_the_order_seed_alone():
    first, again, other = planned(1, **SMALL), planned(1, **SMALL), planned(2, **SMALL)
    assert first == again
    assert [t.trial_id for t in first] != [t.trial_id for t in other]
    assert {t.trial_id for t in first} == {t.trial_id for t in other}
    assert [trial.order for trial in first] == list(range(len(first)))


def test_trials_of_one_workload_stand_together():
    plan = timed(planned(**SMALL, workloads="spiral,moons,xor"), 1)
    changes = [one.workload for one, two in pairwise(plan) if one.workload != two.workload]
    assert len(changes) == 2


def test_quick_has_six_blocks_memory_in_two_and_all_accuracy_in_the_first():
    plan = planned(**SMALL)
    assert {trial.block for trial in plan if trial.measure == "time"} == {1, 2, 3, 4, 5, 6}
    assert {trial.block for trial in plan if trial.measure == "memory"} == {1, 2}
    accuracy = [trial for trial in plan if trial.measure == "accuracy"]
    assert {trial.block for trial in accuracy} == {1}
    assert len(accuracy) == 3 * 29 and len(split_units(accuracy)) == 3


def test_thousands_of_seeds_take_several_processes():
    plan = planned(systems="mapicx", measures="accuracy", seeds=1200)
    trials = [trial for trial in plan if trial.measure == "accuracy"]
    assert [len(unit) for unit in split_units(trials)] == [500, 500, 200]


def test_accuracy_that_would_take_minutes_is_left_to_timed_trials_and_said():
    request = suites.make_request(systems="mapicx,keras-fit", cores=2)
    answers = support_of([*request.systems, *sum(trials.CONTROLS.values(), ())])
    answers["keras-fit"] = SystemInfo("network")
    plan, skipped = plan_with(request, answers)
    assert not any(t.system == "keras-fit" and t.measure == "accuracy" for t in plan)
    assert "timed trials" in skipped[0]["reason"]


def test_seeds_that_are_asked_for_are_the_seeds_of_every_measure():
    plan = planned(**SMALL, seeds=3)
    assert {trial.seed for trial in plan if trial.measure == "accuracy"} == {0, 1, 2}


def test_parity_comes_before_the_first_block_once_for_each_network_and_recipe():
    plan = planned(**SMALL, workloads="spiral,spiral-sgd,step-2-64-3-b300-sgd,step-2-64-3-b32-sgd")
    parity = [trial for trial in plan if trial.measure == "parity"]
    assert {trial.block for trial in parity} == {0}
    assert [trial.measure for trial in plan[: len(parity)]] == ["parity"] * len(parity)
    recipes = {"relu-adam-cce-l2", "relu-sgd-cce-l2", "relu-sgd-cce"}
    expected = {(system, recipe) for system in ("mapicx", "torch-eager") for recipe in recipes}
    assert {(trial.system, trial.recipe) for trial in parity} == expected


def test_an_unsupported_system_is_listed_with_its_reason_and_not_planned():
    request = suites.make_request(systems="mapicx,knn", measures="time", cores=2)
    answers = support_of([*request.systems, *trials.CONTROLS["time"]])
    answers["knn"] = SystemInfo("classical", refused={"spiral": "no arms"})
    plan, skipped = plan_with(request, answers)
    assert skipped == [{"system": "knn", "workload": "spiral", "reason": "no arms"}]
    assert "knn" not in {trial.system for trial in plan}


def test_trial_ids_depend_on_identity_and_not_on_place():
    one = planned(**SMALL)[0]
    assert dataclasses.replace(one, block=9, order=99).trial_id == one.trial_id
    for change in (
        {"seed": 77},
        {"repeat": 1},
        {"threads": 2},
        {"dtype": "float16"},
        {"system": "x"},
    ):
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


def test_the_name_of_an_axis_stands_for_all_its_values():
    request = suites.make_request(suite="scaling", workloads="scaling-depth,spiral,scaling-depth-2")
    names = [workload.name for workload in request.workloads]
    assert names == [*(f"scaling-depth-{2**power}" for power in range(5)), "spiral"]
    with pytest.raises(UsageError, match=r"did you mean.*scaling-width\b"):
        suites.make_request(workloads="scaling-widht")
