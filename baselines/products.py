"""matmul-only: the matrix products of a training and nothing else, by each framework's own call.

A step takes, for each layer, X @ W and X.T @ dZ and, but for the first, dZ @ W.T. The time of a
system less the time of these is what the system adds to its products.
"""

from __future__ import annotations

from itertools import pairwise

from baselines._base import Base, import_numpy, numpy_gflops
from baselines.jax_loops import Jit
from baselines.pytorch import Eager
from baselines.tensorflow_loops import Function


class _Products(Base):
    """Fixed random arrays of the right shapes, one set for each batch size that occurs."""

    def build(self, data, weights=None):
        recipe = self.workload
        whole, rest = divmod(recipe.train_rows, recipe.batch_size or recipe.train_rows)
        sizes = [recipe.batch_size or recipe.train_rows] * whole + [rest] * (rest > 0)
        operands = {rows: self.convert(self.operands(rows)) for rows in set(sizes)}
        self.epoch = [(rows, operands[rows]) for rows in sizes]

    def operands(self, rows):
        """[(X, W, dZ), ...] of each layer."""
        import numpy as np

        rng = np.random.default_rng(self.seed)
        layers = self.workload.layers
        return [
            tuple(
                rng.normal(size=shape).astype(self.dtype)
                for shape in ((rows, n_in), (n_in, n_out), (rows, n_out))
            )
            for n_in, n_out in pairwise(layers)
        ]

    def train(self, record=False):
        self.steps = self.samples_seen = 0
        for _ in range(self.workload.epochs):
            for rows, operands in self.epoch:
                self.step(operands)
                self.steps += 1
                self.samples_seen += rows


class NumpyProducts(_Products):
    """Only the matrix products of a network's steps, by NumPy into arrays made once."""

    name = "matmul-only"
    requires = ("numpy",)
    gemm_gflops = staticmethod(numpy_gflops)

    def load(self):
        global np
        np = import_numpy(self.threads)

    def convert(self, layers):
        return [(*layer, *(np.empty_like(array) for array in layer)) for layer in layers]

    def step(self, operands):
        for i, (X, W, dZ, dX, dW, Z) in enumerate(operands):
            np.matmul(X, W, out=Z)
            np.matmul(X.T, dZ, out=dW)
            if i:
                np.matmul(dZ, W.T, out=dX)


class TorchProducts(_Products):
    """Only the matrix products of a network's steps, by PyTorch."""

    name = "matmul-only-torch"
    requires = Eager.requires
    load = Eager.load
    gemm_gflops = Eager.gemm_gflops

    def convert(self, layers):
        import torch

        self.mm = torch.mm
        layers = [[torch.from_numpy(array) for array in layer] for layer in layers]
        return [(*layer, *(torch.empty_like(array) for array in layer)) for layer in layers]

    def step(self, operands):
        mm = self.mm
        for i, (X, W, dZ, dX, dW, Z) in enumerate(operands):
            mm(X, W, out=Z)
            mm(X.T, dZ, out=dW)
            if i:
                mm(dZ, W.T, out=dX)


class _Traced(_Products):
    """All steps in one traced loop, where a call costs nothing and no product may be left out.

    Called step by step from Python, TensorFlow's products on 2-64-64-3 with 300 rows take 620 us
    and JAX's 170 us; in one loop they take 130 and 116 us, NumPy's 103 us.
    """

    def products(self, operands):
        results = []
        for i, (X, W, dZ) in enumerate(operands):
            results += [self.matmul(X, W), self.matmul(X, dZ, left=True)]
            if i:
                results.append(self.matmul(dZ, W, right=True))
        return results

    def train(self, record=False):
        epochs, per_epoch = self.workload.epochs, len(self.epoch)
        whole, *rest = dict(self.epoch).values()  # the full batch, and a short last one
        self.run(whole, epochs * (per_epoch - len(rest)))
        for operands in rest:
            self.run(operands, epochs)
        self.steps = epochs * per_epoch
        self.samples_seen = epochs * self.workload.train_rows


class TensorFlowProducts(_Traced):
    """Only the matrix products of a network's steps, by TensorFlow."""

    name = "matmul-only-tensorflow"
    requires = Function.requires
    load = Function.load
    gemm_gflops = Function.gemm_gflops

    def convert(self, layers):
        import tensorflow as tf

        self.tf = tf
        self.loop = tf.function(self.all_steps)
        return [[tf.constant(array) for array in layer] for layer in layers]

    def all_steps(self, operands, steps):
        results = [
            self.tf.zeros(product.shape, product.dtype) for product in self.products(operands)
        ]
        for _ in self.tf.range(steps):
            results = self.products(operands)
        return results

    def matmul(self, a, b, left=False, right=False):
        return self.tf.matmul(a, b, transpose_a=left, transpose_b=right)

    def run(self, operands, steps):
        self.loop(operands, self.tf.constant(steps))

    def compilations(self):
        return self.loop.experimental_get_tracing_count()


class JaxProducts(_Traced):
    """Only the matrix products of a network's steps, by JAX."""

    name = "matmul-only-jax"
    requires = Jit.requires
    load = Jit.load
    gemm_gflops = Jit.gemm_gflops

    def convert(self, layers):
        import jax

        self.jax = jax
        self.loop = jax.jit(self.all_steps, static_argnums=1)
        return [[jax.numpy.asarray(array) for array in layer] for layer in layers]

    def all_steps(self, operands, steps):
        def step(carry, _):
            # Without the barrier XLA would take the products out of the loop: nothing changes.
            operands, _ = self.jax.lax.optimization_barrier(carry)
            return (operands, self.products(operands)), None

        return self.jax.lax.scan(step, (operands, self.products(operands)), length=steps)[0][1]

    def matmul(self, a, b, left=False, right=False):
        return (a.T if left else a) @ (b.T if right else b)

    def run(self, operands, steps):
        self.jax.block_until_ready(self.loop(operands, steps))

    def compilations(self):
        return self.loop._cache_size()
