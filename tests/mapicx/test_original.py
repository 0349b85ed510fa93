"""The original mapicx 0.1.0 and this engine take the same 20 steps, in float64.

The recorded steps are in golden/original.json; golden/original.py made them. When the original's
wheel lies in the folder .cache of the repository, it is run anew as well.
"""

import hashlib
import json
import pathlib
import subprocess
import sys

import numpy as np

from baselines.original import SHA256
from mapicx import SGD, CategoricalCrossentropy, Dense, NeuralNetwork, ReLU, Softmax

GOLDEN = pathlib.Path(__file__).parent / "golden"
WHEELS = [
    path
    for path in sorted(GOLDEN.parents[2].glob(".cache/**/mapicx-0.1.0-*.whl"))
    if hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
]


def check(recorded):
    """Take the recorded steps with this engine."""
    optimizer = SGD(recorded["lr"], recorded["decay"], recorded["momentum"])
    layers = [Dense(2, 6), ReLU(), Dense(6, 3), Softmax()]
    network = NeuralNetwork(layers, CategoricalCrossentropy(), optimizer, dtype="float64")
    network.set_weights(recorded["start"])
    history = network.train(np.array(recorded["X"]), recorded["y"], epochs=20, print_every=0)
    np.testing.assert_allclose(history.history["loss"], recorded["losses"], rtol=0, atol=1e-12)
    for ours, theirs in zip(network.get_weights(), recorded["end"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    assert optimizer.iterations == len(recorded["losses"]) == 20


def test_the_recorded_steps_of_the_original():
    check(json.loads((GOLDEN / "original.json").read_text()))


if WHEELS:

    def test_the_original_itself():
        run = [sys.executable, GOLDEN / "original.py", WHEELS[0]]
        check(json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout))
