"""Record 20 updates of the original mapicx 0.1.0, with momentum and decay, in float64.

    python tests/mapicx/golden/original.py mapicx-0.1.0-py3-none-any.whl > .../original.json

The argument is the original's wheel, fetched with pip download. It is imported from the file, never
installed. Two of its imports are replaced, because they change NumPy for the whole process or draw:
nnfs and matplotlib. Its `fit` makes two updates more than it is asked for.
"""

import contextlib
import io
import json
import sys
import types

import numpy as np

UPDATES = 20
LR, DECAY, MOMENTUM = 0.5, 1e-2, 0.9


def import_original(wheel):
    """The package in the wheel, as a module."""
    nnfs, datasets = types.ModuleType("nnfs"), types.ModuleType("nnfs.datasets")
    nnfs.init, datasets.spiral_data = (lambda: None), (lambda samples, classes: (None, None))
    pyplot = types.ModuleType("matplotlib.pyplot")
    names = {"nnfs": nnfs, "nnfs.datasets": datasets, "matplotlib.pyplot": pyplot}
    sys.modules.update(names, matplotlib=types.ModuleType("matplotlib"))
    sys.modules["matplotlib"].pyplot = pyplot
    sys.path.insert(0, wheel)
    import mapicx

    return mapicx


def record(wheel):
    """What goes in and what comes out: data, weights before and after, the loss of each update."""
    original = import_original(wheel)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((15, 2)), np.arange(15) % 3
    start = [rng.standard_normal((2, 6)), rng.standard_normal((1, 6))]
    start += [rng.standard_normal((6, 3)), rng.standard_normal((1, 3))]
    model = original.Mapicx()
    model.add(2, 6, activation="Relu")
    model.add(6, 3, activation="Softmax")
    model.compile(original.SGD(LR, DECAY, MOMENTUM))
    dense = [layer for layer in model.layers_list if hasattr(layer, "weights")]
    for layer, (weights, biases) in zip(dense, (start[:2], start[2:]), strict=True):
        layer.weights, layer.biases = weights.copy(), biases.copy()
    losses, forward = [], model.loss.forward
    model.loss.forward = lambda *given: losses.append(forward(*given)) or losses[-1]
    with contextlib.redirect_stdout(io.StringIO()):
        model.fit(X, y, UPDATES - 2)
    end = [array for layer in dense for array in (layer.weights, layer.biases)]
    return {
        "version": "0.1.0",
        "lr": LR,
        "decay": DECAY,
        "momentum": MOMENTUM,
        "X": X.tolist(),
        "y": y.tolist(),
        "start": [array.tolist() for array in start],
        "losses": [float(loss) for loss in losses],
        "end": [array.tolist() for array in end],
    }


if __name__ == "__main__":
    print(json.dumps(record(sys.argv[1]), indent=1))
