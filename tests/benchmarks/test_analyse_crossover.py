"""The size from which on a framework is faster is found where it was put."""

import dataclasses
import math

import numpy as np
import pytest

from benchmarks.analyse.crossover import find_axes, find_crossings, locate
from benchmarks.analyse.run_data import read_run_data
from benchmarks.analyse.summary import summarise
from benchmarks.analyse.verdicts import Kind, Verdict
from benchmarks.render import crossover, crossover_figure
from benchmarks.render.crossover import describe_crossing, describe_crossings
from benchmarks.render.readme import make_part
from tests.benchmarks.synthetic import WORKLOAD, frame, run_folder, scaling_rows

SIZES = (16, 32, 64, 128, 256)


@pytest.fixture(scope="module")
def found():
    made, workloads = scaling_rows()
    table = frame(made)
    return {one.framework: one for one in find_crossings(table, summarise(table), workloads, 0.05)}


@pytest.fixture(scope="module")
def apart():
    made, workloads = scaling_rows(products=True)
    table = frame(made)
    found = find_crossings(table, summarise(table), workloads, 0.05)
    return {(one.part, one.framework): one for one in found}


def test_the_crossing_lies_where_the_steps_are_equal(found):
    one = found["PyTorch"]
    assert one.at.value == pytest.approx(100, rel=0.1)
    assert one.at.low < one.at.value < one.at.high and one.at.kind == "interval"
    assert set(one.variants.values()) == {"torch-eager"}
    assert describe_crossing(one).startswith(
        "faster below "
    ) and " units (95 % interval " in describe_crossing(one)


def test_no_crossing_is_said_in_words(found):
    assert math.isinf(found["TensorFlow"].at.value) and found["JAX"].at.value == 0
    assert (
        describe_crossing(found["TensorFlow"]) == "faster at every size measured (16 to 256 units)"
    )
    assert describe_crossing(found["JAX"]) == "slower at every size measured (16 to 256 units)"


def test_few_blocks_give_a_crossing_without_an_interval():
    made, workloads = scaling_rows(blocks=2)
    table = frame(made)
    found = find_crossings(table, summarise(table), workloads, 0.05)
    one = next(c for c in found if c.framework == "PyTorch")
    assert one.at.kind == "single" and "interval" not in describe_crossing(one)
    assert describe_crossing(one).endswith("over too few blocks for a verdict")


def test_products_and_everything_else_have_their_own_crossings(apart):
    assert apart["step", "PyTorch"].at.value == pytest.approx(100, rel=0.1)
    rest = apart["everything else", "PyTorch"]
    assert rest.at.value == pytest.approx(67, rel=0.15) and not rest.unresolved
    assert rest.at.low < 67 < rest.at.high
    assert (
        describe_crossing(apart["products", "PyTorch"])
        == "faster at every size measured (16 to 256 units)"
    )
    assert apart["products", "PyTorch"].variants[16] == "matmul-only-torch"
    assert not any(framework == "JAX" for part, framework in apart if part != "step")


def test_a_rest_within_the_noise_of_the_step_gets_no_number(apart):
    one = apart["everything else", "TensorFlow"]
    assert one.unresolved == SIZES and not one.ratios and not one.at.known
    assert describe_crossing(one) == "not resolved against noise at any size"


def test_sizes_that_are_not_resolved_are_named_and_not_used(apart):
    one = apart["everything else", "PyTorch"]
    less = {size: ratio for size, ratio in one.ratios.items() if size < 128}
    words = describe_crossing(dataclasses.replace(one, ratios=less, unresolved=(128, 256)))
    assert words.startswith("faster below ")
    assert words.endswith("; not resolved against noise at 128 and 256")
    only = {"ratios": {64: one.ratios[64]}, "verdicts": {64: one.verdicts[64]}}
    alone = describe_crossing(dataclasses.replace(one, **only))
    assert alone.endswith(" at 64 units, the only size resolved")


def test_what_is_undecided_is_not_called_faster(found):
    one = found["TensorFlow"]
    undecided = Verdict(Kind.UNDECIDED, 0.05)
    unsure = dataclasses.replace(one, verdicts=dict.fromkeys(SIZES, undecided))
    assert describe_crossing(unsure).startswith("not shown to be faster or slower")
    part = dataclasses.replace(one, verdicts=one.verdicts | {256: undecided})
    assert describe_crossing(part) == "faster at 16, 32, 64 and 128 units, undecided at 256"


