"""The summary forms no number that the rows do not support."""

import math

import numpy as np
import pytest

from benchmarks.analyse.checks import check_run
from benchmarks.analyse.equal_work import compute_memory_floor
from benchmarks.analyse.frameworks import find_framework
from benchmarks.analyse.metrics import MARGINS, METRICS
from benchmarks.analyse.stats import Estimate, difference_p, log_ratios, paired_ratio
from benchmarks.analyse.summary import Case, find_best_variants, summarise
from benchmarks.analyse.verdicts import Kind, judge_ratio
from tests.benchmarks.synthetic import CEILING, SYSTEMS, WORKLOAD, frame, rows

TWO = {name: SYSTEMS[name] for name in ("mapicx", "torch-eager", "mapicx-again")}
TOTAL, PEAK, SCORE = "time_total_s", "memory_peak_bytes", "accuracy_test"


def summarise_one(made, **kwargs):
    return summarise(frame(made), **kwargs)[Case("spiral", 1)]


def kind(line, metric):
    return line.against(metric).verdict.kind


@pytest.fixture(scope="module")
def full():
    return summarise_one(rows())


def test_every_system_has_one_line_per_workload_and_threads():
    found = summarise(frame(rows(2, TWO) + rows(2, TWO, workload="moons")))
    assert list(found) == [Case("moons", 1), Case("spiral", 1)]
    assert all(set(lines) == set(TWO) for lines in found.values())


def test_ratio_and_absolute_values_agree(full):
    line = full["torch-eager"]
    assert line.against(TOTAL).estimate.value == pytest.approx(1.9 / 0.25, rel=0.1)
    assert (line.estimate(TOTAL).kind, line.estimate(TOTAL).n) == ("interval", 6)
    assert kind(line, TOTAL) is Kind.MORE
    assert (line.estimate(PEAK).kind, line.estimate(PEAK).n) == ("range", 3)
    assert kind(line, PEAK) is Kind.MORE


def test_times_of_trials_that_shared_the_machine_are_shown_and_not_compared():
    made = [row | {"shared": row["measure"] == "time"} for row in rows()]
    line = summarise_one(made)["torch-eager"]
    assert line.has(TOTAL) and not line.against(TOTAL).estimate.known
    assert kind(line, TOTAL) is Kind.NOT_MEASURED
    assert line.against(PEAK).estimate.value > 1 and kind(line, SCORE) is Kind.EQUIVALENT


def test_equal_accuracy_is_equivalent_and_a_worse_model_is_lower(full):
    assert kind(full["torch-eager"], SCORE) is Kind.EQUIVALENT
    assert full["torch-eager"].against(SCORE).verdict.margin == 0.01
    assert kind(full["logistic-regression"], SCORE) is Kind.LESS
    assert kind(full["mapicx"], SCORE) is Kind.NOT_MEASURED


def test_families_are_corrected_apart():
    made = rows()
    alone = summarise_one([row for row in made if row["family"] != "classical"])
    both = summarise_one(made)
    for metric in (TOTAL, SCORE):
        assert alone["torch-eager"].against(metric).p == both["torch-eager"].against(metric).p
    few = [row for row in made if row["system"] not in ("keras-fit", "tf-loop", "sklearn-mlp")]
    p = [lines["torch-eager"].against(SCORE).p_equal for lines in (summarise_one(few), both)]
    assert p[0] < p[1]  # a larger family of networks costs each of them


def test_no_ratio_with_a_system_that_is_not_comparable():
    made = rows(6, TWO)
    for row in made:
        if row["measure"] == "parity" and row["system"] == "torch-eager":
            row["comparable"] = False
    line = summarise_one(made)["torch-eager"]
    for metric in METRICS.values():
        if metric.compare == "ratio":
            assert not line.against(metric.name).estimate.known
            assert kind(line, metric.name) is Kind.NOT_MEASURED
    assert line.has(TOTAL)


def test_an_unchecked_system_keeps_its_ratio():
    line = summarise_one(rows(6, TWO, parity=False))["torch-eager"]
    assert line.unchecked and line.against(TOTAL).estimate.value > 1


