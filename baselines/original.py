"""mapicx-0.1.0: the article's own program, as its users run it.

The program is no part of this repository. Who wants its row fetches the wheel into the folder
.cache (FETCH says how) and installs what it imports: the extra `original`. It is loaded from the
wheel, under another name than this repository's package, and only if it is the wheel that the
published figures are of.

Importing it calls nnfs.init(), which replaces NumPy's dot, zeros, eye and random.randn for the
whole process: arrays are float32, and each product is computed in float64 and rounded to float32.
That is how its users' figures come about, so that is what is measured. A trial in float64 gets
NumPy's own functions back, and so checks the program's mathematics without the rounding.
"""

from __future__ import annotations

import hashlib
import sys
import zipimport
from itertools import pairwise
from pathlib import Path
from types import ModuleType

from baselines._base import NumpyNetwork, gflops, import_numpy

REQUIREMENT = "mapicx==0.1.0"
SHA256 = "b5984b9951c66ad3d45fce250e2e1387fa44822c311ba8edbbed21cc84ee4e8c"  # of its wheel
CACHE = Path(__file__).resolve().parents[1] / ".cache"
FETCH = f"python -m pip download --no-deps {REQUIREMENT} -d {CACHE.name}"
MODULE = "mapicx_original"
REPLACED = ("dot", "zeros", "eye")  # by nnfs.init(), and random.randn
EXTRA_UPDATES = 2  # fit makes so many more than the epochs it is asked for
SELDOM = 10**9  # epochs between two lines of progress: one at the start is not to be avoided


def wheel() -> Path | None:
    """The program's wheel, if it was fetched."""
    return next(iter(sorted(CACHE.glob("[Mm]apicx-0.1.0-*.whl"))), None)


def import_original() -> ModuleType:
    """The package in the wheel, under the name MODULE."""
    found = wheel()
    if found is None:
        raise ImportError(f"the article's program is not here; fetch it with: {FETCH}")
    if hashlib.sha256(found.read_bytes()).hexdigest() != SHA256:
        raise ImportError(
            f"{found.name} is not the article's program (its SHA-256 differs), so it is not run;"
            f" remove it and fetch it with: {FETCH}"
        )
    package = ModuleType(MODULE)
    package.__package__, package.__path__ = MODULE, [str(found / "mapicx")]
    sys.modules[MODULE] = package
    exec(zipimport.zipimporter(str(found)).get_code("mapicx"), vars(package))
    return package


class Original(NumpyNetwork):
    """The article's own program, version 0.1.0 from the package index."""

    name = "mapicx-0.1.0"
    requires = (REQUIREMENT, "numpy", "matplotlib", "nnfs")

    @classmethod
    def supports(cls, workload):
        if workload.loss != "cce":
            return "no loss but categorical cross-entropy with softmax"
        if workload.activation != "relu":
            return "no hidden activation but ReLU"
        if workload.optimizer != "sgd":
            return "no optimizer but SGD"
        if workload.l2:
            return "no L2 term"
        if (workload.batch_size or workload.train_rows) < workload.train_rows:
            return "no batches but the whole data set"
        return None

    def load(self):
        global np, original
        np = import_numpy(self.threads)
        own = {name: getattr(np, name) for name in REPLACED}
        own_randn = np.random.randn
        original = import_original()
        if self.dtype == "float64":
            vars(np).update(own)
            np.random.randn = own_randn

    def build(self, data, weights):
        recipe = self.workload
        self.data = data
        self.model = original.Mapicx()
        sizes = list(pairwise(recipe.layers))
        for n_in, n_out in sizes[:-1]:
            self.model.add(n_in, n_out, layer="Dense", activation="Relu")
            if recipe.dropout > 0:
                self.model.add(0, 0, layer="Dropout", rate=recipe.dropout)
        self.model.add(*sizes[-1], layer="Dense", activation="Softmax")
        self.model.compile(optimizer=None)
        self.dense = [layer for layer in self.model.layers_list if hasattr(layer, "weights")]
        self.reset(weights)

    def reset(self, weights):
        # What momentum remembers lies in the layers, and a new optimizer would go on with it.
        for layer, W, b in zip(self.dense, weights[::2], weights[1::2], strict=True):
            vars(layer).clear()
            layer.weights = np.array(W, self.dtype)
            layer.biases = np.array(b, self.dtype).reshape(1, -1)
        recipe = self.workload
        self.model.optimizer = original.SGD(recipe.lr, recipe.decay, recipe.momentum)
        np.random.seed(self.seed)  # dropout draws from NumPy's global generator

    def train(self, record=False):
        self.losses = []
        loss, updates = self.model.loss, self.workload.epochs
        if record:
            loss.forward = lambda *given: self._recorded(type(loss).forward(loss, *given))
        self.model.fit(self.data.X_train, self.data.y_train, updates - EXTRA_UPDATES, SELDOM)
        vars(loss).pop("forward", None)
        self.count(self.model.optimizer.iterations)

    def _recorded(self, value):
        self.losses.append(value)
        return value

    def predict(self, X):
        return self.model.predict(X).argmax(axis=1)

    def predict_proba(self, X):
        return self.model.predict(X)

    def get_weights(self):
        return [a.copy() for one in self.dense for a in (one.weights, one.biases.reshape(-1))]

    def gemm_gflops(self):
        a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
        return gflops(lambda: np.dot(a, a))  # its products go through dot, whatever that is by now
