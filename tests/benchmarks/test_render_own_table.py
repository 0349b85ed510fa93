"""A run on a user's table is answered in scores, costs and break-even, with nothing unescaped."""

import json
import re

import pytest

from benchmarks.analyse.run_data import read_run_data
from benchmarks.analyse.summary import Case
from benchmarks.record.store import Store
from benchmarks.render import terminal
from benchmarks.render.answer import answer
from benchmarks.render.markdown import write_blocks, write_markdown
from benchmarks.render.provenance import describe_run
from benchmarks.render.report import make_headline, make_short
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


def table_run(results, task="classification", blocks=8, systems=None, scores=None, **facts):
    """scores: system -> further fields of its rows."""
    made = rows(blocks, systems or SYSTEMS, workload="table", ceiling=None)
    for row in made:
        if task == "regression":
            row |= {"r2_test": row["accuracy_test"], "mse_test": 0.2, "accuracy_test": None}
            row |= {"accuracy_train": None}
        if row["measure"] != "parity":
            row |= (scores or {}).get(row["system"], {})
    workload = WORKLOAD | {"name": "table", "dataset": "table", "task": task}
    workload |= {"train_rows": 133, "test_rows": 45}
    table = TABLE | {"task": task} | facts
    extra = {"workloads": {"table": workload}, "table": table, "suite": "table"}
    return run_folder(results / "local", made, **extra)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return read_run_data(table_run(tmp_path_factory.mktemp("own")))


def test_the_answer_begins_with_the_floor_and_names_the_system_to_use(data):
    floor, use, sure, costs, later = answer(data)
    assert floor.startswith("On w<b>.csv (178 rows") and "over 8 splits" in floor
    assert "always answering the most frequent class has a test accuracy of 0.333" in floor
    assert floor.index("always") < floor.index("random-forest, 0.8") < floor.index("mapicx 0.8")
    assert floor.count("above that") == 2
    assert use.startswith("Use random-forest on this table: its score is the highest.")
    assert "takes 1.04 s and 150 MiB" in use
    assert "lower: " in sure and "logistic-regression" in sure and "points above" in sure
    assert "mapicx 201 ms and 40.0 MiB" in costs
    assert later.startswith("A faster step repays a slower start: torch-fused after 2")


def test_of_systems_that_score_as_well_the_one_that_takes_the_least_time_is_named(tmp_path):
    systems = {k: v for k, v in SYSTEMS.items() if k != "random-forest"}
    systems["torch-fused"] = ("network", 1.60, 0.03, 230, 0.863)
    said = " ".join(answer(read_run_data(table_run(tmp_path, systems=systems))))
    assert "Use mapicx on this table: it is shown to score as well as the best, torch-fused" in said
    assert "the least time" in said


def test_measuring_again_needs_the_folder_of_the_table(data):
    assert "Measure it again in the folder of w&lt;b&gt;.csv: " in write_markdown(
        make_short(data, {})
    )


