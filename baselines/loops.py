"""dense-loops and dense-vectorised: the backward pass of Dense layers, written in two ways.

A pair of controls for one sentence, "vectorised gradients are so many times faster than loops".
Neither trains anything: each takes the gradients of every Dense layer of the workload's network
for one batch, the same number of times, and a step is one such pass. Their ratio is the answer.

The loops run over lists of Python's own numbers. Over the elements of NumPy arrays the same loops
take two to five times longer, so the ratio here is the smaller of the two that could be printed.
"""

from __future__ import annotations

from itertools import pairwise

from baselines._base import Base, import_numpy, numpy_gflops

MOST = 50_000_000  # products of numbers in a pass; as many take seconds in loops
AT_LEAST = 10_000_000  # products in a training, so that the vectorised one is long enough to time


def products(workload):
    """Products of two numbers in one pass: weights and inputs take one each."""
    rows = workload.batch_size or workload.train_rows
    return 2 * rows * sum(n_in * n_out for n_in, n_out in pairwise(workload.layers))


class _Backward(Base):
    """Fixed operands with a known result: small whole numbers, whose sums are exact."""

    requires = ("numpy",)
    gemm_gflops = staticmethod(numpy_gflops)

    @classmethod
    def supports(cls, workload):
        if products(workload) > MOST:
            return f"{products(workload) / 1e6:.0f} million products take too long in loops"
        return None

    def load(self):
        global np
        np = import_numpy(self.threads)

    def build(self, data, weights=None):
        rows = self.workload.batch_size or self.workload.train_rows
        layers = [
            (
                self.whole((rows, n_in), 7),
                self.whole((n_in, n_out), 5),
                self.whole((rows, n_out), 3),
            )
            for n_in, n_out in pairwise(self.workload.layers)
        ]
        self.expected = [_sum(vectorised(*layer)) for layer in layers]
        self.layers = [self.convert(layer) for layer in layers]
        self.passes = max(1, AT_LEAST // products(self.workload))

    def whole(self, shape, modulus):
        i, j = np.indices(shape)
        return ((i + 2 * j) % modulus - modulus // 2).astype(self.dtype)

    def train(self, record=False):
        backward, layers = self.backward, self.layers
        for _ in range(self.passes):
            gradients = [backward(*layer) for layer in reversed(layers)]
        self.steps = self.passes
        self.samples_seen = self.passes * len(layers[0][0])
        found = [_sum(layer) for layer in reversed(gradients)]
        if found != self.expected:
            raise ArithmeticError(f"the gradients sum to {found} and should to {self.expected}")


def _sum(gradients):
    return sum(float(np.sum(part, dtype="float64")) for part in gradients)


def vectorised(inputs, weights, dvalues):
    """(dweights, dbiases, dinputs) of a Dense layer."""
    return inputs.T @ dvalues, dvalues.sum(axis=0), dvalues @ weights.T


def in_loops(inputs, weights, dvalues):
    """The same from nested lists, one number at a time."""
    n_in, n_out = len(weights), len(weights[0])
    dweights = [[0.0] * n_out for _ in range(n_in)]
    dbiases = [0.0] * n_out
    dinputs = []
    for x, dz in zip(inputs, dvalues, strict=True):
        for j in range(n_out):
            dbiases[j] += dz[j]
        dx = []
        for i in range(n_in):
            total = 0.0
            for j in range(n_out):
                dweights[i][j] += x[i] * dz[j]
                total += dz[j] * weights[i][j]
            dx.append(total)
        dinputs.append(dx)
    return dweights, dbiases, dinputs


class Loops(_Backward):
    """Gradients of a dense layer by Python's loops, as the article compares them."""

    name = "dense-loops"
    backward = staticmethod(in_loops)

    @staticmethod
    def convert(layer):
        return [array.tolist() for array in layer]


class Vectorised(_Backward):
    """Gradients of a dense layer by NumPy's products, as the article compares them."""

    name = "dense-vectorised"
    backward = staticmethod(vectorised)

    @staticmethod
    def convert(layer):
        return layer
