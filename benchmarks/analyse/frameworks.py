"""Which framework a network system belongs to, and which variant a beginner would write.

Adding a framework is adding its prefix, its products control and, if it matters, its wheel.
"""

from __future__ import annotations

from benchmarks.plan.trials import BASE

AGAIN = "mapicx-again"  # the base under another name
CEILING, FLOOR = "bayes-rule", "majority-class"
WHOLE_LOOP = "jax-scan"  # the training loop is one compiled program
FAMILIES = ("network", "classical", "bound")  # what result tables show, in this order
JUDGED = ("network", "classical")  # families of comparisons, each corrected by itself

# Longest prefix wins.
PREFIXES = {
    "mapicx": "mapicx",
    "mapicx-0.1.0": "mapicx 0.1.0",
    "numpy-plain": "plain NumPy",
    "torch-": "PyTorch",
    "keras-": "TensorFlow",
    "keras-fit-jax": "JAX",
    "tf-": "TensorFlow",
    "sklearn-mlp": "scikit-learn",
    "jax-": "JAX",
}
# Where an expert's variant stands beside it.
BEGINNERS = {"torch-eager", "keras-fit", "keras-fit-jax", "jax-jit"}
# The control that makes a framework's matrix products and nothing else.
PRODUCTS = {
    BASE: "matmul-only",
    "plain NumPy": "matmul-only",
    "scikit-learn": "matmul-only",
    "PyTorch": "matmul-only-torch",
    "TensorFlow": "matmul-only-tensorflow",
    "JAX": "matmul-only-jax",
}
# The distribution whose wheel decides what a framework costs, as system_version names it.
WHEELS = {"PyTorch": "torch", "TensorFlow": "tensorflow", "JAX": "jaxlib"}


def find_framework(system: str) -> str:
    """The framework of a network system; an unknown system is its own framework."""
    fitting = [prefix for prefix in PREFIXES if system.startswith(prefix)]
    return PREFIXES[max(fitting, key=len)] if fitting else system
