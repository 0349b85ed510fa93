"""A training step in two parts: its matrix products, and everything else.

The products of a framework alone are a system of their own, the control `matmul-only...`. A step
less these products, within one block, is everything else: layers' other work, loss, update, calls.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.analyse import stats
from benchmarks.analyse.frameworks import BASE
from benchmarks.analyse.samples import Sample

# The control that makes a framework's products and nothing else.
PRODUCTS = {
    BASE: "matmul-only",
    "plain NumPy": "matmul-only",
    "scikit-learn": "matmul-only",
    "PyTorch": "matmul-only-torch",
    "TensorFlow": "matmul-only-tensorflow",
    "JAX": "matmul-only-jax",
}


class Parts(NamedTuple):
    """One system's step, its framework's products and the rest, in seconds by block.

    blur: the factor by which equal rests may seem to differ; infinite where the rest does not
    stand out from the noise of the two times that it is the difference of.
    """

    step: Sample
    products: Sample
    rest: Sample
    blur: float

    @property
    def resolved(self) -> bool:
        """The rest is measured: in every block, and its interval beyond the noise."""
        return self.blur != float("inf")


def split(step: Sample, products: Sample, noise: float) -> Parts:
    """noise: the ratio above 1 by which equal steps may seem to differ."""
    rest = {key: value - products[key] for key, value in step.items() if key in products}
    found = stats.median_interval(list(rest.values()))
    blur = float("inf")
    if found.known:
        doubt = (noise - 1) * stats.median_interval([step[key] for key in rest]).value
        if found.low > doubt and min(rest.values()) > 0:
            blur = 1 + doubt / found.value
    return Parts(step, products, rest, blur)
