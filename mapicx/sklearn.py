"""scikit-learn estimators; no other module imports it."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    check_random_state,
    validate_data,
)

from mapicx.callbacks import EarlyStopping
from mapicx.data import Array, to_class_weights
from mapicx.model import Mapicx
from mapicx.optimizers import Adam
from mapicx.validation import FLOATS, check_count, require


class MapicxEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What classifier and regressor share.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
    activation : str
    lr, alpha : float
        Adam's learning rate, and its weight decay.
    epochs : int
    batch_size : int or None
        Samples per update; None: all.
    shuffle : bool
    early_stopping : bool
        Hold out `validation_fraction` of the samples; stop when their loss has not fallen for
        `n_iter_no_change` epochs, with the best weights.
    verbose : bool or int
        A line every 100 epochs, or every so many.
    random_state : int, RandomState or None

    Attributes
    ----------
    model_ : Mapicx
        In float32 for float32 data, else in float64.
    history_ : dict of str to list of float
    n_iter_, n_features_in_ : int
    """

    def __init__(self, hidden_layer_sizes: Any = (64,), *, activation: str = "relu",
                 lr: float = 0.01, alpha: float = 0.0, epochs: int = 200,
                 batch_size: int | None = None, shuffle: bool = True, early_stopping: bool = False,
                 validation_fraction: float = 0.1, n_iter_no_change: int = 10,
                 verbose: bool | int = False, random_state: Any = None) -> None:  # fmt: skip
        self.hidden_layer_sizes, self.activation = hidden_layer_sizes, activation
        self.lr, self.alpha, self.epochs = lr, alpha, epochs
        self.batch_size, self.shuffle, self.early_stopping = batch_size, shuffle, early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.verbose, self.random_state = verbose, random_state

    def _build(self, dtype: Any, width: int, outputs: int, last: str, loss: str) -> Mapicx:
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        model = Mapicx(seed=seed, dtype=dtype)
        for size in np.atleast_1d(np.asarray(self.hidden_layer_sizes, object)):
            model.add(width, size, activation=self.activation)
            width = size
        model.add(width, outputs, activation=last)
        return model.compile(Adam(self.lr, weight_decay=self.alpha), loss, metrics=())

    def _train(
        self, model: Mapicx, X: Array, y: Array, weights: Any, epochs: int, stop: bool
    ) -> Self:
        options: dict[str, Any] = {"batch_size": self.batch_size, "shuffle": self.shuffle}
        if stop:
            patience = check_count("n_iter_no_change", self.n_iter_no_change)
            options["validation_split"] = self.validation_fraction
            options["callbacks"] = EarlyStopping("val_loss", patience, restore_best_weights=True)
        every = 100 if self.verbose is True else int(self.verbose)
        history = model.fit(X, y, epochs, every, sample_weight=weights, **options)
        self.model_, self.history_ = model, history.history
        self.n_iter_ = len(history.epoch)
        return self

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self)
        outputs: Array = self.model_.predict(validate_data(self, X, dtype=FLOATS, reset=False))
        return outputs


class MapicxClassifier(ClassifierMixin, MapicxEstimator):  # type: ignore[misc]
    """A classifier with softmax outputs.

    Its parameters are those of MapicxEstimator, and `class_weight`: None, "balanced", or a dict
    from labels to weights.

    Examples
    --------
    >>> from mapicx import MapicxClassifier
    >>> from mapicx.datasets import spiral_data
    >>> X, y = spiral_data(100, 3, seed=0)
    >>> MapicxClassifier(64, lr=0.05, random_state=0).fit(X, y).score(X, y) > 0.7
    True
    """

    classes_: Array

    def __init__(self, hidden_layer_sizes: Any = (64,), *, activation: str = "relu",
                 lr: float = 0.01, alpha: float = 0.0, epochs: int = 200,
                 batch_size: int | None = None, shuffle: bool = True, early_stopping: bool = False,
                 validation_fraction: float = 0.1, n_iter_no_change: int = 10,
                 class_weight: Any = None, verbose: bool | int = False,
                 random_state: Any = None) -> None:  # fmt: skip
        options = {
            n: v for n, v in vars().items() if n not in ("self", "__class__", "class_weight")
        }
        super().__init__(**options)
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train anew on X (samples, features) and labels y."""
        return self._learn(X, y, None, sample_weight, self.epochs, True, self.early_stopping)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train on for one epoch; the first call needs all `classes`."""
        first = not hasattr(self, "classes_")
        require(not first or classes is not None, "give classes in the first call of partial_fit")
        require(
            self.class_weight != "balanced",
            "class_weight='balanced' needs all samples; give partial_fit a dict",
        )
        return self._learn(X, y, classes, sample_weight, 1, first, False)

    def _learn(
        self, X: Any, y: Any, classes: Any, sample_weight: Any, epochs: int, first: bool,
        stop: bool,
    ) -> Self:  # fmt: skip
        X, y = validate_data(self, X, y, dtype=FLOATS, reset=first)
        check_classification_targets(y)
        known = self.classes_ if not first else np.unique(y if classes is None else classes)
        strange = np.setdiff1d(y, known).tolist()
        require(not strange, f"y has labels {strange[:5]}, not among {known.tolist()}")
        indices = np.searchsorted(known, y)
        weights = None
        if sample_weight is not None or self.class_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if self.class_weight is not None:
            named, labels = self.class_weight, known.tolist()
            if isinstance(named, dict) and named.keys() >= set(labels):
                named = {label: named[label] for label in labels}
            weights = weights * to_class_weights(named, labels, indices)[indices]
        outputs, loss = max(2, len(known)), "categorical_crossentropy"
        new = first and self._build(X.dtype, X.shape[1], outputs, "softmax", loss)
        self._train(new or self.model_, X, indices, weights, epochs, stop)
        self.classes_ = known
        return self

    def predict_proba(self, X: Any) -> Array:
        """The probabilities (samples, classes) of `classes_`."""
        outputs = self._outputs(X)
        return outputs if len(self.classes_) > 1 else np.ones_like(outputs[:, :1])

    def predict(self, X: Any) -> Array:
        """The most probable labels."""
        best = self.predict_proba(X).argmax(1)
        labels: Array = self.classes_[best]
        return labels


class MapicxRegressor(RegressorMixin, MapicxEstimator):  # type: ignore[misc]
    """A regressor for one or several targets, by squared error.

    Its parameters are those of MapicxEstimator.

    Examples
    --------
    >>> import numpy as np
    >>> from mapicx import MapicxRegressor
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> MapicxRegressor(32, random_state=0).fit(X, X[:, 0] ** 2).score(X, X[:, 0] ** 2) > 0.9
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train anew on X (samples, features) and y (samples,) or (samples, targets)."""
        return self._learn(X, y, sample_weight, self.epochs, True, self.early_stopping)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on for one epoch."""
        return self._learn(X, y, sample_weight, 1, not hasattr(self, "model_"), False)

    def _learn(
        self, X: Any, y: Any, sample_weight: Any, epochs: int, first: bool, stop: bool
    ) -> Self:
        X, y = validate_data(
            self, X, y, dtype=FLOATS, multi_output=True, y_numeric=True, reset=first
        )
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        new = first and self._build(X.dtype, X.shape[1], y[0].size, "linear", "mse")
        self._train(new or self.model_, X, y, sample_weight, epochs, stop)
        if first:
            self._shape = (-1, *y.shape[1:])
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Any) -> Array:
        """Values in the shape of y."""
        return self._outputs(X).reshape(self._shape)
