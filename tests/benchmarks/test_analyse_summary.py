"""The summary forms no number that the rows do not support."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.analyse.checks import check
from benchmarks.analyse.frameworks import best_variants, framework
from benchmarks.analyse.memory_floor import memory_floor
from benchmarks.analyse.metrics import MARGINS, METRICS
from benchmarks.analyse.stats import Estimate, paired_ratio
from benchmarks.analyse.summary import summarise
from benchmarks.analyse.verdicts import of_ratio
from tests.benchmarks.synthetic import CEILING, SYSTEMS, WORKLOAD, frame, rows

TWO = {name: SYSTEMS[name] for name in ("mapicx", "torch-eager", "mapicx-again")}


def lines(made, **kwargs):
    return summarise(frame(made), **kwargs).set_index("system")


@pytest.fixture(scope="module")
def full():
    return lines(rows())


def test_every_system_has_one_line_per_workload_and_threads():
    both = rows(2, TWO) + rows(2, TWO, workload="moons")
    found = summarise(frame(both))
    assert len(found) == 6
    assert not found.duplicated(["workload", "threads", "system"]).any()


def test_ratio_and_absolute_values_agree(full):
    line = full.loc["torch-eager"]
    assert line["time_total_s_ratio"] == pytest.approx(1.9 / 0.25, rel=0.1)
    assert line["time_total_s_kind"] == "interval" and line["time_total_s_n"] == 6
    assert line["time_total_s_verdict"] == "slower"
    assert line["memory_peak_bytes_kind"] == "range" and line["memory_peak_bytes_n"] == 3
    assert line["memory_peak_bytes_verdict"] == "larger"


def test_times_of_trials_that_shared_the_machine_are_shown_and_not_compared():
    line = lines([row | {"shared": row["measure"] == "time"} for row in rows()]).loc["torch-eager"]
    assert line["time_total_s"] > 0 and np.isnan(line["time_total_s_ratio"])
    assert line["time_total_s_verdict"] == ""
    assert line["memory_peak_bytes_ratio"] > 1 and line["accuracy_test_verdict"]


def test_equal_accuracy_is_equivalent_and_a_worse_model_is_lower(full):
    assert full.loc["torch-eager", "accuracy_test_verdict"] == "equivalent within 1 point"
    assert full.loc["logistic-regression", "accuracy_test_verdict"] == "lower"
    assert full.loc["mapicx", "accuracy_test_verdict"] == ""


def test_no_ratio_with_a_system_that_is_not_comparable():
    made = rows(6, TWO)
    for row in made:
        if row["measure"] == "parity" and row["system"] == "torch-eager":
            row["comparable"] = False
    line = lines(made).loc["torch-eager"]
    for metric in METRICS.values():
        if metric.compare == "ratio":
            assert np.isnan(line[f"{metric.name}_ratio"]) and line[f"{metric.name}_verdict"] == ""
    assert line["time_total_s"] > 0


def test_an_unchecked_system_keeps_its_ratio():
    line = lines(rows(6, TWO, parity=False)).loc["torch-eager"]
    assert pd.isna(line["comparable"]) and line["time_total_s_ratio"] > 1


@pytest.mark.parametrize("field", ["parameters", "steps", "samples_seen", "dtype"])
def test_no_step_ratio_between_networks_that_did_different_work(field):
    made = rows(6, TWO)
    for row in made:
        if row["system"] == "torch-eager" and row["measure"] != "parity":
            row[field] = "float64" if field == "dtype" else 7
    line = lines(made).loc["torch-eager"]
    assert line["work"].startswith("different work")
    assert np.isnan(line["time_step_warm_s_ratio"]) and line["time_total_s_ratio"] > 1


def test_other_families_do_different_work(full):
    assert full.loc["svm-rbf-tuned", "work"] == "different work"
    assert full.loc["torch-eager", "work"] == ""


def test_too_few_blocks_give_a_range_and_no_verdict_on_time():
    line = lines(rows(5, TWO)).loc["torch-eager"]
    assert line["time_total_s_kind"] == "range"
    assert line["time_total_s_verdict"] == "undecided"


def test_failed_rows_give_no_numbers_and_are_counted():
    made = rows(6, TWO)
    for row in made:
        if row["system"] == "torch-eager":
            row |= {"status": "crashed", "reason": "exit code 3"}
    line = lines(made).loc["torch-eager"]
    assert np.isnan(line["time_total_s"]) and line["ok"] == 0
    assert line["statuses"].startswith("crashed") and line["reason"] == "exit code 3"


def test_times_of_several_machines_are_not_pooled():
    made = rows(6, TWO)
    for row in made:
        if row["block"] % 2:
            row["machine_id"] = "machine-b"
    line = lines(made).loc["torch-eager"]
    assert np.isnan(line["time_total_s"]) and line["time_total_s_kind"] == "mixed"
    assert np.isnan(line["time_total_s_ratio"])
    assert line["accuracy_test_n"] == 6


def test_values_are_paired_by_block_not_by_position():
    made = [r for r in rows(7, TWO) if not (r["system"] == "mapicx" and r["block"] == 0)]
    assert lines(made).loc["torch-eager", "time_total_s_ratio_n"] == 6


def test_order_of_rows_does_not_matter():
    made = rows(6, TWO)
    shuffled = [made[i] for i in np.random.default_rng(0).permutation(len(made))]
    first, second = (lines(m).sort_index() for m in (made, shuffled))
    pd.testing.assert_frame_equal(first, second[first.columns])


def test_no_rows_give_an_empty_summary():
    empty = summarise(frame([]))
    assert empty.empty and "time_total_s_ratio" in empty


def test_equal_systems_are_seldom_called_different():
    metric, false = METRICS["time_total_s"], 0
    rng = np.random.default_rng(11)
    for _ in range(400):
        base, again, other = rng.lognormal(0, 0.05, (3, 6))
        twin = paired_ratio(again, base)
        noise = max(twin.high, 1 / twin.low)
        false += of_ratio(paired_ratio(other, base), metric, noise, 0.05) in ("faster", "slower")
    assert false / 400 <= 0.05


def test_a_difference_below_the_noise_is_not_called_one():
    metric = METRICS["time_total_s"]
    ratio = Estimate(1.08, 1.06, 1.10, 6, "interval")
    assert of_ratio(ratio, metric, 1.02, 0.05) == "slower"
    assert of_ratio(ratio, metric, 1.12, 0.05) == "undecided"
    close = Estimate(1.01, 0.99, 1.03, 6, "interval")
    assert of_ratio(close, metric, 1.02, 0.05) == "equivalent within 5 %"
    assert of_ratio(close, metric, 1.2, 0.05) == "undecided"


def test_margins_come_from_the_run():
    wide = lines(rows(), margins={"accuracy": 0.5, "unknown": 1})
    assert wide.loc["logistic-regression", "accuracy_test_verdict"] == "equivalent within 50 points"
    assert MARGINS["accuracy"] == 0.01


def test_best_variant_is_the_fastest_comparable_one():
    found = best_variants(summarise(frame(rows())), "time_total_s").set_index("framework")["system"]
    assert found["PyTorch"] == "torch-fused" and found["TensorFlow"] == "tf-loop"
    assert framework("mapicx-0.1.0") != framework("mapicx") and framework("own") == "own"


def test_memory_floor_counts_every_part():
    floor = memory_floor(WORKLOAD | {"layers": [2, 3, 1], "train_rows": 10, "batch_size": 5})
    assert floor["parameters"] == (2 * 3 + 3 + 3 + 1) * 4
    assert floor["optimizer state"] == 2 * floor["parameters"]
    assert floor["activations"] == 5 * 4 * 4 and floor["data"] == 10 * (2 * 4 + 8)
    assert floor["sum"] == sum(v for k, v in floor.items() if k != "sum")


def findings(made):
    return {f.name: f for f in check(frame(made))}


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


def test_equal_networks_fail_the_checks_seldom():
    wrong = 0
    for seed in range(8):
        found = findings(rows(6, memory_blocks=0, seed=seed, parity=False))
        wrong += found["no network differs"].holds is False
        wrong += found["none above the ceiling"].holds is False
    assert wrong <= 2
