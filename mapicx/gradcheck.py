"""Check a backward pass against finite differences; for layers of your own."""

import numpy as np

from mapicx.network import NeuralNetwork
from mapicx.validation import require


def check_gradients(network: NeuralNetwork, X, y, *, directions=5, step=1e-5, seed=0, **weights):
    """The largest relative error of the network's gradient along random directions.

    Along a unit direction u the slope g.u must equal (loss(w + h u) - loss(w - h u)) / 2h, h =
    `step`: two forward passes check all parameters at once. The error is relative to the slope, or
    to 1/1000 of the gradient's norm where that is more. A right gradient gives less than 1e-6,
    unless a kink (of ReLU) lies within the step. `weights`: sample_weight. The network must have
    dtype float64 (ValueError otherwise); its parameters are left as they were.
    """
    require(network.dtype == np.float64, f"dtype is {network.dtype}; make the network in float64")
    rng = np.random.default_rng(seed)
    start, worst = network.parameters.copy(), 0.0

    def loss(w):
        network.parameters[:] = w
        return network.loss_and_gradients(X, y, **weights)

    loss(start)
    gradient = network.gradients.copy()
    for _ in range(directions):
        u = rng.standard_normal(start.size)
        u /= np.linalg.norm(u)
        measured = (loss(start + step * u) - loss(start - step * u)) / (2 * step)
        claimed = gradient @ u
        scale = max(abs(measured), abs(claimed), 1e-3 * float(np.linalg.norm(gradient)), 1e-12)
        worst = max(worst, abs(measured - claimed) / scale)
    loss(start)
    return float(worst)
