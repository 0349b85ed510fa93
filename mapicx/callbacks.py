"""fit, predict and the like; the loop over epochs, and what may happen in it.

A callback is a function (model, epoch, logs), or an object with such a method, `on_epoch_end`,
perhaps with `on_train_begin(model)`, `on_epoch_begin(model, epoch)`, `on_train_end(model)`. `epoch`
counts from 0, `logs` are the epoch's values by name. True at an epoch's end stops training.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from mapicx.data import (
    Array,
    Data,
    Rows,
    accuracy,
    hold_out,
    make_batches,
    make_data,
    refresh_options,
    to_answers,
    to_classes,
    to_inputs,
)
from mapicx.validation import check_count, check_number, check_outputs, require, show

if TYPE_CHECKING:
    from mapicx.network import NeuralNetwork

Model = TypeVar("Model")


class History:
    """What training recorded.

    Attributes
    ----------
    history : dict of str to list of float
        One value per epoch: "loss", "accuracy", each batch before its update, with dropout;
        "val_loss", "val_accuracy" after it, dropout off.
    params : dict
        "epochs" asked for, "steps" (updates) in each.

    Examples
    --------
    >>> model.fit(X, y, epochs=2, verbose=False).history.keys()
    dict_keys(['loss', 'accuracy'])
    """

    def __init__(self, names: Iterable[str] = (), **params: int) -> None:
        self.history: dict[str, list[float]] = {name: [] for name in names}
        self.params = params

    @property
    def epoch(self) -> list[int]:
        """The epochs done, from 0."""
        return list(range(len(next(iter(self.history.values()), []))))

    def __repr__(self) -> str:
        last = {name: round(values[-1], 4) for name, values in self.history.items() if values}
        return f"History({len(self.epoch)} epochs, last {last})"


class EarlyStopping:
    """Stop when `monitor` has not improved by more than `min_delta` for `patience` epochs.

    Accuracies should rise, all else should fall. With `restore_best_weights` the model ends, in any
    case, with the weights of its best value: those after the epoch, but before it where what
    training on a single batch gave is monitored.

    Parameters
    ----------
    monitor : str
        A name in History.
    patience : number
        0 and 1 both stop at the first epoch that is no better, as in Keras.
    min_delta : float
    restore_best_weights : bool

    Examples
    --------
    >>> stop = EarlyStopping(patience=20, restore_best_weights=True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: float = 0,
        min_delta: float = 0.0,
        restore_best_weights: bool = False,
    ) -> None:
        self.monitor, self.restore_best_weights = monitor, restore_best_weights
        self.patience = check_number("patience", patience, 0)
        self.min_delta = check_number("min_delta", min_delta, 0)
        require(self.min_delta < np.inf, "min_delta is infinite; give a number")

    def on_train_begin(self, model: Any) -> None:
        """Begin anew."""
        self.sign = -1 if "accuracy" in self.monitor else 1
        self.best, self.best_epoch, self.best_weights = float("inf"), 0, None
        before = not self.monitor.startswith("val_") and model.history.params["steps"] == 1
        self.measured_before = before and self.restore_best_weights
        self.stopped = False

    def on_epoch_begin(self, model: Any, epoch: int) -> None:
        """Keep the weights."""
        if self.measured_before:
            self.weights_before = model.get_weights()

    def on_epoch_end(self, model: Any, epoch: int, logs: dict[str, float]) -> bool:
        """Whether patience is at its end."""
        value = self.sign * logs[self.monitor]
        if value < self.best - self.min_delta:
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                before = self.measured_before
                self.best_weights = self.weights_before if before else model.get_weights()
        self.stopped = epoch - self.best_epoch >= max(1, self.patience)
        return self.stopped

    def on_train_end(self, model: Any) -> None:
        """Put the best weights back."""
        if self.best_weights is not None:
            model.set_weights(self.best_weights)

    __repr__ = show

    def __str__(self) -> str:
        if not hasattr(self, "best"):
            return repr(self)
        whose = "its" if self.best_weights is not None else "the last"
        best = f"best {self.monitor} {self.sign * self.best:.4f} in epoch {self.best_epoch + 1}"
        return f"{best}; {whose} weights stay"


