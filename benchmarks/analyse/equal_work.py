"""Whether two systems did the same work, and the least memory that the work needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

COUNTED = ("parameters", "steps", "samples_seen", "dtype")


def format_shape(layers: Iterable[int]) -> str:
    """Format the layers of a network: "2-64-64-3"."""
    return "-".join(map(str, layers))


def count_work(rows: pd.DataFrame) -> dict[str, object]:
    """Return the framework's own counters: the value that all rows share.

    None means that no row counted it, a tuple that the rows disagree.
    """
    found: dict[str, object] = {}
    for field in COUNTED:
        values = sorted(rows[field].dropna().unique())
        found[field] = None if not values else values[0] if len(values) == 1 else tuple(values)
    return found


def compare_work(work: Mapping[str, object], base: Mapping[str, object]) -> tuple[str, ...]:
    """Return the fields in which two systems differ; what neither counted is equal."""
    return tuple(field for field in COUNTED if work[field] != base[field])


def compute_memory_floor(workload: Mapping[str, Any], dtype: str = "float32") -> dict[str, int]:
    """Compute the bytes that training needs in any framework, by part and in total.

    Temporaries and libraries are not counted: whatever a process takes beyond this is due to the
    interpreter and framework. Activations: the outputs of every layer for one batch, which the
    backward pass needs. Data: training features (rows x inputs) and labels of 8 bytes.
    """
    layers = [int(width) for width in workload["layers"]]
    rows, item = int(workload["train_rows"]), np.dtype(dtype).itemsize
    batch = min(int(workload.get("batch_size") or rows), rows)
    slots = 2 if workload.get("optimizer") == "adam" else int(bool(workload.get("momentum")))
    parameters = item * sum(a * b + b for a, b in pairwise(layers))
    parts = {
        "parameters": parameters,
        "gradients": parameters,
        "optimizer state": slots * parameters,
        "activations": batch * sum(layers[1:]) * item,
        "data": rows * (layers[0] * item + 8),
    }
    return parts | {"sum": sum(parts.values())}
