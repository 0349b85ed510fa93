"""Checks what a system predicted and scores it. NumPy alone; never inside a clock."""

from __future__ import annotations

from typing import Any


class Invalid(Exception):
    """The system answered with something that cannot be scored; the text says what."""


class Diverged(Exception):
    """A loss, a weight or a prediction is not finite."""


def score_system(system: Any, data: Any, task: str, predicted_test: Any) -> dict[str, float | None]:
    """Accuracy and loss (classification) or MSE and R2 (regression) on both parts of a draw.

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
            result[f"accuracy_{part}"] = float(np.mean(values == y))
            result[f"loss_{part}"] = measure_cross_entropy(
                system.predict_proba(X), y, data.n_classes
            )
        else:
            error = float(np.mean((values.astype(float) - y) ** 2))
            result[f"loss_{part}"] = error
            if part == "test":
                result["mse_test"] = error
                spread = float(np.var(y))  # a constant target has no R2
                result["r2_test"] = 1 - error / spread if spread else None
    return result


def check_values(values: Any, shape: tuple[int, ...], what: str) -> Any:
    """As an array of this shape with finite numbers, or Invalid / Diverged."""
    import numpy as np

    array = np.asarray(values)
    if array.shape != shape:
        raise Invalid(f"{what} has shape {array.shape}; expected {shape}")
    if array.dtype.kind not in "biuf":
        raise Invalid(f"{what} is of type {array.dtype}; expected numbers")
    if not np.isfinite(array).all():
        raise Diverged(f"{what} is not finite")
    return array


def measure_cross_entropy(probabilities: Any, y: Any, n_classes: int) -> float | None:
    """Mean of -log p(true class), p clipped at 1e-12; None where there are no probabilities."""
    import numpy as np

    if probabilities is None:
        return None
    p = check_values(probabilities, (len(y), n_classes), "predict_proba")
    chosen = np.clip(p[np.arange(len(y)), y].astype(float), 1e-12, None)
    return float(-np.log(chosen).mean())


def check_weights(system: Any) -> None:
    """Diverged if the trained network holds a weight that is not finite."""
    import numpy as np

    for array in system.get_weights() or ():
        if not np.isfinite(array).all():
            raise Diverged("a weight is not finite after training")


def convert_losses(recorded: Any) -> Any:
    """The framework's scalars as a float array (steps,); Diverged if one is not finite."""
    import numpy as np

    losses = np.array([float(loss) for loss in recorded])
    if not np.isfinite(losses).all():
        raise Diverged(f"the loss is not finite at step {int(np.argmin(np.isfinite(losses)))}")
    return losses
