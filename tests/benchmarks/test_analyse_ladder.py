"""The ladder of training steps names the fastest peer and divides mapicx by it."""

import pytest

from benchmarks.analyse.ladder import rungs
from benchmarks.analyse.summary import summarise
from benchmarks.render.material import material
from benchmarks.render.report import write
from tests.benchmarks.synthetic import frame, ladder_rows, rows, run_folder


@pytest.fixture(scope="module")
def found():
    made, workloads = ladder_rows()
    table = frame(made)
    return rungs(table, summarise(table), workloads, 0.05)


def test_the_fastest_step_wise_peer_is_named_and_divides_mapicx(found):
    assert [rung.shape for rung in found] == ["2-64-3"] * 2 + ["2-512-3"] * 2
    for rung in found:
        assert rung.peer.system == "torch-eager" and rung.peer.verdict == "faster"
        assert rung.peer.ratio.value == pytest.approx(0.5, rel=0.05)
        assert rung.steps["jax-scan"].verdict == "slower"


def test_a_step_less_its_own_frameworks_products_is_everything_else(found):
    steps = found[0].steps
    assert steps["mapicx"].rest.value == pytest.approx(60e-6, rel=0.1)
    assert steps["torch-eager"].rest.value == pytest.approx(170e-6, rel=0.1)
    assert not steps["jax-scan"].rest.known  # its products were not measured
    assert found[0].share == pytest.approx(0.4, rel=0.1)


def test_a_system_that_does_not_train_the_same_network_is_no_peer():
    made, workloads = ladder_rows(shapes=1)
    for row in made:
        if row["system"] == "torch-eager":
            row["steps"] = 7
    table = frame(made)
    assert rungs(table, summarise(table), workloads, 0.05)[0].peer.system == "torch-fused"


def test_other_runs_have_no_ladder():
    table = frame(rows(1))
    assert rungs(table, summarise(table), {"spiral": {}}, 0.05) == []


def test_the_report_of_a_ladder_answers_first_and_repeats_no_pictures(tmp_path):
    made, workloads = ladder_rows()
    run = run_folder(tmp_path / "r", made, workloads=workloads, suite="steps")
    path = write(run, tmp_path / "o")
    lines = path.read_text().splitlines()
    screen = lines[: lines.index("## The ladder of training steps")]
    assert len(screen) <= 25 and any("| 2-64-3, 300 | Adam | 100" in line for line in screen)
    assert (
        "1. mapicx is faster than the fastest of the systems that train step by step" in screen[2]
    )
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "ladder.csv",
        "ladder.png",
        "report.md",
    ]
    assert write(run, tmp_path / "p", pictures=False).read_text() == path.read_text()


def test_products_stand_in_the_ladder_only(tmp_path):
    made, workloads = ladder_rows(blocks=2, shapes=1)
    run = run_folder(tmp_path / "r", made, workloads=workloads)
    text = write(run, tmp_path / "o", pictures=False).read_text()
    tables = text.split("## Every system")[1:]
    assert not any("matmul-only" in part.split("## ")[0] for part in tables)
    assert "No verdict below 6 blocks" in text and "| matmul-only-torch |" in text
    assert material(run).ladder[0].peer.ratio.kind == "range"
