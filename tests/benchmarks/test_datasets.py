"""Data sets: reproducible, independent parts, and a ceiling that no other rule can pass."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.errors import UsageError
from benchmarks.measure import data
from benchmarks.plan import datasets, workloads

KNOWN = workloads.read_workloads()
PLANAR = ("cs231n-spiral", "two-spirals", "moons", "circles", "xor", "linear")
SYNTHETIC = ("spiral", *PLANAR)
BUNDLED = ("digits", "wine", "breast-cancer", "iris")
ROWS = 20_000
# Ceilings that follow from the definition alone.
BY_DEFINITION = {"two-spirals": 1.0, "xor": 0.95, "linear": 0.95, "cs231n-spiral": 1.0}


def drawn(tmp_path, name, seed=0, dtype="float32", part="a"):
    workload, ceiling = KNOWN[name], 1.0 if name in SYNTHETIC else None  # seconds for some to find
    data.write_data(tmp_path / part, workload, seed, dtype, ceiling=ceiling)
    return data.Data(tmp_path / part, workload)


def sample(name, seed, rows=ROWS):
    one = KNOWN[name]
    entry = datasets.DATASETS[one.dataset]
    X, y = entry.make(rows, np.random.default_rng(seed), **one.dataset_args)
    return X, y, entry.posterior(X, **one.dataset_args)


@pytest.mark.parametrize("name", [*SYNTHETIC, *BUNDLED])
def test_a_draw_has_the_shapes_that_its_workload_promises(tmp_path, name):
    one, found = KNOWN[name], drawn(tmp_path, name)
    assert found.X_train.shape == (one.train_rows, one.layers[0])
    assert found.X_test.shape == (one.test_rows, one.layers[0])
    assert found.X_train.dtype == np.float32 and found.y_train.dtype == np.int64
    assert set(found.y_train) == set(range(found.n_classes)) >= set(found.y_test)
    outputs = found.n_classes if found.n_classes > 2 else 1
    assert one.layers[-1] == outputs
    assert np.isfinite(found.X_train).all() and np.isfinite(found.X_test).all()


@pytest.mark.parametrize("name", [*SYNTHETIC, *BUNDLED])
def test_the_same_seed_gives_the_same_draw_and_another_seed_another(tmp_path, name):
    first = drawn(tmp_path, name)
    again = drawn(tmp_path, name, part="b")
    other = drawn(tmp_path, name, seed=1, part="c")
    assert (first.X_train == again.X_train).all() and (first.y_test == again.y_test).all()
    assert not np.array_equal(first.X_train, other.X_train)


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_tables_are_split_without_overlap_and_scaled_by_their_training_part(tmp_path, name):
    found = drawn(tmp_path, name, dtype="float64")
    rows = len(found.X_train) + len(found.X_test)
    from sklearn import datasets as own

    assert rows == len(getattr(own, datasets.BUNDLED[name])().target)
    assert len(found.X_test) / rows == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(found.X_train.mean(axis=0), 0, atol=1e-9)
    assert np.abs(found.X_test.mean(axis=0)).max() > 1e-6
    assert found.ceiling is None and found.posterior(found.X_test) is None
    shares = [np.bincount(y) / len(y) for y in (found.y_train, found.y_test)]
    np.testing.assert_allclose(*shares, atol=0.02)


@pytest.mark.parametrize("name", SYNTHETIC)
def test_the_bayes_rule_reaches_the_ceiling_on_fresh_points(name):
    X, y, posterior = sample(name, seed=7)
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    assert posterior.min() >= 0
    reached = float((posterior.argmax(axis=1) == y).mean())
    ceiling = datasets.find_ceiling(KNOWN[name].dataset, KNOWN[name].dataset_args, rows=50_000)
    error = np.sqrt(max(ceiling * (1 - ceiling), 1e-4) / len(X))
    assert abs(reached - ceiling) < 4 * error
    if name in BY_DEFINITION:
        assert ceiling == pytest.approx(BY_DEFINITION[name], abs=1e-3)


@pytest.mark.parametrize("name", SYNTHETIC)
def test_a_posterior_says_how_often_it_is_right(name):
    """Among points with a confidence of about p, a share p has that class."""
    _, y, posterior = sample(name, seed=8)
    right = posterior.argmax(axis=1) == y
    confidence = posterior.max(axis=1)
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        inside = (confidence >= low) & (confidence < high)
        if inside.sum() > 300:
            error = 4 * np.sqrt(0.25 / inside.sum())
            assert abs(right[inside].mean() - confidence[inside].mean()) < error


@pytest.mark.parametrize("name", ["moons", "circles"])
def test_no_neighbour_rule_passes_the_ceiling(name):
    from sklearn.neighbors import KNeighborsClassifier

    X, y, _ = sample(name, seed=1, rows=10_000)
    fresh, labels, _ = sample(name, seed=2, rows=10_000)
    reached = KNeighborsClassifier(50).fit(X, y).score(fresh, labels)
    ceiling = datasets.find_ceiling(KNOWN[name].dataset, KNOWN[name].dataset_args, rows=50_000)
    assert ceiling - 0.01 < reached < ceiling + 3 * np.sqrt(ceiling * (1 - ceiling) / 10_000)


def test_moons_and_circles_are_scikit_learns():
    from sklearn import datasets as own

    moon, y = own.make_moons(2000, noise=None)
    ring, z = own.make_circles(2000, noise=None, factor=0.5)
    moons = datasets.DATASETS["moons"].posterior(moon, noise=0.2)
    circles = datasets.DATASETS["circles"].posterior(ring, noise=0.15, factor=0.5)
    assert (moons.argmax(axis=1) == y).mean() > 0.95
    assert (circles.argmax(axis=1) == z).all()


def test_a_posterior_holds_far_from_every_point():
    far = np.array([[40.0, 40.0], [-40.0, 0.0]])
    for name in ("moons", "circles", "spiral"):
        entry, args = datasets.DATASETS[name], KNOWN[name].dataset_args
        assert np.isfinite(entry.posterior(far, **args)).all()


def test_an_axis_gives_one_workload_per_value_and_changes_nothing_else():
    widths = [KNOWN[f"scaling-width-{2**power}"] for power in range(4, 13)]
    assert [one.layers for one in widths] == [(64, 2**p, 2**p, 10) for p in range(4, 13)]
    depths = [KNOWN[f"scaling-depth-{depth}"] for depth in (1, 2, 4, 8, 16)]
    assert [len(one.layers) - 2 for one in depths] == [1, 2, 4, 8, 16]
    assert KNOWN["scaling-batch-1"].batch_size == 1
    assert KNOWN["scaling-batch-4096"].batch_size is None
    assert KNOWN["scaling-rows-1000000"].train_rows == 1_000_000
    for axis in ("width", "depth", "batch"):
        members = [one for name, one in KNOWN.items() if name.startswith(f"scaling-{axis}-")]
        assert {(one.dataset, one.optimizer, one.lr) for one in members} == {
            ("blobs", "sgd", 0.001)
        }


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"axis": "widht", "values": [1]}, "width"),
        ({"axis": "batch", "values": [1, 2], "epochs": [1]}, "2 values and 1 epochs"),
    ],
)
def test_a_wrong_axis_is_a_sentence(entry, words):
    whole = {"dataset": "blobs", "layers": [2, 4, 2], **entry}
    with pytest.raises(UsageError, match=words):
        workloads.read_workloads({"mine": whole})


def test_every_workload_can_travel_to_a_process():
    for one in KNOWN.values():
        assert json.loads(json.dumps(one.dataset_args)) == one.dataset_args
