"""A faster step repays a slower start after as many steps as the rows say."""

import dataclasses
import math

import pytest

from benchmarks.analyse.break_even import compare_starts, find_break_evens
from benchmarks.analyse.run_data import read_run_data
from benchmarks.analyse.summary import Case, summarise
from benchmarks.render.break_even import describe_break_even, draw, format_steps
from tests.benchmarks.synthetic import frame, rows, run_folder

CASE = Case("spiral", 1)
# 300 steps: mapicx 50 ms, so 167 µs a step; torch-fused starts 1.5 s later and steps 33 µs faster.
SYSTEMS = {
    "mapicx": ("network", 0.1, 0.05, 40, 0.86),
    "torch-fused": ("network", 1.6, 0.04, 200, 0.86),
    "torch-eager": ("network", 1.6, 0.20, 200, 0.86),
    "numpy-plain": ("network", 0.02, 0.06, 40, 0.86),
}


@pytest.fixture(scope="module")
def table():
    return frame(rows(7, SYSTEMS, noise=0.005))


def test_steps_are_the_later_start_over_the_time_saved_per_step(table):
    one = compare_starts(table, "torch-fused")
    assert one.repays and one.steps.value == pytest.approx(1.5 / (0.01 / 300), rel=0.1)
    assert one.steps.low < one.steps.value < one.steps.high and one.steps.kind == "interval"


def test_a_later_start_with_a_slower_step_is_never_repaid(table):
    one = compare_starts(table, "torch-eager")
    assert not one.steps.known and not one.repays


def test_mapicx_catches_up_with_an_earlier_start(table):
    one = compare_starts(table, "numpy-plain")
    assert one.steps.known and not one.repays
    assert one.steps.value == pytest.approx(0.08 / (0.01 / 300), rel=0.2)


def test_the_swapped_question_has_the_same_answer(table):
    names = {"mapicx": "torch-fused", "torch-fused": "mapicx"}
    swapped = table.assign(system=table["system"].replace(names))
    one, two = (compare_starts(made, "torch-fused") for made in (table, swapped))
    for part in ("value", "low", "high"):
        assert getattr(one.steps, part) == pytest.approx(getattr(two.steps, part))


def test_an_uncertain_gain_may_never_repay():
    noisy = SYSTEMS | {"torch-fused": ("network", 1.6, 0.0495, 200, 0.86)}
    one = compare_starts(frame(rows(7, noisy, noise=0.03)), "torch-fused")
    assert not one.steps.known or math.isinf(one.steps.high)
    if one.steps.known:
        assert "perhaps never" in format_steps(one.steps)


def test_systems_that_did_other_work_are_left_out(table):
    other = table.copy()
    other.loc[other["system"].eq("torch-fused"), "steps"] = 5
    found = find_break_evens(other, summarise(other)[CASE].values())
    assert {one.system for one in found} == {"numpy-plain", "torch-eager"}


def test_the_report_says_it_and_draws_it(tmp_path):
    data = read_run_data(run_folder(tmp_path / "r", rows(6, SYSTEMS, noise=0.005)))
    said = describe_break_even(data, CASE)
    assert said.startswith("A faster step repays a slower start: torch-fused after 4")
    drawing = draw(data, CASE)
    assert set(drawing.table["system"]) == {"torch-fused", "torch-eager", "numpy-plain"}


@pytest.mark.parametrize("blocks", [1, 8])
@pytest.mark.parametrize(("step", "repays"), [(0.0297, False), (0.01, True)])
def test_only_a_step_that_is_shown_to_be_faster_repays(tmp_path, blocks, step, repays):
    systems = {
        "mapicx": ("network", 0.10, 0.0300, 40, 0.86),
        "torch-fused": ("network", 1.60, step, 230, 0.86),
    }
    data = read_run_data(run_folder(tmp_path, rows(blocks, systems)))
    said = describe_break_even(data, CASE)
    if blocks > 1:
        assert ("torch-fused after" in said) == repays
    elif repays:
        assert "in the median of 1 block (too few for a verdict)" in said


def test_an_open_end_is_said_in_words(table):
    one = compare_starts(table, "torch-fused")
    assert "perhaps never" in format_steps(dataclasses.replace(one.steps, high=math.inf))