class TrainingLoop:
    """The epochs of one training."""

    def __init__(
        self, model: Any, network: NeuralNetwork, epochs: Any, print_every: Any, callbacks: Any
    ) -> None:
        self.model, self.network = model, network
        self.epochs = check_count("epochs", epochs)
        whole = isinstance(print_every, int | np.integer) and print_every >= 0
        require(whole, f"print_every is {print_every!r}; give a whole number, 0 prints nothing")
        self.print_every = int(print_every)
        given = callbacks if isinstance(callbacks, Sequence) else [callbacks]
        self.callbacks = [callback for callback in given if callback is not None]
        for callback in self.callbacks:
            check_callback(callback)

    @np.errstate(all="ignore")  # a loss that is not finite raises
    def run(
        self, data: Data, held_out: Data | None, batches: list[slice], names: list[str],
        shuffle: bool,
    ) -> History:  # fmt: skip
        network = self.network
        data = data.gather() if shuffle else data
        chunks = make_batches(len(held_out.X)) if held_out else []
        self.model.history = history = History(names, epochs=self.epochs, steps=len(batches))
        columns = list(history.history.values())
        self.notify("on_train_begin")
        for epoch in range(self.epochs):
            if self.callbacks or not epoch:
                self.notify("on_epoch_begin", epoch)
                refresh_options(network.optimizer)
            order = network.rng.permutation(len(data.X)) if shuffle else None
            rows = batches if order is None else (order[batch] for batch in batches)
            try:
                values = run_batches(network, data, rows, update=True)
            except FloatingPointError as error:
                where = f"epoch {epoch + 1}, learning rate {network.optimizer.current_lr:g}"
                raise FloatingPointError(f"training diverged in {where}: {error}") from None
            values += run_batches(network, held_out, chunks) if held_out else []
            for column, value in zip(columns, values, strict=True):
                column.append(value)
            if (self.callbacks or self.print_every) and self.end_epoch(epoch, names, values):
                break
        self.notify("on_train_end")
        for callback in self.callbacks:
            if self.print_every and isinstance(callback, EarlyStopping) and callback.stopped:
                print(f"stopped early: {callback}")
        return history

    def end_epoch(self, epoch: int, names: list[str], values: list[float]) -> bool:
        logs = dict(zip(names, values, strict=True))
        answers = [
            getattr(callback, "on_epoch_end", callback)(self.model, epoch, logs)
            for callback in self.callbacks
        ]
        stop = any(isinstance(answer, bool | np.bool) and answer for answer in answers)
        done = epoch + 1
        if self.print_every and (done % self.print_every == 0 or stop or done == self.epochs):
            line = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
            print(f"epoch {done}/{self.epochs}  {line}")
        return stop

    def notify(self, event: str, *args: Any) -> None:
        """Call the callbacks' methods of that name."""
        for callback in self.callbacks:
            method = getattr(callback, event, None)
            if method is not None:
                method(self.model, *args)


def check_callback(callback: Any) -> None:
    """ValueError for what is no callback."""
    function = getattr(callback, "on_epoch_end", callback)
    fits = callable(function) and not isinstance(callback, type)
    require(fits, f"{callback!r} is no callback; give a function (model, epoch, logs)")
    code = getattr(function, "__code__", None)
    enough = (
        code is None
        or code.co_flags & 4  # *args
        or code.co_argcount - hasattr(function, "__self__") > 2
    )
    require(enough, f"{callback!r} takes too few arguments; write it for (model, epoch, logs)")


def fit(self: Any, X: Any, y: Any, epochs: int = 1, print_every: int = 100, *,
        batch_size: int | None = None, shuffle: bool = True, validation_data: Any = None,
        validation_split: float = 0.0, sample_weight: Any = None, class_weight: Any = None,
        callbacks: Any = (), verbose: Any = True) -> History:  # fmt: skip
    """Train for `epochs` passes, or until a callback stops.

    Parameters
    ----------
    X, y
        Samples (n, features) and their targets.
    print_every : int
        A line every so many epochs; 0 or verbose=False: none.
    batch_size : int or None
        Samples per update; None: all.
    shuffle : bool
        A new order in each epoch.
    validation_data : (X, y) or (X, y, sample_weight)
    validation_split : float
        The part of the samples to validate on, drawn alike from each class.
    sample_weight : array (n,)
    class_weight : dict from labels to weights, or "balanced"
    callbacks : one or a list of them, see mapicx.callbacks

    Returns
    -------
    History

    Raises
    ------
    FloatingPointError
        On divergence, naming epoch and learning rate; the last finite weights stay.

    Examples
    --------
    >>> history = model.fit(X, y, epochs=2, batch_size=32, verbose=False)
    """
    network = network_of(self)
    loop = TrainingLoop(self, network, epochs, print_every if verbose else 0, callbacks)
    data, classes = make_data(network, X, y, sample_weight, class_weight)
    data, held_out = hold_out(network, data, classes, validation_data, validation_split)
    n = len(data.X)
    batches = make_batches(n, n if batch_size is None else batch_size)
    names = [*network.names, *("val_" + name for name in network.names if held_out)]
    wanted = {c.monitor for c in loop.callbacks if isinstance(c, EarlyStopping)}
    require(
        wanted <= set(names),
        f"EarlyStopping cannot monitor {sorted(wanted)}, only {names}; for val_... give "
        "validation_split or validation_data",
    )
    network.classes = classes
    return loop.run(data, held_out, batches, names, shuffle and len(batches) > 1)


def network_of(model: Any) -> NeuralNetwork:
    return cast("NeuralNetwork", getattr(model, "network", model))


@np.errstate(all="ignore")
def train_on_batch(self: Any, X: Any, y: Any, classes: Any = None) -> float:
    """One update on all of X; the loss before it. `classes` names labels that y may lack.

    FloatingPointError, with the weights as they were, if a number is not finite.

    Examples
    --------
    >>> loss = model.train_on_batch(X, y)
    """
    network = network_of(self)
    data, known = make_data(network, X, y, classes=classes)
    refresh_options(network.optimizer)
    values = run_batches(network, data, [slice(0, len(data.X))], update=True)
    network.classes = known
    return values[0]


