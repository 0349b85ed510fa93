"""Gradients against finite differences."""

from typing import Any

import numpy as np

from mapicx.data import Array
from mapicx.network import NeuralNetwork
from mapicx.validation import require


def check_gradients(
    network: NeuralNetwork, X: Any, y: Any, *, directions: int = 5, step: float = 1e-5,
    seed: Any = 0, **weights: Any,
) -> float:  # fmt: skip
    """The largest relative error of the network's gradient along random directions.

    Along a unit direction u the slope g.u must equal (loss(w + h u) - loss(w - h u)) / 2h, h =
    `step`. The error, relative to the slope, or to 1/1000 of the gradient's norm if that is more,
    is below 1e-6 unless a kink (of ReLU) lies within the step. `weights`: sample_weight. ValueError
    unless the network's dtype is float64; its parameters stay.

    Examples
    --------
    >>> from mapicx import SGD, CategoricalCrossentropy, Dense, NeuralNetwork, Softmax, Tanh
    >>> layers = [Dense(2, 8), Tanh(), Dense(8, 3), Softmax()]
    >>> net = NeuralNetwork(layers, CategoricalCrossentropy(), SGD(), seed=0, dtype="float64")
    >>> check_gradients(net, np.eye(2), [0, 2]) < 1e-6
    True
    """
    require(network.dtype == np.float64, f"dtype is {network.dtype}; make the network in float64")
    rng = np.random.default_rng(seed)
    start, worst = network.parameters.copy(), 0.0

    def loss(w: Array) -> float:
        network.parameters[:] = w
        return network.loss_and_gradients(X, y, **weights)

    loss(start)
    gradient = network.gradients.copy()
    for _ in range(directions):
        u = rng.standard_normal(start.size)
        u /= np.linalg.norm(u)
        measured = (loss(start + step * u) - loss(start - step * u)) / (2 * step)
        claimed = float(gradient @ u)
        scale = max(abs(measured), abs(claimed), 1e-3 * float(np.linalg.norm(gradient)), 1e-12)
        worst = max(worst, abs(measured - claimed) / scale)
    loss(start)
    return worst
