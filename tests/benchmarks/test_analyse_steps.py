"""The step-time sweep names the fastest competitor and divides mapicx by it."""

import pytest

from benchmarks.analyse.run_data import read_run_data
from benchmarks.analyse.steps import find_sweep
from benchmarks.analyse.summary import summarise
from benchmarks.analyse.verdicts import Kind
from benchmarks.render import steps
from benchmarks.render.markdown import write_table
from benchmarks.render.report import make_full, make_short
from tests.benchmarks.synthetic import frame, rows, run_folder, sweep_rows


def sweep(made, workloads):
    table = frame(made)
    return find_sweep(table, summarise(table), workloads, 0.05)


@pytest.fixture(scope="module")
def found():
    return sweep(*sweep_rows())


def test_the_fastest_competitor_with_a_loop_in_python_divides_mapicx(found):
    assert [point.shape for point in found] == ["2-64-3"] * 2 + ["2-512-3"] * 2
    for point in found:
        assert point.competitor.system == "torch-eager"
        assert point.competitor.verdict.kind is Kind.LESS
        assert point.competitor.ratio.value == pytest.approx(0.5, rel=0.05)
        assert point.steps["jax-scan"].verdict.kind is Kind.MORE


def test_a_step_less_its_own_frameworks_products_is_everything_else(found):
    costs = found[0].steps
    assert costs["mapicx"].rest.value == pytest.approx(60e-6, rel=0.1)
    assert costs["torch-eager"].rest.value == pytest.approx(170e-6, rel=0.1)
    assert not costs["jax-scan"].rest.known  # its products were not measured
    assert found[0].products_share == pytest.approx(0.4, rel=0.1)


def test_a_system_that_does_not_train_the_same_network_is_no_competitor():
    made, workloads = sweep_rows(shapes=1)
    for row in made:
        if row["system"] == "torch-eager":
            row["steps"] = 7
    assert sweep(made, workloads)[0].competitor.system == "torch-fused"


def test_other_runs_have_no_sweep():
    assert sweep(rows(1), {"spiral": {}}) == []


def test_the_answer_counts_verdicts(found):
    said = steps.describe_sweep(found)
    whom = "the fastest system whose training loop runs in Python"
    assert said[0].startswith(
        f"Of 4 configurations, mapicx's step is faster in 4 against {whom} (its time over theirs:"
    )
    assert any("step is slower in 4 against jax-scan" in sentence for sentence in said)
    lines = write_table(steps.make_compact_table(found))
    assert any(line.startswith("| 2-64-3, 300 | Adam | 100") for line in lines)


def test_the_report_has_one_figure_for_all_points(tmp_path):
    made, workloads = sweep_rows(shapes=1)
    data = read_run_data(run_folder(tmp_path, made, workloads=workloads, suite="steps"))
    drawing = steps.draw(data, data.headline)
    assert set(drawing.table["competitor"].dropna()) == {True, False}
    assert make_short(data, {}).title.startswith("Benchmark report")
    titles = [section.title for section in make_full(data, {}, None).sections]
    assert titles[0] == steps.TITLE


def test_products_stand_in_the_sweep_only(tmp_path):
    made, workloads = sweep_rows(blocks=2, shapes=1)
    data = read_run_data(run_folder(tmp_path, made, workloads=workloads))
    assert data.sweep[0].competitor.verdict.kind is Kind.TOO_FEW
    assert "too few blocks for a verdict" in steps.make_compact_table(data.sweep).notes[0]
    assert not any(line.system.startswith("matmul-only") for line in data.lines())
    names = [row[0] for row in steps.make_sections(data.sweep)[0].blocks[0].rows]
    assert "matmul-only-torch" in names
