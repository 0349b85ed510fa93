"""Check and score a system's predictions. Uses only NumPy, and is never timed."""

from __future__ import annotations

from typing import Any


class Invalid(Exception):
    """The system answered with something that cannot be scored; the text says what."""


class Diverged(Exception):
    """A loss, a weight or a prediction is not finite."""


def score_system(system: Any, data: Any, task: str, predicted_test: Any) -> dict[str, float | None]:
    """Return accuracy and loss (classification) or MSE and R2 (regression) of both parts.

    `predicted_test` is the timed prediction, so that what was timed is what is scored.
    """
    import numpy as np

    result: dict[str, float | None] = {}
    for part, X, y in (
        ("train", data.X_train, data.y_train),
        ("test", data.X_test, data.y_test),
    ):
        predicted = predicted_test if part == "test" else system.predict(X)
        values = check_values(predicted, y.shape, f"predict of the {part} rows")
        if task == "classification":
            probabilities = system.predict_proba(X)
            if probabilities is not None:
                shape = (len(y), data.n_classes)
                probabilities = check_values(probabilities, shape, "predict_proba")
            result[f"accuracy_{part}"] = float(np.mean(values == y))
            result[f"loss_{part}"] = measure_cross_entropy(probabilities, y)
            if part == "test":
                result["balanced_accuracy_test"] = measure_balanced_accuracy(values, y)
                result["auc_test"] = measure_auc(probabilities, y)
        else:
            error = float(np.mean((values.astype(float) - y) ** 2))
            result[f"loss_{part}"] = error
            if part == "test":
                result["mse_test"] = error
                spread = float(np.var(y))  # a constant target has no R2
                result["r2_test"] = 1 - error / spread if spread else None
    return result


def check_values(values: Any, shape: tuple[int, ...], what: str) -> Any:
    """Return an array of this shape with finite numbers; else raise Invalid or Diverged."""
    import numpy as np

    array = np.asarray(values)
    if array.shape != shape:
        raise Invalid(f"{what} has shape {array.shape}; expected {shape}")
    if array.dtype.kind not in "biuf":
        raise Invalid(f"{what} is of type {array.dtype}; expected numbers")
    if not np.isfinite(array).all():
        raise Diverged(f"{what} is not finite")
    return array


def measure_cross_entropy(probabilities: Any, y: Any) -> float | None:
    """Return the mean of -log p(true class), p clipped at 1e-12; None without probabilities."""
    import numpy as np

    if probabilities is None:
        return None
    chosen = np.clip(probabilities[np.arange(len(y)), y].astype(float), 1e-12, None)
    return float(-np.log(chosen).mean())


def measure_balanced_accuracy(values: Any, y: Any) -> float:
    """Return the mean recall over the classes that occur."""
    import numpy as np

    return float(np.mean([np.mean(values[y == label] == label) for label in np.unique(y)]))


def measure_auc(probabilities: Any, y: Any) -> float | None:
    """Return the area under the ROC curve; for several classes, the mean of each against the rest.

    It is P(a row of the class ranks above another), ties counted half, from rank sums (Mann and
    Whitney 1947). None without probabilities, or if only one class occurs.
    """
    import numpy as np

    labels = np.unique(y)
    if probabilities is None or len(labels) < 2:
        return None
    areas = []
    for label in labels[1:] if probabilities.shape[1] == 2 else labels:
        _, group, sizes = np.unique(
            probabilities[:, label], return_inverse=True, return_counts=True
        )
        ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[group.reshape(-1)]  # from 1, ties averaged
        is_class = y == label
        inside = int(is_class.sum())
        above = ranks[is_class].sum() - inside * (inside + 1) / 2
        areas.append(above / (inside * (len(y) - inside)))
    return float(np.mean(areas))


def check_weights(system: Any) -> None:
    """Raise Diverged if the trained network holds a weight that is not finite."""
    import numpy as np

    for array in system.get_weights() or ():
        if not np.isfinite(array).all():
            raise Diverged("a weight is not finite after training")


def convert_losses(recorded: Any) -> Any:
    """Convert the framework's scalars to a float array (steps,); Diverged if one is not finite."""
    import numpy as np

    losses = np.array([float(loss) for loss in recorded])
    if not np.isfinite(losses).all():
        raise Diverged(f"the loss is not finite at step {int(np.argmin(np.isfinite(losses)))}")
    return losses