def test_sizes_far_below_a_crossing_are_not_called_faster_when_undecided(found):
    one = found["PyTorch"]
    unsure = {32: Verdict(Kind.UNDECIDED, 0.05)}
    words = describe_crossing(dataclasses.replace(one, verdicts=one.verdicts | unsure))
    assert words.startswith("faster at 16") and words.endswith("undecided at 32")
    none = dict.fromkeys((16, 32, 64), Verdict(Kind.UNDECIDED, 0.05))
    words = describe_crossing(dataclasses.replace(one, verdicts=one.verdicts | none))
    assert words.startswith("slower at ") and "faster" not in words


def _logs(rng, blocks, noise):
    """log(mapicx / framework) crosses 0 at size 64 on a grid of powers of two."""
    drift = rng.normal(0, noise, blocks)
    return {
        size: {(b,): math.log(size / 45) * 0.3 + drift[b] + rng.normal(0, noise) for b in
               range(blocks)}
        for size in SIZES
    }  # fmt: skip


@pytest.mark.parametrize("blocks", [3, 8])
def test_the_interval_covers_the_true_crossing(blocks):
    rng = np.random.default_rng(3)
    found = [locate(_logs(rng, blocks, 0.05)) for _ in range(150)]
    assert all(at.low <= at.value <= at.high for at in found)
    assert sum(at.low <= 45 <= at.high for at in found) / 150 >= 0.92


def test_a_crossing_beyond_the_sizes_has_open_bounds():
    rng = np.random.default_rng(0)
    near = {size: {(b,): math.log(size / 260) + rng.normal(0, 0.2) for b in range(6)}
            for size in SIZES}  # fmt: skip
    at = locate(near)
    assert 128 < at.low < 256 and math.isinf(at.high)
    assert locate({size: {(b,): -1.0 - b / 9 for b in range(6)} for size in SIZES}).low == math.inf
    assert locate({16: {(b,): b / 9 - 0.2 for b in range(6)}}).n == 6


def test_blocks_that_lack_a_size_are_left_out():
    logs = _logs(np.random.default_rng(0), 8, 0.01)
    del logs[64][(3,)]
    assert locate(logs).n == 7


def test_an_axis_is_what_varies_alone():
    def group(**fields):
        return {f"a-{i}": WORKLOAD | {k: v[i] for k, v in fields.items()} for i in range(2)}

    layers = [[2, 8, 8, 3], [2, 16, 16, 3]]
    assert [a.name for a in find_axes(group(layers=layers))] == ["width"]
    assert [a.name for a in find_axes(group(layers=[[2, 8, 3], [2, 8, 8, 3]]))] == ["depth"]
    assert list(find_axes(group(batch_size=[300, 16]))[0].workloads) == [16, 300]
    assert [a.name for a in find_axes(group(train_rows=[30, 300]))] == ["rows"]
    assert find_axes(group(layers=layers, train_rows=[30, 300])) == []
    assert find_axes({"spiral": WORKLOAD}) == []


def test_each_framework_has_its_sentence(tmp_path):
    made, workloads = scaling_rows()
    data = read_run_data(run_folder(tmp_path, made, workloads=workloads, suite="scaling"))
    first, *said = describe_crossings(data.crossings)
    assert first.startswith(
        "Of the sizes measured, a framework's step is shorter than mapicx's at: JAX along width at"
    )
    assert said[0] == (
        "Per training step, against JAX: along width, mapicx is slower at every size measured"
        " (16 to 256 units)."
    )
    assert said[1].startswith(
        "Per training step, against PyTorch: along width, mapicx is faster below "
    )
    (note,) = crossover.make_compact_table(data.crossings).notes
    assert note.endswith("JAX: jax-jit; PyTorch: torch-eager; TensorFlow: tf-function.")
    assert len(make_part(data, "crossover").blocks[0].items) == 4


def test_steps_are_split_where_products_were_measured(tmp_path):
    made, workloads = scaling_rows(products=True, widths=(16, 64, 128))
    made += [row | {"threads": 2, "trial_id": row["trial_id"] + "-2"} for row in made]
    data = read_run_data(run_folder(tmp_path, made, workloads=workloads, suite="scaling"))
    said = describe_crossings(data.crossings)
    assert "on 1 thread" in said[1] and any("on 2 threads" in sentence for sentence in said)
    assert "for everything else in " in said[-1] and "are not resolved" in said[-1]
    titles = [section.title for section in crossover.make_sections(data.crossings)]
    assert titles[0] == "Products, and everything else"
    assert "Width, 2 threads: everything else" in titles
    table = crossover_figure.draw(data, data.headline).table
    assert set(table["part"]) == {"step", "products", "everything else"}
    assert set(table["threads"]) == {1, 2}
    lost = table[table["framework"].eq("TensorFlow") & table["part"].eq("everything else")]
    assert lost["verdict"].eq("not resolved").all() and lost["mapicx_over_variant"].isna().all()