@pytest.mark.parametrize("field", ["parameters", "steps", "samples_seen", "dtype"])
def test_no_step_ratio_between_networks_that_did_different_work(field):
    made = rows(6, TWO)
    for row in made:
        if row["system"] == "torch-eager" and row["measure"] != "parity":
            row[field] = "float64" if field == "dtype" else 7
    line = summarise_one(made)["torch-eager"]
    assert line.other_work and line.differs_in == (field,)
    assert not line.against("time_step_warm_s").estimate.known
    assert line.against(TOTAL).estimate.value > 1


def test_other_families_do_different_work(full):
    assert full["svm-rbf-tuned"].other_work and not full["torch-eager"].other_work


def test_bounds_train_nothing_and_cost_no_multiple_of_anything(full):
    line = full["bayes-rule"]
    assert line.has(TOTAL) and not line.has("time_train_warm_s")
    assert not line.against(TOTAL).estimate.known and not line.against(PEAK).estimate.known


def test_too_few_blocks_give_a_range_and_no_verdict_on_time():
    line = summarise_one(rows(2, TWO))["torch-eager"]
    assert line.against(TOTAL).estimate.kind == "range" and kind(line, TOTAL) is Kind.TOO_FEW
    assert kind(summarise_one(rows(3, TWO))["torch-eager"], TOTAL) is Kind.MORE


def test_failed_rows_give_no_numbers_and_are_counted():
    made = rows(6, TWO)
    for row in made:
        if row["system"] == "torch-eager":
            row |= {"status": "crashed", "reason": "exit code 3"}
    line = summarise_one(made)["torch-eager"]
    assert not line.has(TOTAL) and line.statuses == {"crashed": 10}


def test_times_of_several_machines_are_not_pooled():
    made = rows(6, TWO)
    for row in made:
        if row["block"] % 2:
            row["machine_id"] = "machine-b"
    line = summarise_one(made)["torch-eager"]
    assert not line.has(TOTAL) and line.estimate(TOTAL).kind == "mixed"
    assert line.estimate(SCORE).n == 6


@pytest.mark.parametrize(("machines", "n"), [(2, 6), (3, 3)])
def test_ratios_are_formed_within_machines_which_are_a_level_from_three_on(machines, n):
    made = rows(6, TWO)
    for row in made:
        at = row["block"] % machines
        row["machine_id"] = f"machine-{at}"
        if row["measure"] == "time":
            row["time_total_s"] *= 10.0**at  # which a ratio across machines would show
    alone = summarise_one(rows(6, TWO))["torch-eager"].against(TOTAL).estimate
    mixed = summarise_one(made)["torch-eager"].against(TOTAL).estimate
    assert mixed.value == pytest.approx(alone.value) and mixed.n == n


def test_values_are_paired_by_block_not_by_position():
    made = [r for r in rows(7, TWO) if not (r["system"] == "mapicx" and r["block"] == 0)]
    assert summarise_one(made)["torch-eager"].against(TOTAL).estimate.n == 6


def test_repeats_within_a_block_are_averaged():
    made = rows(6, TWO)
    more = [row | {"trial_id": row["trial_id"] + "-r"} for row in made if row["measure"] == "time"]
    for row in more:
        row["time_total_s"] *= 3
    once, twice = (summarise_one(m)["mapicx"].estimate(TOTAL) for m in (made, made + more))
    assert twice.n == once.n == 6 and twice.value == pytest.approx(2 * once.value)


def test_order_of_rows_does_not_matter():
    made = rows(6, TWO)
    shuffled = [made[i] for i in np.random.default_rng(0).permutation(len(made))]
    first, second = map(summarise_one, (made, shuffled))
    for name, line in first.items():
        assert line.values == second[name].values
        same = [second[name].against(m).estimate for m in line.comparisons]
        assert [found.estimate for found in line.comparisons.values()] == same


def test_no_rows_give_an_empty_summary():
    assert summarise(frame([])) == {}


