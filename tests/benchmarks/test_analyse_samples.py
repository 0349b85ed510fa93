"""Which values of two systems belong together: within a block, the ones that ran side by side."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.analyse import stats
from benchmarks.analyse.metrics import MARGINS
from benchmarks.analyse.samples import Sample, find_identical, pair
from benchmarks.analyse.simulation import DESIGNS, draw_logs, simulate
from benchmarks.analyse.summary import summarise
from benchmarks.analyse.verdicts import Kind, judge_ratio
from tests.benchmarks import synthetic

BLOCK = ("run", "machine", 1, 0)


def test_a_trial_meets_the_nearest_ones_before_and_after_it():
    base = Sample({BLOCK: [(1, 1.0), (3, 4.0), (9, 100.0)]})
    other = Sample({BLOCK: [(2, 6.0)]})
    values, bases = pair(other, base)
    assert values == pytest.approx([6.0]) and bases == pytest.approx([2.0])
    assert [tuple(x) for x in pair(base, other)] == [tuple(bases), tuple(values)]


def test_at_an_end_of_the_block_one_flank_is_enough():
    base, other = Sample({BLOCK: [(5, 2.0), (8, 9.0)]}), Sample({BLOCK: [(1, 6.0)]})
    assert pair(other, base)[1] == pytest.approx([2.0])


def test_repeats_are_averaged_and_a_state_of_the_machine_cancels():
    slow = 1.35  # the machine's second half
    base = Sample({BLOCK: [(0, 1.0), (2, 1.0), (5, slow), (7, slow)]})
    other = Sample({BLOCK: [(1, 3.0), (6, 3.0 * slow)]})
    assert other[BLOCK] == pytest.approx(1.5 * (1 + slow))
    values, bases = pair(other, base)
    assert values / bases == pytest.approx([3.0])


def test_blocks_that_one_of_them_lacks_are_left_out():
    later = ("run", "machine", 2, 1)
    base = Sample({BLOCK: [(0, 1.0)], later: [(9, 1.0)]})
    assert pair(Sample({later: [(8, 2.0)]}), base)[0].tolist() == [2.0]
    assert pair(Sample({}), base)[0].size == 0


def test_the_same_bits_on_three_seeds_are_one_observation():
    one = {("r", seed): 0.8 + seed / 100 for seed in range(5)}
    other = dict(one) | {("r", 4): 0.0}
    assert find_identical({"a": one, "b": dict(one), "c": other}) == {"b": "a"}
    assert find_identical({"a": one, "b": dict(list(one.items())[:2])}) == {}


def test_a_copy_of_a_system_changes_no_others_verdict():
    rows = synthetic.rows(noise=0.02)
    alone = summarise(synthetic.frame(rows))
    copies = [
        {**row, "system": f"copy-{i}", "trial_id": f"{row['trial_id']}{i}"}
        for i in range(6)
        for row in rows
        if row["system"] == "torch-eager"
    ]
    among = summarise(synthetic.frame([*rows, *copies]))
    (case,) = alone
    for name in ("torch-eager", "torch-fused"):
        before, after = (found[case][name].against("accuracy_test") for found in (alone, among))
        assert before.p == after.p and before.verdict == after.verdict


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_the_simulation_judges_as_reports_do(design):
    found = simulate(design, 5, runs=200)
    logs = draw_logs(design, 5, 200)
    estimates = [stats.mean_interval(row).exp() for row in logs]
    verdicts = [
        judge_ratio(estimate, MARGINS["time"], stats.difference_p(row)).kind
        for estimate, row in zip(estimates, logs, strict=True)
    ]
    assert found.covered == np.mean([e.low <= 1 <= e.high for e in estimates])
    assert found.false == np.mean([kind in (Kind.LESS, Kind.MORE) for kind in verdicts])


@pytest.mark.parametrize("blocks", [3, 5, 6, 12])
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_intervals_cover_on_a_machine_with_two_states(design, blocks):
    assert simulate(design, blocks).covered >= 0.93


@pytest.mark.parametrize("blocks", [3, 5, 12])
def test_flanks_find_what_one_base_in_a_block_does_not(blocks):
    unflanked, flanked, repeated = (simulate(design, blocks) for design in DESIGNS)
    assert repeated.power > flanked.power > 1.5 * unflanked.power
    assert repeated.false <= 0.03 and flanked.false <= 0.05


def test_fifteen_percent_are_found_in_five_blocks_where_processes_are_short():
    assert simulate(DESIGNS[2], 5).power >= 0.9
    assert simulate(DESIGNS[1], 12).power >= 0.9  # long processes need more blocks
