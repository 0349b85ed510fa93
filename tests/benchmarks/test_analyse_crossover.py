"""The size from which on a framework is faster is found where it was put."""

import math

import numpy as np
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
    return {one.framework: one for one in crossings(table, summarise(table), workloads)}


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
    one = next(c for c in crossings(table, summarise(table), workloads) if c.framework == "PyTorch")
    assert one.at.kind == "single" and "interval" not in verdict(one)


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
    again = write(run, tmp_path / "p", pictures=False)
    assert again.read_text() == text
    csv = [p.parent / "crossover.csv" for p in (path, again)]
    assert csv[0].read_bytes() == csv[1].read_bytes()