def run_batches(
    network: NeuralNetwork, data: Data, rows: Iterable[Rows], update: bool = False
) -> list[float]:
    """The mean values of batches; with `update` each then trains.

    FloatingPointError, before the update, when the loss is not finite.
    """
    done, pool = [], network._batches
    for part in rows:
        batch = pool.take("train" if update else "evaluate", data, part)
        batch.run("forward", network._forward_and_loss)
        values = batch.values(network.loss, network.names)
        if update and not values[0] - values[0] == 0:  # false for infinity and NaN
            raise FloatingPointError("the loss is not finite")
        if update and batch.weight:
            batch.run("backward", network._backward)
            network.optimizer.step(
                network._parameters, network._gradients, network._decays, network.eager
            )
        pool.give(batch)
        done.append((values, batch.weight))
    if len(done) == 1:
        return done[0][0]
    total = sum(weight for _, weight in done)
    weighted = ([value * weight for value in values] for values, weight in done)
    return [sum(column) / total for column in zip(*weighted, strict=True)]


def predict(self: Any, X: Any) -> Any:
    """The outputs (samples, outputs); FloatingPointError if X is too large for `dtype`.

    Examples
    --------
    >>> model.predict(X).shape
    (300, 3)
    """
    network = network_of(self)
    data = Data(to_inputs(X, network))
    outputs = [network._batches.outputs(data, rows) for rows in make_batches(len(data.X))]
    return check_outputs(outputs[0] if len(outputs) == 1 else np.concatenate(outputs))


def evaluate(self: Any, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
    """{"loss": ..., "accuracy": ...} with dropout off.

    Examples
    --------
    >>> loss, accuracy = model.evaluate(X, y).values()
    """
    network = network_of(self)
    data, _ = make_data(network, X, y, sample_weight)
    values = run_batches(network, data, make_batches(len(data.X)))
    check_outputs(np.array(values))
    return dict(zip(network.names, values, strict=True))


def score(self: Any, X: Any, y: Any) -> float:
    """The accuracy of a classification; R^2 of a regression (1: perfect, 0: as the mean).

    Examples
    --------
    >>> accuracy = model.score(X, y)
    """
    network = network_of(self)
    targets = make_data(network, X, y)[0].targets
    outputs = predict(network, X)
    if network.loss.classifies:
        return accuracy(outputs, to_answers(targets, network.loss), network.loss)
    scale = np.float64(abs(targets).max()) or 1.0  # 1e20 squared is too large
    outputs, targets = outputs / scale, targets / scale
    error, spread = np.square(outputs - targets).mean(), targets.var(0).mean()
    return float(1 - error / spread if spread else error == 0)


def predict_classes(self: Any, X: Any) -> Array:
    """The label of each sample; yes or no (1 or 0) for each of several Sigmoid outputs.

    Examples
    --------
    >>> model.predict_classes(X).shape
    (300,)
    """
    network = network_of(self)
    return to_classes(predict(network, X), network.loss, network.classes)


def partial_fit(self: Model, X: Any, y: Any, classes: Any = None) -> Model:
    """One update on all of X, as `train_on_batch`; returns the model.

    Examples
    --------
    >>> model = model.partial_fit(X, y)
    """
    train_on_batch(self, X, y, classes)
    return self


def train(self: NeuralNetwork, X: Any, y: Any, epochs: int, print_every: int = 100) -> History:
    """Train for `epochs` full batches, see Mapicx.fit.

    Examples
    --------
    >>> history = net.train(X, y, epochs=2, print_every=0)
    """
    return fit(self, X, y, epochs, print_every)


def set_attribute(self: Any, name: str, value: Any) -> None:
    """Set what the network would notice."""
    late = ("dtype", "eager", "layers", "rng", "classes") if vars(self).get("_network") else ()
    if name in ("optimizer", "loss", *late):
        raise AttributeError(f"{name} cannot be set; make or compile another model")
    owner = self.network if name in ("parameters", "gradients") else self
    object.__setattr__(owner, name, value)


def summary(self: Any) -> str:
    """Print, and return, a table of the layers and their numbers of parameters.

    Examples
    --------
    >>> table = model.summary()
    Dense(n_features=2, n_neurons=64, init='he') 192 ... total 387
    """
    counts = [sum(a.size for a in layer.parameters().values()) for layer in self.layers]
    rows = [*zip(map(repr, self.layers), counts, strict=True), ("total", sum(counts))]
    text = "\n".join(f"{name:<60}{count:>12,}" for name, count in rows)
    print(text)
    return text


def describe_model(self: Any) -> str:
    network = self._network
    state = repr(network.optimizer) if network else "not compiled"
    return f"Mapicx({', '.join(map(repr, self.layers))}; {state})"


def save(self: Any, path: Any) -> None:
    """Write a file that `mapicx.load` reads; training resumes from it bit for bit.

    A save that is cut short leaves an older file as it was; a link stays a link.

    Examples
    --------
    >>> model.save("spiral.npz")
    """
    from mapicx import files, model

    files.write_model(path, self.network, model.Mapicx)
