"""scikit-learn estimators; the only module that imports scikit-learn."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from mapicx.model import Mapicx
from mapicx.optimizers import Adam
from mapicx.validation import FLOATS


class MapicxEstimator(BaseEstimator):
    """What classifier and regressor share: hidden layers, Adam, full batches unless told otherwise.

    Parameters: hidden_layer_sizes, activation (a name), lr, alpha (weight decay), epochs,
    batch_size (None: all samples), random_state. float32 data are trained in float32, others in
    float64. After fit: `model_` (a Mapicx), `history_`, `n_iter_`, `n_features_in_`.
    """

    def __init__(self, hidden_layer_sizes=(64,), *, activation="relu", lr=0.01, alpha=0.0,
                 epochs=200, batch_size=None, random_state=None):  # fmt: skip
        self.hidden_layer_sizes, self.activation = hidden_layer_sizes, activation
        self.lr, self.alpha, self.epochs = lr, alpha, epochs
        self.batch_size, self.random_state = batch_size, random_state

    def _train(self, X, y, outputs, last, loss, sample_weight):
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        self.model_, width = Mapicx(seed=seed, dtype=X.dtype), X.shape[1]
        for size in self.hidden_layer_sizes:
            self.model_.add(width, size, activation=self.activation)
            width = size
        self.model_.add(width, outputs, activation=last)
        self.model_.compile(Adam(self.lr, weight_decay=self.alpha), loss, metrics=())
        options = {"batch_size": self.batch_size, "sample_weight": sample_weight, "verbose": False}
        self.history_ = self.model_.fit(X, y, self.epochs, **options).history
        self.n_iter_ = len(self.history_["loss"])
        return self

    def _outputs(self, X):
        check_is_fitted(self)
        return self.model_.predict(validate_data(self, X, dtype=FLOATS, reset=False))


class MapicxClassifier(ClassifierMixin, MapicxEstimator):
    """A classifier with softmax outputs."""

    def fit(self, X, y, sample_weight=None):
        """Train on X (samples, features) and labels y."""
        X, y = validate_data(self, X, y, dtype=FLOATS)
        check_classification_targets(y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        loss, outputs = "categorical_crossentropy", max(2, len(self.classes_))
        return self._train(X, indices, outputs, "softmax", loss, sample_weight)

    def predict_proba(self, X):
        """The probabilities (samples, classes), in the order of `classes_`."""
        return self._outputs(X)[:, : len(self.classes_)]

    def predict(self, X):
        """The most probable labels."""
        best = self.predict_proba(X).argmax(1)
        return self.classes_[best]


class MapicxRegressor(RegressorMixin, MapicxEstimator):
    """A regressor for one or several targets, by squared error."""

    def fit(self, X, y, sample_weight=None):
        """Train on X (samples, features) and targets y (samples,) or (samples, targets)."""
        X, y = validate_data(self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True)
        self._shape = (-1, *y.shape[1:])
        return self._train(X, y, y[0].size, "linear", "mse", sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X):
        """The values, in the shape of y."""
        return self._outputs(X).reshape(self._shape)
