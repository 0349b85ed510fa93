"""The article's program takes part when it was fetched, and says what to do when it was not."""

import json
import zipfile
from dataclasses import replace
from importlib.util import find_spec

import pytest

import baselines
from baselines import original
from benchmarks.measure.conformance_data import BASE
from benchmarks.measure.exit_status import install_command

ARTICLE = replace(BASE, layers=(2, 64, 3), lr=1.0, momentum=0.9, decay=1e-3, dropout=0.2)
fetched = pytest.mark.skipif(
    original.wheel() is None or find_spec("nnfs") is None or find_spec("matplotlib") is None,
    reason=f"the article's program or what it imports is not here: {original.FETCH}",
)

SCRIPT = """
import json, sys
from dataclasses import replace
from benchmarks.measure.conformance_data import BASE, start_weights
from benchmarks.measure.conformance_data import prepare_system as made
from benchmarks.measure.parity import find_largest_difference as distance
from baselines.original import Original
from baselines.plain import Plain

import numpy as np
own = np.dot
workload = replace(BASE, **json.loads(sys.argv[1]))
dtype = sys.argv[2]
weights = start_weights(workload, dtype=dtype)
subject, plain = made(Original, workload, dtype=dtype), made(Plain, workload, dtype=dtype)
facts = {"replaced": np.dot is not own, "ours": "mapicx" in sys.modules}
plain.train(record=True)
subject.train(record=True)
first = subject.get_weights()
facts["losses"] = [len(subject.losses), distance([subject.losses], [plain.losses])]
facts["distance"] = distance(first, plain.get_weights())
facts["counted"] = [subject.steps, subject.samples_seen]
facts["expected"] = [plain.steps, plain.samples_seen]
facts["shapes"] = [w.shape for w in first] == [w.shape for w in plain.get_weights()]
facts["dtypes"] = sorted({str(w.dtype) for w in first})
X = subject.data.X_test
facts["proba"] = distance([subject.predict_proba(X)], [plain.predict_proba(X)])
facts["labels"] = subject.predict(X).tolist() == plain.predict(X).tolist()
subject.reset(weights)
subject.train()
facts["again"] = distance(subject.get_weights(), first)
facts["silent"] = subject.losses == []
facts["gflops"] = subject.gemm_gflops()
print("\\n" + json.dumps(facts))
"""


@pytest.fixture
def facts(run_python):
    def train(dtype, **changes):
        output = run_python("-c", SCRIPT, json.dumps(changes), dtype)
        return json.loads(output.splitlines()[-1])

    return train


@fetched
def test_in_float64_it_is_the_mathematics_of_numpy_plain(facts):
    found = facts("float64", momentum=0.875, decay=2.0**-7)
    assert found["losses"][0] == found["expected"][0] == 20
    assert found["losses"][1] <= 1e-12 and found["distance"] <= 1e-12
    assert found["proba"] <= 1e-12 and found["labels"]
    assert found["shapes"] and found["dtypes"] == ["float64"]
    assert not found["replaced"] and not found["ours"]


@fetched
def test_in_float32_it_runs_as_its_users_run_it(facts):
    found = facts("float32", momentum=0.875)
    assert found["replaced"], "nnfs.init() replaces np.dot, and that is part of the program"
    assert found["dtypes"] == ["float32"]
    assert 0 < found["distance"] < 1e-5
    assert found["gflops"] > 0


@fetched
@pytest.mark.parametrize("epochs", [1, 2, 20])
def test_it_makes_the_updates_that_it_is_asked_for(facts, epochs):
    found = facts("float64", epochs=epochs)
    assert found["counted"] == found["expected"] == [epochs, epochs * BASE.train_rows]
    assert found["distance"] <= 1e-12


@fetched
def test_it_drops_units_and_starts_anew_when_it_is_reset(facts):
    found = facts("float64", dropout=0.2, momentum=0.875)
    assert found["distance"] > 1e-3, "another generator draws other masks than numpy-plain"
    assert found["again"] == 0, "momentum, rate and masks begin again"
    assert found["silent"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"batch_size": BASE.train_rows}, None),
        ({"optimizer": "adam"}, "no optimizer but SGD"),
        ({"l2": 0.1}, "no L2 term"),
        ({"activation": "tanh"}, "no hidden activation but ReLU"),
        ({"batch_size": 32}, "no batches but the whole data set"),
        ({"layers": (2, 8, 1)}, "no loss but categorical cross-entropy with softmax"),
        ({"layers": (2, 8, 1), "task": "regression"}, "no loss but categorical cross-entropy"),
    ],
)
def test_it_says_what_it_cannot_do(changes, reason):
    found = baselines.system("mapicx-0.1.0").supports(replace(ARTICLE, **changes))
    assert found is None if reason is None else reason in found


def test_without_the_wheel_the_command_that_fetches_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(original, "CACHE", tmp_path)
    with pytest.raises(ImportError, match=r"pip download --no-deps mapicx==0\.1\.0 -d \.cache"):
        original.import_original()
    assert ".[original]" in install_command(original.Original.requires)


def test_a_wheel_that_is_not_the_articles_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr(original, "CACHE", tmp_path)
    with zipfile.ZipFile(tmp_path / "mapicx-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("mapicx/__init__.py", f"open({str(tmp_path / 'trace')!r}, 'w')")
    with pytest.raises(ImportError, match="not the article's program"):
        original.import_original()
    assert not (tmp_path / "trace").exists()


def test_the_folder_of_the_wheel_is_never_tracked(root):
    assert root / ".cache" == original.CACHE
    assert f"{original.CACHE.name}/" in (root / ".gitignore").read_text().splitlines()
    assert "mapicx-0.1.0" in baselines.OPTIONAL
