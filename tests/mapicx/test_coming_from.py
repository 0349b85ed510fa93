"""docs/coming-from.md: what one writes here, runs."""

import re

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mapicx
from mapicx import Adam, Dense, EarlyStopping, Mapicx, MapicxClassifier, ReLU
from mapicx.datasets import spiral_data

X, y = spiral_data(20, 3, seed=0)


def lines(root):
    text = (root / "docs" / "coming-from.md").read_text()
    for row in re.findall(r"^\| `.*$", text, flags=re.M):
        yield re.findall("`([^`]+)`", row)[-1]


def test_every_line_on_the_right_runs(root):
    found = list(lines(root))
    assert len(found) > 15
    for line in found:
        model = Mapicx(seed=0).add(2, 8).add(8, 3, activation="softmax").compile("adam")
        names = {**vars(mapicx), **globals(), "model": model}
        exec(line, names)


def test_habits_that_do_not_work_are_answered_with_the_line_to_write():
    model = Mapicx(seed=0).add(2, 3, activation="softmax").compile()
    with pytest.raises(ValueError, match="write categorical_crossentropy"):
        model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(TypeError, match=r"write Adam\(lr=0.01\)"):
        Adam(learning_rate=0.01)
    with pytest.raises(TypeError):
        Dense(64, activation="relu")
    with pytest.raises(ValueError, match=r"\(model, epoch, logs\)"):
        model.fit(X, y, callbacks=lambda epoch, logs: None, verbose=False)
    assert [Dense, EarlyStopping, MapicxClassifier, ReLU, make_pipeline, StandardScaler]
