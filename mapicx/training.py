"""The training loop: epochs of batches, what is recorded, when it stops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mapicx.callbacks import CallbackList, History, Progress
from mapicx.targets import batches, split


def check_count(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a whole number of at least 1."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; give a whole number of at least 1")


def fit(
    model: Any,
    network: Any,
    X: Any,
    y: Any,
    epochs: int = 1,
    print_every: int = 100,
    *,
    batch_size: int | None = None,
    shuffle: bool = True,
    validation_data: Any = None,
    validation_split: float = 0.0,
    sample_weight: Any = None,
    class_weight: Any = None,
    callbacks: Iterable[Any] = (),
    verbose: bool = True,
) -> History:
    """Train `network`, the network of `model` (which callbacks see); see `Mapicx.fit`."""
    check_count("epochs", epochs)
    if batch_size is not None:
        check_count("batch_size", batch_size)
    if not 0 <= validation_split < 1 or (validation_split and validation_data is not None):
        raise ValueError(
            f"validation_split is {validation_split!r}; give a number from 0 up to, not including, 1, "
            f"and not validation_data as well"
        )
    progress = [Progress(print_every, epochs)] if verbose and print_every else []
    callback_list = CallbackList([*progress, *callbacks])
    data, classes = network.make_data(X, y, sample_weight, class_weight)
    held_out = None
    if validation_data is not None:
        held_out, _ = network.make_data(*validation_data, classes=classes)
    if validation_split:
        data, held_out = split(data, validation_split, network.loss.classifies, network.rng)
    names = ["loss", "accuracy"] if network.counts_hits else ["loss"]
    names += ["val_" + name for name in names] if held_out else []
    earlier, model.history = model.history, History(names)
    try:
        callback_list.begin(model)
    except ValueError:
        model.history = earlier
        raise
    network.classes = classes
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a divergence raises below
        for epoch in range(epochs):
            logs = train_epoch(network, data, batch_size, shuffle, epoch)
            if held_out:
                logs += network.evaluate_data(held_out, network.counts_hits)[: len(logs)]
            named = dict(zip(names, logs, strict=True))
            model.history.append(named)
            if callback_list.epoch_end(model, epoch, named):
                break
    callback_list.end(model)
    return model.history


def train_epoch(
    network: Any, data: Any, batch_size: int | None, shuffle: bool, epoch: int
) -> list[float]:
    """One pass over the data: [loss] or [loss, accuracy], means over the samples."""
    loss_sum = hit_sum = weight_sum = 0.0
    for rows in batches(len(data), batch_size, shuffle, network.rng):
        try:
            loss, hits, weight = network.train_step(data, rows, network.counts_hits)
        except FloatingPointError as error:
            raise FloatingPointError(
                f"training diverged in epoch {epoch + 1} with learning rate "
                f"{network.optimizer.current_lr:g}: {error}; the weights are the last finite ones. "
                f"Try a smaller learning rate, clipnorm, or scaled inputs"
            ) from None
        loss_sum += loss * weight
        hit_sum += hits
        weight_sum += weight
    means = [loss_sum / weight_sum, hit_sum / len(data)]
    return means if network.counts_hits else means[:1]
