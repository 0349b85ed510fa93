"""Which framework a network system belongs to, and which variant a beginner would write.

To add a framework, add its prefix, its products control and, if relevant, its wheel.
"""

from __future__ import annotations

from benchmarks.plan.trials import BASE

AGAIN = "mapicx-again"  # the base under another name
PLAIN, PROGRAM = "plain NumPy", "mapicx 0.1.0"
NO_FRAMEWORK = {BASE, PLAIN, PROGRAM}
CEILING, FLOOR = "bayes-rule", "majority-class"
WHOLE_LOOP = "jax-scan"  # the training loop is one compiled program
FAMILIES = ("network", "classical", "bound")  # what result tables show, in this order
JUDGED = ("network", "classical")  # families of comparisons, each corrected separately

# Longest prefix wins.
PREFIXES = {
    BASE: BASE,
    "mapicx-0.1.0": PROGRAM,
    "numpy-plain": PLAIN,
    "torch-": "PyTorch",
    "keras-": "TensorFlow",
    "keras-fit-jax": "JAX",
    "tf-": "TensorFlow",
    "sklearn-mlp": "scikit-learn",
    "jax-": "JAX",
}
# Of frameworks that also have an expert's variant.
BEGINNERS = {"torch-eager", "keras-fit", "keras-fit-jax", "jax-jit"}
# The control that runs only the framework's matrix products.
PRODUCTS = {
    BASE: "matmul-only",
    PLAIN: "matmul-only",
    "scikit-learn": "matmul-only",
    "PyTorch": "matmul-only-torch",
    "TensorFlow": "matmul-only-tensorflow",
    "JAX": "matmul-only-jax",
}
# The distribution whose wheel determines a framework's cost, as named in system_version.
WHEELS = {"PyTorch": "torch", "TensorFlow": "tensorflow", "JAX": "jaxlib"}


def find_framework(system: str) -> str:
    """Return the framework of a network system; an unknown system is its own framework."""
    fitting = [prefix for prefix in PREFIXES if system.startswith(prefix)]
    return PREFIXES[max(fitting, key=len)] if fitting else system
