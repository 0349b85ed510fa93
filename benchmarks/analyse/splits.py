"""Which workloads draw every seed's rows from one fixed table.

Such splits overlap, so their scores are less independent than those of fresh draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.plan.datasets import BUNDLED

FIXED = ("table", *BUNDLED)  # data sets: a user's own table, and those that come with scikit-learn


def split_shares(workloads: Mapping[str, Mapping[str, Any]] | None) -> dict[str, float]:
    """Workload -> test rows / training rows, for those on a fixed table."""
    return {
        name: workload["test_rows"] / workload["train_rows"]
        for name, workload in (workloads or {}).items()
        if workload.get("dataset") in FIXED
    }
