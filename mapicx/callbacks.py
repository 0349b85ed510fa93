"""What may happen at the end of an epoch: History, EarlyStopping, a line of progress, your own.

A callback is a function `callback(model, epoch, logs)`, or an object with a method of that kind,
`on_epoch_end`, perhaps with `on_train_begin(model)` and `on_train_end(model)`. `epoch` counts from
0, `logs` are the epoch's values by the names of History. If one returns True, training stops.
"""

from mapicx.targets import check_count, check_number, require


class History:
    """What training recorded: `history` maps "loss", "accuracy", ... to one value per epoch.

    "loss" and "accuracy" are means over the samples of an epoch, each batch before its update, with
    dropout; "val_loss" and "val_accuracy" are those after the epoch, without.
    """

    def __init__(self, names=()):
        self.history = {name: [] for name in names}

    @property
    def epoch(self):
        """The epochs done, counted from 0."""
        return list(range(len(next(iter(self.history.values()), []))))

    def __repr__(self):
        last = {name: round(values[-1], 4) for name, values in self.history.items() if values}
        return f"History({len(self.epoch)} epochs, last {last})"


class EarlyStopping:
    """Stop when `monitor` has not got better by more than `min_delta` for over `patience` epochs.

    Accuracies should rise, all else should fall; fit raises ValueError if it does not record
    `monitor`. With `restore_best_weights` the model ends with the weights of its best epoch,
    whether it was stopped or not.
    """

    def __init__(self, monitor="val_loss", patience=0, min_delta=0.0, restore_best_weights=False):
        self.monitor, self.restore_best_weights = monitor, restore_best_weights
        self.patience = check_number("patience", patience, 0)
        self.min_delta = check_number("min_delta", min_delta, 0)

    def on_train_begin(self, model):
        """Forget the last training."""
        self.sign = -1 if "accuracy" in self.monitor else 1
        self.best, self.best_epoch, self.best_weights = float("inf"), 0, None

    def on_epoch_end(self, model, epoch, logs):
        """Note a better epoch; True when patience is at its end."""
        value = self.sign * logs[self.monitor]
        if value < self.best - self.min_delta:
            self.best, self.best_epoch = value, epoch
            self.best_weights = model.get_weights() if self.restore_best_weights else None
        return epoch - self.best_epoch > self.patience

    def on_train_end(self, model):
        """Put the best weights back, if asked to."""
        if self.best_weights is not None:
            model.set_weights(self.best_weights)


class CallbackList:
    """The callbacks of one training, and the line of progress every so many epochs (0: none)."""

    def __init__(self, model, epochs, print_every, callbacks):
        self.model, self.epochs = model, check_count("epochs", epochs)
        self.print_every, self.callbacks = print_every, list(callbacks)
        fit = all(callable(c) or hasattr(c, "on_epoch_end") for c in self.callbacks)
        require(fit, f"{self.callbacks} are no callbacks; give functions (model, epoch, logs)")

    def begin(self, names):
        """Before the first epoch."""
        wanted = {c.monitor for c in self.callbacks if isinstance(c, EarlyStopping)}
        require(wanted <= set(names), f"EarlyStopping cannot monitor {wanted}, only {names}")
        self.model.history = History(names)
        self.tell("on_train_begin")

    def epoch_end(self, epoch, logs):
        """Record the epoch, print its line, call the callbacks; True if one wants to stop."""
        for name, value in logs.items():
            self.model.history.history[name].append(value)
        done = epoch + 1
        if self.print_every and (done % self.print_every == 0 or done == self.epochs):
            values = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
            print(f"epoch {done}/{self.epochs}  {values}")
        answers = [getattr(c, "on_epoch_end", c)(self.model, epoch, logs) for c in self.callbacks]
        return any(answer is True for answer in answers)

    def tell(self, event):
        """Call the callbacks' methods of that name, where they have one."""
        for callback in self.callbacks:
            getattr(callback, event, id)(self.model)
