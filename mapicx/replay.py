"""What makes the engine fast, all in one place. Skip it to understand the mathematics.

A network does the same NumPy calls in every step, on arrays of the same shapes. So each layer states
its calls once per batch size, with every argument and every result array already made; a `Tape` runs
them, writes them down and replays them ever after: a steady step allocates nothing and looks nothing up.

Inside the engine a batch has one *column* per sample: (features, samples). The maximum over 3 classes
of 300 samples takes 1 us this way and 31 us with one row per sample. Users see the transposed view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Tape:
    """NumPy calls whose arguments are always the same arrays: run and noted once, then replayed."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], Any]] = []

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Run `function(*arguments)` now and in every replay."""
        call = partial(function, *arguments)
        call()
        self.calls.append(call)

    def replay(self) -> None:
        """Repeat the calls in order on what their arrays hold now."""
        for call in self.calls:
            call()


def call_now(function: Callable[..., Any], *arguments: Any) -> None:
    """Stand in for a tape where nothing is to be replayed."""
    function(*arguments)


def new_columns(features: int, samples: int, dtype: Any) -> NDArray[Any]:
    """An array (features, samples) for one batch, with a hidden row of ones below it."""
    return np.ones((features + 1, samples), dtype)[:-1]


def with_ones(columns: NDArray[Any]) -> NDArray[Any]:
    """The (features + 1, samples) array behind `new_columns`.

    [W; b].T @ [x; 1] is W.T @ x + b in one product, and [x; 1] @ d.T is both gradients: at 2-64-3
    the additions and sums that this saves are a tenth of the step.
    """
    assert columns.base is not None
    return columns.base


class Plan:
    """The arrays and tapes for batches of one size, in training or not.

    `x` (features, samples) and `weights` (samples,), which sum to 1, are made here; `targets`
    (outputs, samples) when the width of the output is known. `views` holds what each layer's public
    arrays are while this plan is the network's current one.
    """

    def __init__(self, features: int, samples: int, training: bool, dtype: Any) -> None:
        self.training = training
        self.x = new_columns(features, samples, dtype)
        self.rows = np.empty((samples, features), dtype)
        self.weights = np.full(samples, 1 / samples, dtype)
        self.weighted = False
        self.loaded: Any = None
        self.output: Any = None
        self.targets: Any = None
        self.total = 0.0
        self.tapes: dict[str, Tape] = {}
        self.loss = np.zeros((), dtype)
        self.hits: Any = None
        self.views: list[tuple[Any, dict[str, Any]]] = []

    def run(self, name: str, state_calls: Callable[[Plan, Tape], None]) -> None:
        """Replay the tape of that name; the first time, make it by stating its calls."""
        if name in self.tapes:
            self.tapes[name].replay()
            return
        tape = Tape()
        state_calls(self, tape)
        self.tapes[name] = tape

    def keep_views(self, layers: Iterable[Any]) -> None:
        """Remember the arrays that layers show, before another plan's take their place."""
        self.views = [(layer, {n: vars(layer)[n] for n in layer.views if n in vars(layer)}) for layer in layers]

    def restore_views(self) -> None:
        """Let the layers show this plan's arrays again."""
        for layer, arrays in self.views:
            vars(layer).update(arrays)

    def load_inputs(self, X: NDArray[Any], rows: Any = None) -> None:
        """Copy the chosen rows of X (all, a slice or an array of indices) into the columns of `x`."""
        self.loaded = None
        if isinstance(rows, np.ndarray):
            # rows first, then one transposition: a take along the columns of 784 features costs
            # 10 times as much. mode="clip" writes straight into `out`; the indices are our own.
            X = X.take(rows, 0, self.rows, "clip")
        elif rows is not None:
            X = X[rows]
        np.copyto(self.x, X.T)

    def load_targets(self, data: Any, rows: Any = None) -> float:
        """Copy targets and weights of the chosen rows; return the sum of their weights."""
        rows = slice(None) if rows is None else rows
        if self.targets is None:
            self.targets = np.empty((len(data.targets), self.weights.size), self.x.dtype)
        if isinstance(rows, np.ndarray):
            data.targets.take(rows, 1, self.targets, "clip")
        else:
            np.copyto(self.targets, data.targets[:, rows])
        samples = self.weights.size
        if data.weights is None:
            if self.weighted:
                self.weights.fill(1 / samples)
            self.weighted = False
            return samples
        chosen = data.weights[rows]
        total = float(chosen.sum())
        self.weighted = True
        np.divide(chosen, total if total > 0 else 1, self.weights)
        return total
