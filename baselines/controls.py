"""noop, sleep, allocate and matmul: systems whose figures are known before they are measured."""

from __future__ import annotations

import mmap
import time

from baselines._base import Base, import_numpy, numpy_gflops

SLEEP_SECONDS = 0.050
# The kernel counts resident pages in batches of each core, so that a peak may read a little low:
# half a MiB more makes sure that 64 are seen.
ALLOCATE_BYTES = 64 * 2**20 + 2**19


class Noop(Base):
    """Does nothing: what it costs is the harness."""

    name = "noop"


class Sleep(Base):
    """Trains for 50 ms."""

    name = "sleep"

    def train(self, record=False):
        time.sleep(SLEEP_SECONDS)


class Allocate(Base):
    """Holds 64.5 MiB of touched memory during training, then gives it back.

    An anonymous mapping is exactly as large as it was asked for, and closing it returns every
    page to the system; an allocator in between may round up, keep pages or reuse old ones.
    """

    name = "allocate"

    def train(self, record=False):
        with mmap.mmap(-1, ALLOCATE_BYTES) as memory:
            for page in range(0, ALLOCATE_BYTES, mmap.PAGESIZE):
                memory[page] = 1


class Matmul(Base):
    """A fixed piece of arithmetic with a known result."""

    name = "matmul"
    requires = ("numpy",)
    size, repetitions = 512, 20

    def load(self):
        global np
        np = import_numpy(self.threads)

    def build(self, data, weights=None):
        # Small whole numbers: every partial sum is exact in float32, in any order of adding.
        i, j = np.indices((self.size, self.size))
        self.a = ((i + 2 * j) % 7).astype("float32")
        self.b = ((3 * i + j) % 5).astype("float32")
        # The sum of all entries of a product is (column sums of a) . (row sums of b).
        whole = self.a.sum(axis=0).astype("int64") @ self.b.sum(axis=1).astype("int64")
        self.expected = int(whole)

    def train(self, record=False):
        for _ in range(self.repetitions):
            product = self.a @ self.b
        found = int(product.sum(dtype="float64"))
        if found != self.expected:
            raise ArithmeticError(f"the product sums to {found} and should sum to {self.expected}")

    def gemm_gflops(self):
        return numpy_gflops()
