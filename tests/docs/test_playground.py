"""The playground's Python, without a browser: data, sentences, and the program to copy."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import numpy as np
import pytest

SETTINGS = {
    "data": "spiral", "points": "", "seed": 0, "layers": "16, 16", "activation": "relu",
    "dropout": 0, "optimizer": "adam", "lr": 0.02, "l2": 0.001, "batch": 0,
}  # fmt: skip
TREES = "x;y;tree\n" + "\n".join(
    f"{k % 7 + 3 * (k % 2)},5;{k % 5};{('ash', 'oak')[k % 2]}" for k in range(40)
)


@pytest.fixture
def session(playground):
    """Begin a session with these settings instead of the usual ones."""

    def begin(**settings):
        return playground.Session(json.dumps({**SETTINGS, **settings}))

    return begin


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"data": "circles", "optimizer": "momentum", "lr": 0.1, "batch": 32},
        {"data": "xor", "dropout": 0.1, "optimizer": "adamw", "l2": 0, "activation": "tanh"},
        {"data": "own", "points": TREES, "optimizer": "rmsprop", "layers": ""},
    ],
    ids=["spiral", "circles", "xor", "own"],
)
def test_the_copied_program_trains_the_same_model(session, changes, tmp_path, root):
    begun = session(**changes)
    for _ in range(3):
        begun.train(0.02)
    program = tmp_path / "program.py"
    program.write_text(begun.program())
    done = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    last = done.stdout.splitlines()[-1].replace("np.float64", "").replace("(", "").replace(")", "")
    printed = ast.literal_eval(last)
    assert printed["loss"] == pytest.approx(begun.scores()["test_loss"], rel=1e-4)
    assert printed["accuracy"] == pytest.approx(begun.scores()["test_accuracy"], abs=0.003)


def test_the_spirals_program_has_ten_lines(session):
    lines = [line for line in session().program().splitlines() if line]
    assert len(lines) == 10


def test_training_in_portions_is_training_at_once(session):
    portions, at_once = session(batch=32, dropout=0.1), session(batch=32, dropout=0.1)
    for _ in range(6):
        portions.train(0)
    at_once.model.fit(at_once.X, at_once.y, 6, batch_size=32, verbose=False)
    same = zip(portions.model.get_weights(), at_once.model.get_weights(), strict=True)
    assert all((a == b).all() for a, b in same)


def test_looking_changes_nothing(session):
    watched, alone = session(batch=32, dropout=0.1), session(batch=32, dropout=0.1)
    for _ in range(4):
        watched.train(0)
        watched.look(1)
        watched.boundary(20)
        alone.train(0)
    assert watched.scores()["test_loss"] == alone.scores()["test_loss"]


@pytest.mark.parametrize(
    ("data", "args"),
    [
        ("spiral", {"classes": 3, "noise": 0.2, "twist": 2.5}),
        ("circles", {"noise": 0.15, "factor": 0.5}),
        ("xor", {"flip": 0.05}),
    ],
)
def test_ceilings_are_those_of_the_benchmarks(session, data, args):
    from benchmarks.plan.datasets import find_ceiling

    assert session(data=data).ceiling == pytest.approx(find_ceiling(data, args), abs=0.002)


def test_a_layer_is_shown_as_the_network_has_it(session):
    begun = session(layers="5, 7")
    seen = [begun.look(k) for k in range(3)]
    assert [s["shape"] for s in seen] == [[2, 5], [5, 7], [7, 3]]
    weights = begun.model.get_weights()
    assert all((s["weights"] == w.ravel()).all() for s, w in zip(seen, weights[::2], strict=True))
    begun.model.network.loss_and_gradients(begun.X, begun.y)
    sizes = [s["gradients"].size for s in seen]
    first = begun.model.network.gradients[: sizes[0]]
    assert np.allclose(seen[0]["gradients"], first)
    assert seen[1]["outputs"].size == 7 * seen[1]["side"] ** 2
    shares = seen[2]["outputs"].reshape(3, -1).sum(0)  # of the last layer: probabilities
    assert np.allclose(shares, 1, atol=1e-5)


def test_own_points_may_have_a_header_tabs_and_decimal_commas(playground):
    expected = playground.read_points(TREES).splitlines()
    assert len(expected) == 40 and expected[0] == "0.5,0.0,ash"
    for other in (TREES.replace(";", "\t"), TREES.replace(",", ".").replace(";", ", ")):
        assert playground.read_points(other).splitlines() == expected


GOOD = "\n".join(f"{k},{k * k},{'ab'[k % 2]}" for k in range(12))


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ("  \n", "Paste your points first"),
        (GOOD + "\n1,2", r"Line 13 has 2 columns: '1,2'"),
        (GOOD + "\n1,2,a,4", "Line 13 has 4 columns"),
        (GOOD + "\n1,two,a", "Line 13 needs two numbers"),
        (GOOD + "\n1,nan,a", "Line 13 has a number that is missing or too large"),
        (GOOD + "\n1,inf,a", "Line 13 has a number"),
        (GOOD + "\n1,2,", "Line 13 has no class"),
        ("1,2,a\n2,1,b", "There are 2 points; from 12"),
        (GOOD.replace("b", "a"), "Every point is of class 'a'"),
        ("\n".join(f"7,{k},{'ab'[k % 2]}" for k in range(12)), "x is 7 on every line"),
        (GOOD + "\n1,2,c", "Class 'c' has one point"),
        ("\n".join(f"{k},{k % 5},{k % 9}" for k in range(40)), "has 9 different values"),
        ("\n".join(f"{k},{k % 5},{k % 2}" for k in range(5001)), "There are 5,001 points"),
    ],
)
def test_wrong_points_get_a_sentence(session, points, sentence):
    with pytest.raises(ValueError, match=sentence):
        session(data="own", points=points)


@pytest.mark.parametrize("layers", ["64, x", "0", "1000", "-3", "6.5", "8 8 8 8 8 8 8", "٣"])
def test_wrong_layers_get_a_sentence(session, layers):
    with pytest.raises(ValueError, match=r"hidden layers|Hidden layers"):
        session(layers=layers)


def test_divergence_gets_advice(session):
    begun = session(optimizer="sgd", lr=1e30)
    with pytest.raises(ValueError, match="Take a smaller learning rate"):
        for _ in range(50):
            begun.train(0)
