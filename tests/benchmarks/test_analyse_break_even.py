"""A faster step repays a slower start after as many steps as the rows say."""

import math

import pytest

from benchmarks.analyse.break_even import all_break_evens, break_even
from benchmarks.analyse.summary import summarise
from benchmarks.render.break_even import draw, sentence, steps_text
from benchmarks.render.material import material
from benchmarks.render.report import write
from tests.benchmarks.synthetic import frame, rows, run_folder

PLACE = ("spiral", 1)
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
    one = break_even(table, "torch-fused")
    assert one.repays and one.steps.value == pytest.approx(1.5 / (0.01 / 300), rel=0.1)
    assert one.steps.low < one.steps.value < one.steps.high and one.steps.kind == "interval"


def test_a_later_start_with_a_slower_step_is_never_repaid(table):
    one = break_even(table, "torch-eager")
    assert not one.steps.known and not one.repays


def test_mapicx_catches_up_with_an_earlier_start(table):
    one = break_even(table, "numpy-plain")
    assert one.steps.known and not one.repays
    assert one.steps.value == pytest.approx(0.08 / (0.01 / 300), rel=0.2)


def test_the_swapped_question_has_the_same_answer(table):
    one, two = break_even(table, "torch-fused"), break_even(table, "mapicx", "torch-fused")
    assert one.steps == pytest.approx((*two.steps[:4], "interval"))


def test_an_uncertain_gain_may_never_repay():
    noisy = SYSTEMS | {"torch-fused": ("network", 1.6, 0.0495, 200, 0.86)}
    one = break_even(frame(rows(7, noisy, noise=0.03)), "torch-fused")
    assert not one.steps.known or math.isinf(one.steps.high)
    if one.steps.known:
        assert "perhaps never" in steps_text(one.steps)


def test_systems_that_did_other_work_are_left_out(table):
    other = table.copy()
    other.loc[other["system"].eq("torch-fused"), "steps"] = 5
    names = [one.system for one in all_break_evens(other, summarise(other))]
    assert names == ["numpy-plain", "torch-eager"]


def test_the_report_says_it_and_draws_it(tmp_path):
    run = run_folder(tmp_path / "r", rows(6, SYSTEMS, noise=0.005))
    found = material(run)
    said = sentence(found, PLACE)
    assert said.startswith("A faster step repays a slower start: torch-fused after 4")
    text = write(run, tmp_path / "o", pictures=False).read_text()
    assert f"5. {said}" in text and "even after steps" in text
    assert draw(found, PLACE, tmp_path / "p.png") and (tmp_path / "p.png").stat().st_size > 5000


def test_a_step_that_is_faster_within_the_noise_only_repays_nothing(tmp_path):
    fast = {
        "mapicx": ("network", 0.10, 0.0300, 40, 0.86),
        "torch-fused": ("network", 1.60, 0.0297, 230, 0.86),
        "mapicx-again": ("control", 0.10, 0.0306, 40, 0.86),
    }
    for blocks, step, said in (
        (1, 0.0297, False), (8, 0.0297, False), (1, 0.01, True), (8, 0.01, True)
    ):  # fmt: skip
        systems = fast | {"torch-fused": ("network", 1.60, step, 230, 0.86)}
        made = material(run_folder(tmp_path / f"{blocks}-{step}", rows(blocks, systems)))
        told = sentence(made, PLACE)
        assert ("torch-fused after" in told) == said
        assert ("in the median of 1 block (too few for a verdict)" in told) == (
            said and blocks == 1
        )
