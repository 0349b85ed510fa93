"""Check whether systems train the same network: the first 20 updates against numpy-plain.

float64, the given start weights, full batch, no dropout, a reduced network. Longer recipes are
chaotic and prove nothing. Hyper-parameters are exact in float32, because Keras rounds Python
floats to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from baselines.contract import Workload

UPDATES, ROWS = 20, 64
UNITS = 16  # few, because among thousands of parameters some gradient is as small as epsilon
LIMIT = 3.0  # of inputs: a row far from all others saturates units; then rounding is amplified
EXACT = {"lr": 0.125, "momentum": 0.875, "decay": 2.0**-10, "l2": 2.0**-10}
# Epsilon is far below any gradient that is not zero, and above what rounding leaves of one that
# should be. Then it matters little on which side of the bias correction it stands: on 240 random
# tables of 7 to 26 columns the largest difference was 2e-10. With 2**-40 it was 1e-5.
EXACT_ADAM = {"lr": 2.0**-6, "beta_1": 0.875, "beta_2": 1 - 2.0**-10, "epsilon": 2.0**-52}


def choose_tolerance(workload: Workload) -> float:
    """Return the largest difference of a loss or a weight that counts as the same mathematics.

    Adam: Keras and scikit-learn put epsilon outside the bias correction. Decay: Keras computes
    the schedule in float32.
    """
    if workload.optimizer == "adam":
        return 1e-6
    return 1e-8 if workload.decay else 1e-12


def reduce_workload(workload: Workload) -> Workload:
    """Reduce a recipe to a network, data and values for which exact agreement can be required."""
    values: dict[str, Any] = dict(EXACT)
    for optional in ("momentum", "decay", "l2"):
        if not getattr(workload, optional):
            values[optional] = 0.0
    if workload.optimizer == "adam":
        values |= EXACT_ADAM
    first, *hidden, last = workload.layers
    return dataclasses.replace(
        workload,
        layers=(first, *(min(units, UNITS) for units in hidden), last),
        train_rows=min(workload.train_rows, ROWS),
        test_rows=min(workload.test_rows, ROWS),
        dropout=0.0,
        epochs=UPDATES,
        batch_size=None,
        shuffle=False,
        **values,
    )


def limit_inputs(data: Any) -> None:
    """Limit the inputs of a table that has extreme rows, in place."""
    data.X_train.clip(-LIMIT, LIMIT, out=data.X_train)


def find_largest_difference(ours: Sequence[Any], theirs: Sequence[Any]) -> float:
    """Return the largest difference of two lists of arrays; inf for unequal shapes or NaN."""
    import numpy as np

    if [np.shape(array) for array in ours] != [np.shape(array) for array in theirs]:
        return float("inf")
    pairs = zip(ours, theirs, strict=True)
    largest = float(np.max([np.abs(np.subtract(a, b)).max() for a, b in pairs]))
    return float("inf") if np.isnan(largest) else largest
