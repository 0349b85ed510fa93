"""A run on a user's table is answered in scores, costs and break-even, with nothing unescaped."""

import pytest

from benchmarks.analyse.run_data import read_run_data
from benchmarks.analyse.summary import Case
from benchmarks.record.store import Store
from benchmarks.render import terminal
from benchmarks.render.answer import answer
from benchmarks.render.markdown import write_blocks, write_markdown
from benchmarks.render.provenance import describe_run
from benchmarks.render.report import make_short
from benchmarks.render.results import make_result_table
from tests.benchmarks.synthetic import WORKLOAD, rows, run_folder

CASE = Case("table", 1)
# 300 steps; torch-fused starts later and steps faster.
SYSTEMS = {
    "mapicx": ("network", 0.10, 0.05, 40, 0.86),
    "torch-fused": ("network", 1.60, 0.03, 230, 0.86),
    "random-forest": ("classical", 0.90, 0.10, 150, 0.90),
    "logistic-regression": ("classical", 0.90, 0.01, 104, 0.41),
    "majority-class": ("bound", 0.15, 0.0, 38, 0.333),
    "mapicx-again": ("control", 0.10, 0.05, 40, 0.86),
}
TABLE = {"file": "w<b>.csv", "rows": 178, "columns": ["a", "=cmd|x", "t"], "target": "=cmd|x"}
TABLE |= {"task": "classification", "classes": ["<b>|x", "2"], "notes": ["Classes <b>|x."]}


def table_run(results, task="classification", blocks=8):
    made = rows(blocks, SYSTEMS, workload="table", ceiling=None)
    if task == "regression":
        for row in made:
            row |= {"r2_test": row["accuracy_test"], "mse_test": 0.2, "accuracy_test": None}
            row |= {"accuracy_train": None}
    workload = WORKLOAD | {"name": "table", "dataset": "table", "task": task}
    workload |= {"train_rows": 133, "test_rows": 45}
    extra = {"workloads": {"table": workload}, "table": TABLE, "suite": "table"}
    return run_folder(results / "local", made, **extra)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return read_run_data(table_run(tmp_path_factory.mktemp("own")))


def test_the_answer_names_equivalents_costs_and_break_even(data):
    one, two, three, four, five = answer(data)
    assert one.startswith("On w<b>.csv (178 rows") and "over 8 splits." in one
    assert "equivalent within 1 point: torch-fused" in two
    assert "higher: random-forest; lower: logistic-regression" in two
    assert "mapicx takes" in three and "equivalent in score: torch-fused 1." in three
    assert four.startswith("A faster step repays a slower start: torch-fused after 2")
    assert five.endswith("2 systems shown to score as well or higher, mapicx takes the least time"
                         " and memory.")  # fmt: skip


def test_a_table_has_no_ceiling_and_nothing_unescaped(data):
    text = write_markdown(make_short(data, {}))
    assert "ceiling" not in text and "<b>" not in text
    assert "- table: Classes &lt;b&gt;\\|x." in "\n".join(write_blocks(describe_run(data)))


def test_regression_is_told_in_r2_and_mse(tmp_path):
    data = read_run_data(table_run(tmp_path, "regression"))
    said = answer(data)
    assert "mapicx reaches a test R2 of 0.8" in said[0]
    assert "equivalent within 1 point: torch-fused" in said[1]
    head = [column.heading for column in make_result_table(data, CASE).columns]
    assert head[1:4] == ["test R2", "against mapicx", "test MSE"]


def test_a_bound_of_a_score_never_leaves_its_scale(tmp_path):
    made = rows(6, {"mapicx": ("network", 0.1, 0.05, 40, 0.99)}, workload="table", ceiling=None)
    for row in made:
        row["accuracy_test"] = 1.0 if row["seed"] else 0.9
    workloads = {"table": WORKLOAD | {"dataset": "table", "train_rows": 133, "test_rows": 45}}
    data = read_run_data(run_folder(tmp_path, made, workloads=workloads))
    score = data.summary[CASE]["mapicx"].estimate("accuracy_test")
    assert score.high == 1.0 and score.low < 0.95


def test_two_systems_are_told_in_the_singular(tmp_path):
    pair = {name: SYSTEMS[name] for name in ("mapicx", "torch-fused")}
    pair["torch-fused"] = ("network", 1.60, 0.09, 230, 0.86)
    made = rows(8, pair, workload="table", ceiling=None)
    workloads = {"table": WORKLOAD | {"dataset": "table", "train_rows": 133, "test_rows": 45}}
    run = run_folder(tmp_path, made, workloads=workloads, table=TABLE)
    text = " ".join(answer(read_run_data(run)))
    assert "slower start: torch-fused begins later and takes longer per step than mapicx." in text
    assert "Of mapicx and torch-fused, shown to score as well or higher, mapicx takes the" in text


def test_the_screen_shows_the_score_of_the_task(tmp_path):
    for task, score in (("classification", "test accuracy"), ("regression", "test R2")):
        (made,) = terminal.tables(Store(table_run(tmp_path / task, task, blocks=2)))
        assert [c.header for c in made.columns][:3] == ["system", score, "training, warm (s)"]


def test_intervals_of_overlapping_splits_are_wider(tmp_path):
    made = rows(8, SYSTEMS, workload="table", ceiling=None)
    own, fresh = (
        read_run_data(run).summary[CASE]["mapicx"].estimate("accuracy_test")
        for run in (table_run(tmp_path), run_folder(tmp_path / "fresh", made))
    )
    assert own.high - own.low > 1.5 * (fresh.high - fresh.low)
