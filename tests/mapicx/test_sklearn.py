"""Both estimators pass scikit-learn's own checks, with no expected failure."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from mapicx.sklearn import MapicxClassifier, MapicxRegressor


@parametrize_with_checks([MapicxClassifier(), MapicxRegressor()])
def test_scikit_learn_finds_nothing_wrong(estimator, check):
    check(estimator)


def test_classifier_learns_iris():
    X, y = load_iris(return_X_y=True)
    model = MapicxClassifier(random_state=0).fit(X, np.array(["a", "b", "c"])[y])
    assert model.score(X, np.array(["a", "b", "c"])[y]) > 0.95