def test_equal_systems_are_seldom_called_different():
    false, rng = 0, np.random.default_rng(11)
    for _ in range(400):
        base, other = rng.lognormal(0, 0.1, (2, 6))
        p = difference_p(log_ratios(other, base))
        found = judge_ratio(paired_ratio(other, base), 0.05, p).kind
        false += found in (Kind.LESS, Kind.MORE)
    assert false / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_a_difference_below_the_smallest_effect_is_not_called_one():
    def judge(value, low, high, n=6, kind="interval", p=0.001):
        return judge_ratio(Estimate(value, low, high, n, kind), 0.05, p).kind

    assert judge(1.08, 1.06, 1.10) is Kind.MORE and judge(0.8, 0.7, 0.9) is Kind.LESS
    assert judge(1.08, 1.06, 1.10, p=0.06) is Kind.UNDECIDED
    assert judge(1.04, 1.01, 1.07) is Kind.UNDECIDED
    assert judge(1.01, 0.99, 1.03) is Kind.EQUIVALENT
    assert judge(2.0, 1.9, 2.1, n=2, kind="range") is Kind.TOO_FEW
    assert judge_ratio(Estimate(), 0.05).kind is Kind.NOT_MEASURED


def test_margins_come_from_the_run():
    wide = summarise_one(rows(), margins={"accuracy": 0.5, "unknown": 1})
    verdict = wide["logistic-regression"].against(SCORE).verdict
    assert (verdict.kind, verdict.margin) == (Kind.EQUIVALENT, 0.5)
    assert MARGINS["accuracy"] == 0.01


def test_best_variant_is_the_fastest_comparable_one(full):
    found = find_best_variants(full.values(), TOTAL)
    assert found["PyTorch"].system == "torch-fused" and found["TensorFlow"].system == "tf-loop"
    assert find_framework("mapicx-0.1.0") != find_framework("mapicx")
    assert find_framework("own") == "own"


def test_memory_floor_counts_every_part():
    small = WORKLOAD | {"layers": [2, 3, 1], "train_rows": 10, "batch_size": 5}
    floor = compute_memory_floor(small)
    assert floor["parameters"] == (2 * 3 + 3 + 3 + 1) * 4
    assert floor["optimizer state"] == 2 * floor["parameters"]
    assert floor["activations"] == 5 * 4 * 4 and floor["data"] == 10 * (2 * 4 + 8)
    assert floor["sum"] == sum(v for k, v in floor.items() if k != "sum")


def findings(made):
    return {f.name: f for f in check_run(frame(made))}


def test_checks_hold_for_equal_networks():
    assert {f.holds for f in findings(rows()).values()} == {True}


def test_checks_find_a_network_that_differs():
    made = rows(6, SYSTEMS | {"torch-eager": ("network", 1.6, 0.25, 230, 0.80)})
    found = findings(made)
    assert found["no network differs"].holds is False
    assert "torch-eager" in found["no network differs"].detail
    assert found["networks equivalent"].holds is None


def test_checks_find_failed_and_missing_parity():
    made = rows(2)
    made[0]["comparable"] = False
    assert findings(made)["parity"].holds is False
    assert findings(rows(2, parity=False))["parity"].holds is None


def test_checks_find_accuracy_above_the_ceiling():
    made = rows(6, TWO | {"torch-eager": ("network", 1.6, 0.25, 230, CEILING + 0.05)})
    assert findings(made)["none above the ceiling"].holds is False


def test_few_seeds_leave_the_ceiling_open_only_to_a_mean_above_it():
    assert findings(rows(2))["none above the ceiling"].holds is True
    above = rows(2, TWO | {"torch-eager": ("network", 1.6, 0.25, 230, CEILING + 0.05)})
    assert findings(above)["none above the ceiling"].holds is None


def test_equal_networks_fail_the_checks_seldom():
    wrong = 0
    for seed in range(8):
        found = findings(rows(6, memory_blocks=0, seed=seed, parity=False))
        wrong += found["no network differs"].holds is False
        wrong += found["none above the ceiling"].holds is False
    assert wrong <= 2
