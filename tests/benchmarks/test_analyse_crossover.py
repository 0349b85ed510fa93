"""The size from which on a framework is faster is found where it was put."""

import math

import numpy as np
import pandas as pd
import pytest

from benchmarks.analyse.crossover import axes, crossings, locate
from benchmarks.analyse.summary import summarise
from benchmarks.render.crossover import verdict
from benchmarks.render.report import write
from tests.benchmarks.synthetic import WORKLOAD, frame, run_folder, scaling_rows

SIZES = (16, 32, 64, 128, 256)


@pytest.fixture(scope="module")
def found():
    made, workloads = scaling_rows()
    table = frame(made)
    return {one.framework: one for one in crossings(table, summarise(table), workloads, 0.05)}


@pytest.fixture(scope="module")
def apart():
    made, workloads = scaling_rows(products=True)
    table = frame(made)
    found = crossings(table, summarise(table), workloads, 0.05)
    return {(one.part, one.framework): one for one in found}


def test_the_crossing_lies_where_the_steps_are_equal(found):
    one = found["PyTorch"]
    assert one.at.value == pytest.approx(100, rel=0.1)
    assert one.at.low < one.at.value < one.at.high and one.at.kind == "interval"
    assert set(one.variants.values()) == {"torch-eager"}
    assert verdict(one).startswith("faster below ") and " units (95 % interval " in verdict(one)


def test_no_crossing_is_said_in_words(found):
    assert math.isinf(found["TensorFlow"].at.value) and found["JAX"].at.value == 0
    assert verdict(found["TensorFlow"]) == "faster at every size measured"
    assert verdict(found["JAX"]) == "slower at every size measured"


def test_few_blocks_give_a_crossing_without_an_interval():
    made, workloads = scaling_rows(blocks=2)
    table = frame(made)
    found = crossings(table, summarise(table), workloads, 0.05)
    one = next(c for c in found if c.framework == "PyTorch")
    assert one.at.kind == "single" and "interval" not in verdict(one)
    assert verdict(one).endswith("in the median (too few blocks for a verdict)")


def test_products_and_everything_else_have_their_own_crossings(apart):
    assert apart["step", "PyTorch"].at.value == pytest.approx(100, rel=0.1)
    rest = apart["everything else", "PyTorch"]
    assert rest.at.value == pytest.approx(67, rel=0.15) and not rest.unresolved
    assert rest.at.low < 67 < rest.at.high
    assert verdict(apart["products", "PyTorch"]) == "faster at every size measured"
    assert apart["products", "PyTorch"].variants[16] == "matmul-only-torch"
    assert not any(framework == "JAX" for part, framework in apart if part != "step")


def test_a_rest_within_the_noise_of_the_step_gets_no_number(apart):
    one = apart["everything else", "TensorFlow"]
    assert one.unresolved == SIZES and not one.ratios and not one.at.known
    assert verdict(one) == "not resolved against noise at any size"


def test_sizes_that_are_not_resolved_are_named_and_not_used(apart):
    one = apart["everything else", "PyTorch"]
    less = {size: ratio for size, ratio in one.ratios.items() if size < 128}
    words = verdict(one._replace(ratios=less, unresolved=(128, 256)))
    assert words.startswith("faster below ")
    assert words.endswith("; not resolved against noise at 128, 256")
    (only,) = [{64: one.ratios[64]}]
    assert "at 64 units, the only size resolved" in verdict(one._replace(ratios=only))


def test_a_difference_within_noise_is_not_called_one(found):
    one = found["TensorFlow"]
    unsure = dict.fromkeys(SIZES, "undecided")
    assert verdict(one._replace(verdicts=unsure)) == (
        "neither faster nor slower beyond noise at any size"
    )
    part = one.verdicts | {256: "undecided"}
    assert verdict(one._replace(verdicts=part)) == (
        "faster at every size measured, but within noise at 256"
    )


def _logs(rng, blocks, noise):
    """log(mapicx / framework) crosses 0 at size 64 on a grid of powers of two."""
    drift = rng.normal(0, noise, blocks)
    return {
        size: {(b,): math.log(size / 45) * 0.3 + drift[b] + rng.normal(0, noise) for b in
               range(blocks)}
        for size in SIZES
    }  # fmt: skip


def test_the_interval_covers_the_true_crossing():
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(120):
        at = locate(_logs(rng, 8, 0.05))
        inside += at.low <= 45 <= at.high
    assert inside / 120 >= 0.90


def test_blocks_that_lack_a_size_are_left_out():
    logs = _logs(np.random.default_rng(0), 8, 0.01)
    del logs[64][(3,)]
    assert locate(logs).n == 7


def test_an_axis_is_what_varies_alone():
    def group(**fields):
        return {f"a-{i}": WORKLOAD | {k: v[i] for k, v in fields.items()} for i in range(2)}

    layers = [[2, 8, 8, 3], [2, 16, 16, 3]]
    assert [a.name for a in axes(group(layers=layers))] == ["width"]
    assert [a.name for a in axes(group(layers=[[2, 8, 3], [2, 8, 8, 3]]))] == ["depth"]
    assert list(axes(group(batch_size=[300, 16]))[0].workloads) == [16, 300]
    assert [a.name for a in axes(group(train_rows=[30, 300]))] == ["rows"]
    assert axes(group(layers=layers, train_rows=[30, 300])) == []
    assert axes({"spiral": WORKLOAD}) == []


def test_the_report_states_and_draws_crossings_and_rebuilds(tmp_path):
    made, workloads = scaling_rows()
    run = run_folder(tmp_path / "r", made, workloads=workloads, suite="scaling")
    path = write(run, tmp_path / "o")
    text = path.read_text()
    assert "1. Width: mapicx is slower at every size measured (JAX); faster below" in text
    names = sorted(p.name for p in path.parent.iterdir())
    assert names == ["crossover.csv", "crossover.png", "report.md"]
    assert "Products, and everything else" not in text
    assert "JAX: jax-jit; PyTorch: torch-eager; TensorFlow: tf-function." in text
    again = write(run, tmp_path / "p", pictures=False)
    assert again.read_text() == text
    csv = [p.parent / "crossover.csv" for p in (path, again)]
    assert csv[0].read_bytes() == csv[1].read_bytes()


def test_the_report_splits_steps_where_products_were_measured(tmp_path):
    made, workloads = scaling_rows(products=True)
    more = [
        row | {"threads": 2, "trial_id": row["trial_id"] + "-2"} for row in made
    ]  # fmt: skip
    run = run_folder(tmp_path / "r", made + more, workloads=workloads, suite="scaling")
    path = write(run, tmp_path / "o")
    text = path.read_text()
    first = [line for line in text.splitlines() if line.startswith("1. Width")]
    assert "on 1 thread mapicx is" in first[0] and "on 2 threads mapicx is" in first[0]
    assert "for everything else in 0 of 2 comparisons (2 more are not resolved" in text
    assert "### Products, and everything else" in text
    assert "### Width, 2 threads: everything else" in text
    assert text.count("| not resolved |") == 2 * len(SIZES)
    table = pd.read_csv(path.parent / "crossover.csv")
    assert set(table["part"]) == {"step", "products", "everything else"}
    assert set(table["threads"]) == {1, 2}
    lost = table[table["framework"].eq("TensorFlow") & table["part"].eq("everything else")]
    assert lost["verdict"].eq("not resolved").all() and lost["mapicx_over_variant"].isna().all()
