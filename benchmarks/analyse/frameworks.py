"""Which framework a network system belongs to, and which variant a beginner would write.

Headline ratios use each framework's best variant on the workload: the one with the best median
of the quantity in question. Choosing it from the same rows favours the framework.
"""

from __future__ import annotations

import pandas as pd

BASE, AGAIN = "mapicx", "mapicx-again"
CEILING, FLOOR = "bayes-rule", "majority-class"

# Longest prefix wins.
PREFIXES = {
    "mapicx": "mapicx",
    "mapicx-0.1.0": "mapicx 0.1.0",
    "numpy-plain": "plain NumPy",
    "torch-": "PyTorch",
    "keras-": "TensorFlow",
    "tf-": "TensorFlow",
    "sklearn-mlp": "scikit-learn",
    "jax-": "JAX",
}
BEGINNERS = {"torch-eager", "keras-fit", "jax-jit"}  # where an expert's variant stands beside it


def framework(system: str) -> str:
    """The framework of a network system; an unknown system is its own framework."""
    fitting = [prefix for prefix in PREFIXES if system.startswith(prefix)]
    return PREFIXES[max(fitting, key=len)] if fitting else system


def best_variants(summary: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Of one workload's summary: per framework the network system with the lowest median.

    Systems whose parity failed, or that have no value, take no part.
    """
    networks = summary[
        (summary["family"] == "network")
        & summary[metric].notna()
        & ~summary["comparable"].eq(False).fillna(False).astype(bool)
    ]
    best = networks.sort_values([metric, "system"]).drop_duplicates("framework")
    return best.reset_index(drop=True)
