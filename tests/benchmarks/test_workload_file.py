"""A user's file of workloads: what is wrong with it gets a sentence; what is right is run."""

from __future__ import annotations

import json

import pytest

import benchmarks
from benchmarks.errors import UsageError
from benchmarks.plan.workload_file import read_file
from tests.benchmarks.processes import run

WHOLE = """
dataset = "moons"
dataset_args = { noise = 0.2 }
train_rows = 200
test_rows = 400
layers = [2, 8, 2]
"""
MINE = f"""
[my-moons]
{WHOLE}
epochs = 5
lr = 0.1

[my-widths]
like = "my-moons"
axis = "width"
values = [4, 6]
"""


def write_value(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {json.dumps(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def wrong(**fields):
    lines = "".join(f"{key} = {write_value(value)}\n" for key, value in fields.items())
    return f'[mine]\nlike = "spiral"\n{lines}'


def test_blobs_may_have_more_classes_than_a_glance_has_rows(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(wrong(dataset="blobs", dataset_args={"features": 8, "classes": 30},
                          layers=[8, 32, 30], train_rows=3000))  # fmt: skip
    table, _ = read_file(file)
    assert [*table] == ["mine"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mine\n", ["not TOML", "line 1"]),
        ("", ["holds no workload"]),
        ("epochs = 5", ["'epochs' stands outside a workload", "[my-workload]"]),
        ("[spiral]", ["built-in workload 'spiral'", 'like = "spiral"']),
        ('["a b"]', ["cannot be called 'a b'"]),
        ("[mine]\nlayers = [2, 3]", ["has no dataset", 'like = "spiral"']),
        ('[mine]\nlike = "spirl"', ["spirl", "did you mean spiral"]),
        ('[a]\nlike = "b"\n[b]\nlike = "a"', ["'a' is like itself: a -> b -> a"]),
        (wrong(learning_rate=0.1), ["learning_rate"]),
        (wrong(epoch=5), ["'epoch'; did you mean epochs"]),
        (wrong(train_rows="many"), ["train_rows is 'many'; expected a whole number"]),
        (wrong(epochs=[1, 2]), ["epochs is [1, 2]; expected a whole number"]),
        (wrong(lr="fast"), ["lr is 'fast'; expected a number"]),
        (wrong(task="multilabel"), ["task is 'multilabel'; choose from classification"]),
        (wrong(task="regression"), ["has classes", "--data"]),
        (wrong(optimizer="sdg"), ["optimizer is 'sdg'; choose from sgd, adam"]),
        (wrong(layers="2-64-3"), ["layers is '2-64-3'", "[2, 64, 64, 3]"]),
        (wrong(layers=[2, 0, 3]), ["layer 1 is 0"]),
        (wrong(layers=[3]), ["input and output at least"]),
        (wrong(layers=[3, 8, 3]), ["begins with 3", "has 2 inputs", "write layers = [2, ...]"]),
        (wrong(layers=[2, 8, 4]), ["ends with 4", "has 3 classes; write 3"]),
        (wrong(layers=[2, 8, 1]), ["ends with 1", "write 3"]),
        (wrong(dataset="spirals"), ["spirals", "did you mean", "spiral"]),
        (wrong(dataset_args={"noize": 0.1}), ["noize", "did you mean noise"]),
        (wrong(dataset_args={"classes": "x", "noise": 1, "twist": 1}), ["cannot be drawn with"]),
        (wrong(dataset_args=3), ["dataset_args is no table"]),
        (wrong(axis="width"), ["needs both axis and values"]),
        (wrong(axis="width", values=[]), ["values is empty"]),
        (wrong(axis=3, values=[4]), ["axis is 3", "width"]),
        (wrong(axis="width", values=[4], batch_size="32"), ["batch_size is '32'"]),
        (
            wrong(dataset="iris", dataset_args={}, layers=[4, 8, 3], train_rows=500, test_rows=45),
            ["has 105 rows for training and 45 for the test"],
        ),
        (wrong(axis="widht", values=[4]), ["widht", "did you mean width"]),
        (wrong(axis="width", values=["4"]), ["values is ['4']; expected whole numbers"]),
        (wrong(axis="width", values=[4, 8], epochs=[1]), ["2 values and 1 epochs"]),
    ],
)
def test_what_is_wrong_gets_a_sentence(tmp_path, text, words):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        read_file(file)
    for word in words:
        assert word in str(error.value)


def test_a_file_that_is_not_there_exits_2(command, tmp_path):
    done = run(command, tmp_path, "--workload-file", tmp_path / "none.toml")
    assert done.returncode == 2 and "cannot be read: No such file" in done.stderr


def test_own_workloads_are_run_recorded_and_resumed_without_the_file(command, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    options = ("--workload-file", file, "--systems", "mapicx", "--measures", "accuracy",
               "--preset", "smoke", "--seeds", 1)  # fmt: skip
    done = run(command, tmp_path, *options)
    assert done.returncode == 0, done.stderr
    rows = benchmarks.load(tmp_path / "results")
    assert {*rows["workload"]} == {"my-moons", "my-widths-4", "my-widths-6"}
    (run_json,) = (tmp_path / "results").glob("*/run.json")
    description = json.loads(run_json.read_text())
    assert description["workloads"]["my-widths-4"]["layers"] == [2, 4, 2]
    assert description["workload_file"]["file"] == "mine.toml"
    assert str(tmp_path) not in run_json.read_text()

    journal = run_json.with_name("trials.jsonl")
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:1]))
    resume = ("--resume", run_json.parent)
    file.write_text(MINE.replace("epochs = 5", "epochs = 6"))
    done = run(command, tmp_path, *resume, "--workload-file", file)
    assert done.returncode == 2 and "is not the file that the run was planned with" in done.stderr
    file.unlink()
    done = run(command, tmp_path, *resume)
    assert done.returncode == 0, done.stderr
    assert len(benchmarks.load(tmp_path / "results")) == 3
