"""What may happen at the end of an epoch: History, EarlyStopping, a line of progress, your own.

A callback is a function `callback(model, epoch, logs)`, or an object with any of the methods
`on_train_begin(model)`, `on_epoch_end(model, epoch, logs)` and `on_train_end(model)`. `epoch` counts
from 0; `logs` are the epoch's values, by the names of History. If one returns True, training stops.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class History:
    """What training recorded. `history` maps "loss", "accuracy", "val_loss"... to one value per epoch.

    "loss" and "accuracy" are means over the samples of the epoch, each batch taken before its update
    and with dropout on; the "val_" values are those after the epoch.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.history: dict[str, list[float]] = {name: [] for name in names}

    @property
    def epoch(self) -> list[int]:
        """The epochs done, counted from 0."""
        return list(range(len(next(iter(self.history.values()), []))))

    def append(self, logs: dict[str, float]) -> None:
        """Add the values of an epoch."""
        for name, value in logs.items():
            self.history[name].append(value)

    def __repr__(self) -> str:
        last = ", ".join(
            f"{name}={values[-1]:.4g}" for name, values in self.history.items() if values
        )
        return f"History({len(self.epoch)} epochs{': ' if last else ''}{last})"


class EarlyStopping:
    """Stop when `monitor` has not got better by more than `min_delta` in more than `patience` epochs.

    Accuracies should rise, all else should fall. With `restore_best_weights` the model ends with
    the weights of its best epoch, whether it was stopped or not.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 0,
        min_delta: float = 0.0,
        restore_best_weights: bool = False,
    ) -> None:
        if patience < 0 or min_delta < 0:
            raise ValueError(
                f"patience={patience!r}, min_delta={min_delta!r}; give 0 or a number above"
            )
        self.monitor, self.patience, self.min_delta = monitor, patience, min_delta
        self.restore_best_weights = restore_best_weights

    def on_train_begin(self, model: Any) -> None:
        """Forget the last training; ValueError if this one does not record what is monitored."""
        if self.monitor not in model.history.history:
            raise ValueError(
                f"EarlyStopping monitors {self.monitor!r}, but this training records "
                f"{', '.join(model.history.history)}; give validation data or monitor one of these"
            )
        self.sign = -1 if "accuracy" in self.monitor else 1
        self.best = float("inf")
        self.best_epoch = 0
        self.best_weights: Any = None
        self.stopped_epoch: int | None = None

    def on_epoch_end(self, model: Any, epoch: int, logs: dict[str, float]) -> bool:
        """Note a better epoch; True when patience is at its end."""
        value = self.sign * logs[self.monitor]
        if value < self.best - self.min_delta:
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = model.get_weights()
        stop = epoch - self.best_epoch > self.patience
        if stop:
            self.stopped_epoch = epoch
        return stop

    def on_train_end(self, model: Any) -> None:
        """Put the best weights back, if asked to."""
        if self.best_weights is not None:
            model.set_weights(self.best_weights)


class Progress:
    """Prints a line every so many epochs."""

    def __init__(self, print_every: int, epochs: int) -> None:
        self.print_every, self.epochs = print_every, epochs

    def __call__(self, model: Any, epoch: int, logs: dict[str, float]) -> None:
        if (epoch + 1) % self.print_every == 0 or epoch + 1 == self.epochs:
            values = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
            print(f"epoch {epoch + 1}/{self.epochs}  {values}")


class CallbackList:
    """Several callbacks as one."""

    def __init__(self, callbacks: Iterable[Any]) -> None:
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            if not callable(callback) and not hasattr(callback, "on_epoch_end"):
                raise ValueError(
                    f"{callback!r} is no callback; give a function (model, epoch, logs)"
                )

    def begin(self, model: Any) -> None:
        """Before the first epoch."""
        for callback in self.callbacks:
            getattr(callback, "on_train_begin", lambda model: None)(model)

    def epoch_end(self, model: Any, epoch: int, logs: dict[str, float]) -> bool:
        """After each epoch; True if one wants to stop."""
        returned = [getattr(c, "on_epoch_end", c)(model, epoch, logs) for c in self.callbacks]
        return any(value is True for value in returned)

    def end(self, model: Any) -> None:
        """After the last epoch."""
        for callback in self.callbacks:
            getattr(callback, "on_train_end", lambda model: None)(model)
