"""Both estimators pass all of scikit-learn's own checks, and do what they say."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from mapicx import MapicxClassifier, MapicxRegressor

X, Y = load_iris(return_X_y=True)


@parametrize_with_checks([MapicxClassifier(), MapicxRegressor()])
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)


def test_classifier_learns_iris():
    names = np.array(["a", "b", "c"])[Y]
    assert MapicxClassifier(random_state=0).fit(X, names).score(X, names) > 0.95


def test_a_single_class_has_probability_1():
    model = MapicxClassifier(epochs=2, random_state=0).fit(X, np.full(len(X), "only"))
    np.testing.assert_array_equal(model.predict_proba(X), np.ones((len(X), 1)))
    assert set(model.predict(X)) == {"only"}


def test_one_number_is_one_hidden_layer():
    one = MapicxClassifier(5, epochs=3, random_state=0).fit(X, Y)
    row = MapicxClassifier((5,), epochs=3, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(one.predict_proba(X), row.predict_proba(X))
    assert one.model_.parameters.size == 4 * 5 + 5 + 5 * 3 + 3


def test_class_weight_moves_the_decision():
    def count_ones(weight):
        model = MapicxClassifier(8, epochs=20, class_weight=weight, random_state=0)
        return (model.fit(X, Y == 1).predict(X)).sum()

    assert count_ones({False: 1, True: 100}) > count_ones({False: 100, True: 1})


def test_balanced_classes_are_the_weights_of_their_definition():
    y = Y[:120]  # 50, 50 and 20
    weights = {k: len(y) / (3 * n) for k, n in enumerate(np.bincount(y))}
    given, balanced, plain = (
        MapicxClassifier(8, epochs=100, class_weight=weight, random_state=0).fit(X[:120], y)
        for weight in (weights, "balanced", None)
    )
    np.testing.assert_allclose(balanced.predict_proba(X), given.predict_proba(X), rtol=1e-6)
    assert abs(balanced.predict_proba(X) - plain.predict_proba(X)).max() > 1e-3


@pytest.mark.parametrize("kind", [MapicxClassifier, MapicxRegressor])
def test_early_stopping_stops(kind):
    options = {"lr": 0.1, "epochs": 2000, "n_iter_no_change": 3, "random_state": 0}
    model = kind(early_stopping=True, **options).fit(X, Y)
    assert model.n_iter_ < 2000
    losses = model.history_["val_loss"]
    assert len(losses) - 1 - int(np.argmin(losses)) == 3


@pytest.mark.parametrize("kind", [MapicxClassifier, MapicxRegressor])
def test_early_stopping_holds_samples_out_even_for_one_epoch(kind):
    assert "val_loss" in kind(epochs=1, early_stopping=True).fit(X, Y).history_
    assert "val_loss" not in kind(early_stopping=True).partial_fit(X, Y, **classes(kind)).history_


@pytest.mark.parametrize("kind", [MapicxClassifier, MapicxRegressor])
def test_partial_fit_continues(kind):
    model = kind(random_state=0, shuffle=False)
    for _ in range(5):
        model.partial_fit(X, Y, **classes(kind))
    whole = kind(random_state=0, shuffle=False, epochs=5).fit(X, Y)
    np.testing.assert_array_equal(model.model_.parameters, whole.model_.parameters)


def classes(kind):
    """What the first partial_fit of a kind needs."""
    return {"classes": [0, 1, 2]} if kind is MapicxClassifier else {}


def test_a_search_in_a_pipeline_finds_the_learning_rate_that_learns():
    pipeline = make_pipeline(StandardScaler(), MapicxClassifier(8, epochs=30, random_state=0))
    grid = {"mapicxclassifier__lr": [1e-6, 0.05]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, Y)
    assert search.best_params_ == {"mapicxclassifier__lr": 0.05}
    assert search.score(X, Y) > 0.9


@pytest.mark.parametrize("kind", [MapicxClassifier, MapicxRegressor])
def test_a_clone_is_untrained_and_a_pickle_is_trained(kind):
    model = kind((8, 4), epochs=3, random_state=0).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    fresh = clone(model)
    assert not hasattr(fresh, "model_") and fresh.get_params() == model.get_params()
    np.testing.assert_array_equal(fresh.fit(X, Y).predict(X), model.predict(X))
