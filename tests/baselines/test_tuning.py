"""What the suites train with is what the rows of the named tuning run choose."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from baselines import classical
from benchmarks import tuning
from benchmarks.errors import UsageError
from benchmarks.plan import suites, workloads
from benchmarks.plan.workloads import read_table
from benchmarks.record.rows import read_other_rows
from benchmarks.tuning import choose_best

RESULTS = Path(__file__).parents[2] / "results"
ENTRIES = read_table("workloads.toml")
TUNED = suites.SUITES["tuning"]["workloads"]
KNOWN = workloads.read_workloads()
RUNS = sorted({*classical.read_tuned()["runs"], *(ENTRIES[name]["tuned_by"] for name in TUNED)})


def rows_of(run):
    return list(read_other_rows(RESULTS / run, key="trial"))


def choices(run):
    assert (RESULTS / run / "tuning.json").exists(), f"the tuning run {run} is not in results/"
    return choose_best(read_other_rows(RESULTS / run, key="trial"))


@pytest.mark.parametrize("name", TUNED)
def test_a_recipe_is_what_its_tuning_run_chooses(name):
    options = choices(ENTRIES[name]["tuned_by"])[name, tuning.NETWORK].options
    assert tuning.get_options_in_use(tuning.NETWORK, KNOWN[name]) == options


@pytest.mark.parametrize("run", classical.read_tuned()["runs"])
def test_the_tuned_values_of_every_family_are_what_the_runs_choose(run):
    for (name, system), choice in choices(run).items():
        if system != tuning.NETWORK:
            assert classical.choose_options(system, KNOWN[name]) == choice.options, (name, system)


def test_every_family_had_as_many_trials_and_draws_on_every_workload():
    rows = [row for run in RUNS for row in rows_of(run)]
    assert len({(r["workload"], r["system"], r["trial"]) for r in rows}) == len(rows)
    assert len(rows) == len(TUNED) * len(tuning.SPACES) * tuning.TRIALS
    assert {len(r["accuracy"]) for r in rows if r["accuracy"]} == {len(tuning.SEEDS)}
    for run in RUNS:
        facts = json.loads((RESULTS / run / "tuning.json").read_text())
        assert facts["seeds"] == list(tuning.SEEDS) and min(facts["seeds"]) >= 10_000


def test_rows_of_tuning_are_small_and_no_report_reads_them():
    for run in RUNS:
        assert sum(path.stat().st_size for path in (RESULTS / run).iterdir()) < 2e6
        assert not (RESULTS / run / "run.json").exists()


def test_suite_data_sets_trains_with_tuned_recipes_only():
    assert set(suites.SUITES["datasets"]["workloads"]) == set(TUNED)
    assert suites.SUITES["tuning"]["systems"] == list(tuning.SPACES)


def row(trial, accuracy, **options):
    return {"workload": "w", "system": "s", "trial": trial, "options": options,
            "accuracy": accuracy}  # fmt: skip


BEFORE = row(0, [0.80, 0.82, 0.81, 0.83])


@pytest.mark.parametrize(
    ("others", "options"),
    [
        ([row(1, [0.90, 0.91, 0.91, 0.92], C=1)], {"C": 1}),
        ([row(1, [0.90, 0.75, 0.84, 0.80], C=1)], {}),  # better on average, and by chance
        ([row(1, [0.90, 0.92, 0.91, 0.93], C=1), row(2, [0.90, 0.92, 0.91, 0.93], C=2)], {"C": 1}),
        ([row(1, None, C=1)], {}),
        ([row(1, [0.70, 0.72, 0.71, 0.73], C=1)], {}),
    ],
)
def test_the_best_trial_is_chosen_unless_its_lead_may_be_luck(others, options):
    assert choose_best([*reversed(others), BEFORE])["w", "s"].options == options


def test_what_diverges_is_replaced_by_what_does_not():
    found = choose_best([row(0, None, lr=9.0), row(1, [0.5, 0.6], lr=0.1)])
    assert found["w", "s"].options == {"lr": 0.1}


def test_trials_begin_with_what_is_in_use_and_are_the_same_for_every_workload():
    for system, space in tuning.SPACES.items():
        first, *drawn = tuning.draw_options(system, KNOWN["spiral"])
        assert first == tuning.get_options_in_use(system, KNOWN["spiral"])
        assert drawn == tuning.draw_options(system, KNOWN["iris"])[1:]
        assert len(drawn) == tuning.TRIALS - 1
        for name, kind in space.items():
            ((how, choices),) = kind.items()
            for value in (options[name] for options in drawn):
                if how == "one_of":
                    assert value in choices
                else:
                    assert choices[0] <= value <= choices[1]


def test_values_belong_to_a_workload_by_name_else_to_its_data_set(monkeypatch):
    values = {"spiral": {"knn": {"n_neighbors": 5}}, "cs231n-spiral": {"knn": {"n_neighbors": 9}}}
    monkeypatch.setattr(classical, "read_tuned", lambda: values)
    found = {
        name: classical.choose_options("knn", KNOWN[name])
        for name in ("spiral-sgd", "cs231n-spiral", "xor")
    }
    expected = {"spiral-sgd": {"n_neighbors": 5}, "cs231n-spiral": {"n_neighbors": 9}, "xor": {}}
    assert found == expected
    regression = dataclasses.replace(KNOWN["spiral"], task="regression")
    assert classical.choose_options("knn", regression) == {}


def test_the_name_of_the_run_is_not_inherited():
    table = {
        "a": {"dataset": "xor", "train_rows": 9, "test_rows": 9, "layers": [2, 3, 1],
              "tuned_by": "r"},
        "b": {"like": "a"},
    }  # fmt: skip
    assert workloads.read_workloads(table)["b"].layers == (2, 3, 1)


def test_the_suite_records_every_trial_and_says_what_it_chose(command, tmp_path):
    ask = ("benchmarks.run", "--suite", "tuning", "--workloads", "iris", "--systems", "mapicx,knn")
    done = command(*ask, "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.iterdir()
    rows = list(read_other_rows(run, key="trial"))
    assert [r["trial"] for r in rows] == 2 * list(range(tuning.TRIALS))
    assert all(0.3 < max(r["accuracy"]) <= 1 for r in rows)
    for (name, system), choice in choose_best(rows).items():
        line = next(line for line in done.stdout.splitlines() if f"{name:14} {system}" in line)
        assert json.dumps(choice.options) in line


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--budget", "9m"], "tuning.toml"),
        (["--workloads", "iriss"], "iris"),
        (["--systems", "torch-eager"], "mapicx"),
    ],
)
def test_what_has_no_meaning_for_the_suite_is_refused(options, word):
    from benchmarks.run import build_parser

    arguments = ["--suite", "tuning", *options]
    with pytest.raises(UsageError, match=word):
        tuning.run_tuning(build_parser().parse_args(arguments), arguments)
