"""Check a backward pass against finite differences; for layers of your own."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapicx.network import NeuralNetwork


def check_gradients(
    network: NeuralNetwork,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    directions: int = 5,
    step: float = 1e-5,
    seed: Any = 0,
) -> float:
    """The largest relative error of the network's gradient along random directions.

    Along a unit direction u the slope g.u must equal (loss(w + h u) - loss(w - h u)) / 2h; two forward
    passes check all parameters at once. Wants a network of dtype float64 (ValueError otherwise); a
    right gradient then gives less than 1e-6, unless a ReLU lies within `step` of its kink. The
    parameters are left as they were.
    """
    if network.dtype != np.float64:
        raise ValueError(f"the network has dtype {network.dtype}; make it with dtype='float64'")
    rng = np.random.default_rng(seed)
    start = network.parameters.copy()
    network.loss_and_gradients(X, y, sample_weight)
    gradient = network.gradients.copy()
    worst = 0.0
    try:
        for _ in range(directions):
            direction = rng.standard_normal(start.size)
            direction /= np.linalg.norm(direction)
            losses = []
            for sign in (1, -1):
                network.parameters[:] = start + sign * step * direction
                losses.append(network.loss_and_gradients(X, y, sample_weight))
            measured, claimed = (losses[0] - losses[1]) / (2 * step), gradient @ direction
            scale = max(abs(measured), abs(claimed), 1e-3 * np.linalg.norm(gradient), 1e-12)
            worst = max(worst, abs(measured - claimed) / scale)
    finally:
        network.parameters[:] = start
        network.gradients[:] = gradient
    return float(worst)