@pytest.mark.parametrize("blocks", [1, 8])
def test_a_table_on_which_one_network_is_not_comparable(tmp_path, blocks):
    kept = ("mapicx", "majority-class", "mapicx-again")
    systems = {name: SYSTEMS[name] for name in kept}
    run = table_run(tmp_path, blocks=blocks, systems=systems | {"odd": SYSTEMS["torch-fused"]})
    made = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    for row in made:
        if (row["system"], row["measure"]) == ("odd", "parity"):
            row |= {"comparable": False, "parity_max_abs": 2.5e-6}
    (run / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    text = write_markdown(make_short(read_run_data(run), {}))
    assert "Left out, as parity shows another training than mapicx's: odd." in text
    few = "a paired test needs two seeds on which two networks have a score"
    assert (few in text) == (blocks == 1) and "needs two systems" not in text


def test_one_network_alone_is_not_asked_to_differ_from_others(tmp_path):
    systems = {name: SYSTEMS[name] for name in ("mapicx", "majority-class", "random-forest")}
    text = write_markdown(make_short(read_run_data(table_run(tmp_path, systems=systems)), {}))
    assert "no network differs" not in text and "networks equivalent" not in text


def test_a_shared_first_place_is_said(tmp_path):
    same = {name: {"accuracy_test": 0.9} for name in ("mapicx", "random-forest")}
    use = answer(read_run_data(table_run(tmp_path, scores=same)))[1]
    assert use.startswith("Use mapicx on this table")
    assert "random-forest (0.90" in use or "as is that of random-forest" in use


def test_an_interrupted_run_tells_who_has_fewer_splits(tmp_path):
    scores = {"mapicx": {"auc_test": 0.7}, "logistic-regression": {"auc_test": 0.75}}
    facts = {"classes": ["no", "yes"], "class_rows": [150, 28]}
    folder = table_run(tmp_path, scores=scores, **facts)
    path = folder / "trials.jsonl"
    kept = [
        line
        for line in path.read_text().splitlines()
        if (row := json.loads(line))["system"] != "logistic-regression" or row["block"] < 2
    ]
    path.write_text("\n".join(kept) + "\n")
    said = answer(read_run_data(folder))
    assert re.search(r"over 8 splits \(logistic-regression: \d\)", said[0])
    balanced = next(text for text in said if "unbalanced" in text)
    assert "AUC is that of mapicx" in balanced and "logistic" not in balanced


def test_where_nothing_beats_the_same_answer_it_is_said(tmp_path):
    """One class in six, which no system finds often enough."""
    systems = {"mapicx": ("network", 0.10, 0.05, 40, 0.819)}
    systems["logistic-regression"] = ("classical", 0.90, 0.01, 104, 0.8365)
    systems["majority-class"] = ("bound", 0.15, 0.0, 38, 0.836)
    scores = {"mapicx": {"accuracy_train": 0.94, "balanced_accuracy_test": 0.6, "auc_test": 0.70}}
    scores |= {"logistic-regression": {"balanced_accuracy_test": 0.55, "auc_test": 0.75}}
    facts = {"classes": ["no", "yes"], "class_rows": [1003, 197]}
    data = read_run_data(table_run(tmp_path, systems=systems, scores=scores, **facts))
    said = answer(data)
    assert "always answering 'no' has a test accuracy of 0.836" in said[0]
    assert "logistic-regression, 0.8" in said[0] and "mapicx 0.8" in said[0]
    assert said[1].startswith("No system beats always answering 'no': the highest mean is that of"
                              " logistic-regression")  # fmt: skip
    text = " ".join(said)
    assert "'yes' has 16.4% of the rows" in text and "highest AUC is that of logistic" in text
    assert "Overfitting, accuracy on training and on test rows: mapicx 0.94" in text
    assert "Use " not in text and "no model is needed here; balanced accuracy" in text
    for table in (make_result_table(data, CASE), make_headline(data)):
        head = [column.heading for column in table.columns]
        assert "balanced accuracy" in head and "AUC" in head
        assert "majority-class" in [row[0] for row in table.rows]


def test_a_floor_that_was_not_measured_is_the_share_of_its_class(tmp_path):
    pair = {name: SYSTEMS[name] for name in ("mapicx", "logistic-regression")}
    facts = {"classes": ["no", "yes"], "class_rows": [100, 78]}
    said = answer(read_run_data(table_run(tmp_path, systems=pair, **facts)))
    assert "always answering 'no' has a test accuracy of 0.562" in said[0]
    assert said[1].startswith("Use mapicx on this table")


def test_two_splits_are_too_few_for_a_recommendation(tmp_path):
    said = answer(read_run_data(table_run(tmp_path, blocks=2)))
    assert said[1].startswith("Too few splits for a recommendation") and "--seeds 6" in said[1]


def test_a_run_that_ended_early_is_to_be_continued(tmp_path):
    folder = table_run(tmp_path, blocks=2)
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(run | {"seeds": list(range(29))}))
    assert "Continue this run." in answer(read_run_data(folder))[1]
    scoreless = [
        row
        for line in (folder / "trials.jsonl").read_text().splitlines()
        if (row := json.loads(line))["system"] == "mapicx-again"
    ]
    (folder / "trials.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in scoreless))
    assert "over 0 splits" not in " ".join(answer(read_run_data(folder)))


def test_a_table_has_no_ceiling_and_nothing_unescaped(data):
    text = write_markdown(make_short(data, {}))
    assert "ceiling" not in text and "<b>" not in text
    assert "## What was made of the table" in text and "- Classes &lt;b&gt;\\|x." in text
    assert "- table: Classes &lt;b&gt;\\|x." in "\n".join(write_blocks(describe_run(data)))


@pytest.mark.filterwarnings("error")
def test_equal_scores_bring_no_warning(tmp_path):
    equal = {name: {"accuracy_test": 0.8} for name in SYSTEMS}
    said = answer(read_run_data(table_run(tmp_path, scores=equal)))
    assert "equivalent within 1 point to that" in said[0] and said[1].startswith("No system beats")


def test_regression_is_told_in_r2_and_mse(tmp_path):
    train = {"random-forest": {"loss_train": 0.001}, "mapicx": {"loss_train": 0.15}}
    data = read_run_data(table_run(tmp_path, "regression", scores=train))
    said = answer(data)
    assert "always answering the mean has a test R2 of 0.333" in said[0] and "mapicx 0.8" in said[0]
    assert said[1].startswith("Use random-forest")
    head = [column.heading for column in make_result_table(data, CASE).columns]
    assert head[1:4] == ["test R2", "against mapicx", "test MSE"]
    assert "Overfitting, R2 on training" in said[-2] and "random-forest 0.999 and 0.896" in said[-2]


def test_a_bound_of_a_score_never_leaves_its_scale(tmp_path):
    made = rows(6, {"mapicx": ("network", 0.1, 0.05, 40, 0.99)}, workload="table", ceiling=None)
    for row in made:
        row["accuracy_test"] = 1.0 if row["seed"] else 0.9
    workloads = {"table": WORKLOAD | {"dataset": "table", "train_rows": 133, "test_rows": 45}}
    data = read_run_data(run_folder(tmp_path, made, workloads=workloads))
    score = data.summary[CASE]["mapicx"].estimate("accuracy_test")
    assert score.high == 1.0 and score.low < 0.95


def test_the_screen_shows_the_score_of_the_task(tmp_path):
    for task, score in (("classification", "test accuracy"), ("regression", "test R2")):
        (made,) = terminal.make_tables(Store(table_run(tmp_path / task, task, blocks=2)))
        assert [c.header for c in made.columns][:3] == ["system", score, "start to end (s)"]


def test_intervals_of_overlapping_splits_are_wider(tmp_path):
    made = rows(8, SYSTEMS, workload="table", ceiling=None)
    own, fresh = (
        read_run_data(run).summary[CASE]["mapicx"].estimate("accuracy_test")
        for run in (table_run(tmp_path), run_folder(tmp_path / "fresh", made))
    )
    assert own.high - own.low > 1.5 * (fresh.high - fresh.low)
