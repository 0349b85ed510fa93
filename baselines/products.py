"""matmul-only: the matrix products of a training and nothing else, by each framework's own call.

A step takes, for each layer, X @ W, X.T @ dZ and, but for the first, dZ @ W.T. The time of a
system less the time of these is what the system adds to its BLAS library.
"""

from __future__ import annotations

from baselines._base import Base, gflops, import_numpy, numpy_gflops
from baselines.jax_loops import Jit
from baselines.keras_fit import KerasFit
from baselines.pytorch import Eager
