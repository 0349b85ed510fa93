"""How many bytes the training needs at the very least, whatever the framework.

floor = parameters + gradients + optimizer state + activations + data, with no temporary and no
library counted. What a process takes above it is the price of interpreter and framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

ITEM_BYTES = {"float32": 4, "float64": 8}


def state_vectors(workload: Mapping[str, Any]) -> int:
    """Numbers that the optimizer keeps per parameter: Adam two, momentum one, plain SGD none."""
    if workload.get("optimizer") == "adam":
        return 2
    return 1 if workload.get("momentum") else 0


def memory_floor(workload: Mapping[str, Any], dtype: str = "float32") -> dict[str, int]:
    """Bytes per part and their sum, from the fields of a workload (see baselines/contract.py).

    Activations: the outputs of every layer for one batch, which backward needs. Data: training
    features (rows x inputs) and labels of 8 bytes.
    """
    layers = [int(width) for width in workload["layers"]]
    rows, item = int(workload["train_rows"]), ITEM_BYTES[dtype]
    batch = min(int(workload.get("batch_size") or rows), rows)
    count = sum(a * b + b for a, b in pairwise(layers))
    parts = {
        "parameters": count * item,
        "gradients": count * item,
        "optimizer state": state_vectors(workload) * count * item,
        "activations": batch * sum(layers[1:]) * item,
        "data": rows * (layers[0] * item + 8),
    }
    return parts | {"sum": sum(parts.values())}
