"""Suite article: what the article names, and gradients in loops against vectorised ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import baselines
from baselines.loops import MOST, in_loops, products, vectorised
from benchmarks.analyse.run_data import read_run_data
from benchmarks.analyse.steps import compare_loops
from benchmarks.plan import suites, workloads
from benchmarks.render.steps import make_loops_section

KNOWN = workloads.read_workloads()
PAIR = ("dense-loops", "dense-vectorised")


def ready(name, workload):
    system = baselines.system(name)(workload, seed=0, threads=1, dtype="float32")
    system.load()
    system.build(None)
    return system


def test_the_suite_has_the_networks_that_the_article_names():
    found = [KNOWN[name].layers for name in suites.SUITES["article"]["workloads"]]
    named = ["2-64-3", "2-128-3", "2-512-512-3", "2-64-2", "2-16-16-2", "2-128-128-2"]
    assert ["-".join(map(str, layers)) for layers in found] == named


def test_the_suite_has_the_systems_of_the_spiral_and_the_pair():
    spiral, article = (suites.SUITES[name]["systems"] for name in ("spiral", "article"))
    assert set(spiral) - {"keras-fit"} | set(PAIR) <= set(article)  # it takes longer than allowed


def test_the_articles_program_can_train_every_workload():
    assert "mapicx-0.1.0" in suites.SUITES["article"]["systems"]
    for name in suites.SUITES["article"]["workloads"]:
        assert baselines.system("mapicx-0.1.0").supports(KNOWN[name]) is None


def test_loops_and_vectorised_give_the_same_gradients():
    rng = np.random.default_rng(0)
    for n_in, n_out in ((2, 64), (64, 3), (5, 1)):
        layer = [rng.normal(size=shape) for shape in ((30, n_in), (n_in, n_out), (30, n_out))]
        expected = vectorised(*layer)
        for found, part in zip(in_loops(*(a.tolist() for a in layer)), expected, strict=True):
            np.testing.assert_allclose(found, part, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", PAIR)
def test_both_do_the_same_work_and_notice_a_wrong_result(name):
    workload = replace(KNOWN["article-dropout"], train_rows=30)
    system = ready(name, workload)
    system.passes = 3
    system.train()
    assert (system.steps, system.samples_seen) == (3, 90)
    system.layers[1][2][4][1] += 1
    with pytest.raises(ArithmeticError, match="should"):
        system.train()


def test_both_take_as_many_passes():
    for name in suites.SUITES["article"]["workloads"]:
        if products(KNOWN[name]) <= MOST:
            assert len({ready(one, KNOWN[name]).passes for one in PAIR}) == 1


def test_a_network_too_large_for_loops_is_refused_by_both():
    for name in PAIR:
        assert "too long in loops" in baselines.system(name).supports(KNOWN["article-spiral"])
        assert baselines.system(name).supports(KNOWN["article-circles"]) is None


def test_a_run_reports_how_many_times_longer_loops_take(command, tmp_path):
    done = command(
        "benchmarks.run", "--suite", "article", "--workloads", "article-dropout",
        "--systems", ",".join(PAIR), "--preset", "smoke",
        "--results", tmp_path / "results", "--reports", tmp_path / "reports",
    )  # fmt: skip
    assert done.returncode in (0, 5), done.stderr  # 5: too busy a machine for its controls
    # As if each trial had had the machine to itself: a look at two at once compares nothing.
    (rows,) = (tmp_path / "results").glob("*/trials.jsonl")
    rows.write_text(rows.read_text().replace('"shared":true', '"shared":false'))
    data = read_run_data(rows.parent)
    (found,) = compare_loops(data.frame)
    assert (found.case.workload, found.case.threads) == ("article-dropout", 1)
    assert found.loops.value > 20 * found.vectorised.value
    assert found.ratio.value == pytest.approx(found.loops.value / found.vectorised.value, rel=0.5)
    (row,) = make_loops_section(data).blocks[0].rows
    assert row[:2] == ("article-dropout", "2-64-3")
    assert not any(line.system in PAIR for line in data.lines())
