"""Trains systems on small workloads and prints what they did as JSON, one process per framework.

    python tests/baselines/subject.py torch-eager torch-fused

Two frameworks in one process share thread pools and slow each other down, so the tests never
do that: they start this file and judge what it prints. Each system is compared with numpy-plain.
"""

import json
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np

import baselines
from baselines.contract import Workload
from baselines.plain import Plain


class FakeData:
    """A draw as the harness would hand it over."""

    ceiling = None

    def __init__(self, workload, seed=0, dtype="float64"):
        rng = np.random.default_rng(seed)
        self.workload, self.seed = workload, seed
        n_in, n_out = workload.layers[0], workload.layers[-1]
        self.n_classes = 0 if workload.task == "regression" else max(2, n_out)
        for part, rows in (("train", workload.train_rows), ("test", workload.test_rows)):
            X = rng.normal(size=(rows, n_in)).astype(dtype)
            if workload.task == "regression":
                y = np.sin(X.sum(axis=1)).astype(dtype)
            else:
                y = np.arange(rows) % self.n_classes
            setattr(self, f"X_{part}", X)
            setattr(self, f"y_{part}", y)

    def batches(self, epoch):
        rows, size = self.workload.train_rows, self.workload.batch_size
        if size is None:
            return [slice(None)]
        order = np.arange(rows)
        if self.workload.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(rows)
        return [order[i : i + size] for i in range(0, rows, size)]

    def posterior(self, X):
        return None


def start_weights(layers, seed=0, dtype="float64"):
    rng = np.random.default_rng([seed, 1])
    weights = []
    for n_in, n_out in pairwise(layers):
        weights.append((rng.normal(size=(n_in, n_out)) * np.sqrt(2 / n_in)).astype(dtype))
        weights.append(np.zeros(n_out, dtype))
    return weights


# Values that float32 holds exactly, because Keras rounds Python numbers to it.
BASE = Workload(
    name="parity", task="classification", dataset="fake", dataset_args={}, train_rows=64,
    test_rows=16, layers=(2, 16, 16, 3), lr=0.125, epochs=20,
)  # fmt: skip
MOMENTUM = {"momentum": 0.875, "l2": 2.0**-10}
ADAM = {
    "optimizer": "adam", "lr": 2.0**-6, "beta_1": 0.875, "beta_2": 1 - 2.0**-10,
    "epsilon": 2.0**-40, "l2": 2.0**-10,
}  # fmt: skip
ONE_OUTPUT = {"layers": (2, 16, 1)}
RECIPES = {
    "sgd-relu": {},
    "sgd-tanh": {"activation": "tanh"},
    "momentum-relu": MOMENTUM,
    "momentum-tanh": {**MOMENTUM, "activation": "tanh"},
    "adam-relu": ADAM,
    "adam-tanh": {**ADAM, "activation": "tanh"},
    "sigmoid": {**MOMENTUM, "activation": "sigmoid"},
    "decay": {**MOMENTUM, "decay": 2.0**-7},
    "adam-decay": {**ADAM, "decay": 2.0**-7},
    "bce": {**MOMENTUM, **ONE_OUTPUT},
    "bce-adam": {**ADAM, **ONE_OUTPUT},
    "mse": {**MOMENTUM, **ONE_OUTPUT, "task": "regression"},
    "mse-adam": {**ADAM, **ONE_OUTPUT, "task": "regression"},
    "batches": {"momentum": 0.875, "batch_size": 24, "epochs": 7},  # 24, 24 and 16 rows
    "decay-batches": {**MOMENTUM, "decay": 2.0**-10, "batch_size": 24, "epochs": 7},
    "batches-adam-l2": {**ADAM, "batch_size": 16, "epochs": 5},
    "batches-l2-short": {**MOMENTUM, "batch_size": 24, "epochs": 7},
    "shuffled": {"momentum": 0.875, "batch_size": 24, "epochs": 7, "shuffle": True},
}
# A system that shares its mathematics with another, or compiles for seconds, takes fewer.
TWO = ("decay-batches", "adam-tanh")
CHOSEN = {
    "torch-compile": TWO,
    "keras-fit": ("momentum-relu", *TWO, "bce-adam", "mse", "shuffled"),
    "keras-fit-tuned": (*TWO, "shuffled"),
    "keras-fit-jax": (*TWO, "mse", "mse-adam", "shuffled"),
    "tf-xla": TWO,
    "tf-loop": (*TWO, "mse", "shuffled"),
    "jax-jit": ("momentum-relu", *TWO, "bce-adam", "mse"),
    "jax-scan": (*TWO, "shuffled"),
}


def recipes_of(name):
    return CHOSEN.get(name, tuple(RECIPES))


def tolerance(recipe):
    workload = workload_of(recipe)
    if workload.optimizer == "adam":
        return 1e-6
    return 1e-8 if workload.decay else 1e-12


def workload_of(recipe):
    return replace(BASE, **RECIPES[recipe])


def made(system, workload, seed=0, dtype="float64"):
    made = system(workload, seed=seed, threads=1, dtype=dtype)
    made.load()
    made.build(FakeData(workload, seed, dtype), start_weights(workload.layers, seed, dtype))
    return made


def distance(ours, theirs):
    return max(float(np.abs(np.asarray(a) - b).max()) for a, b in zip(ours, theirs, strict=True))


def examine(system, recipe):
    workload = workload_of(recipe)
    if reason := system.supports(workload):
        return {"unsupported": reason}
    reference = made(Plain, workload)
    reference.train(record=True)
    subject = made(system, workload)
    facts = {}

    subject.train(record=True)
    facts["losses"] = len(subject.losses)
    facts["loss_distance"] = distance([float(x) for x in subject.losses], reference.losses)
    facts["weight_distance"] = distance(subject.get_weights(), reference.get_weights())
    facts["recorded"] = [int(subject.steps), int(subject.samples_seen)]
    facts["expected"] = [reference.steps, reference.samples_seen]
    facts["shapes"] = all(
        w.shape == r.shape and w.dtype == r.dtype
        for w, r in zip(subject.get_weights(), reference.get_weights(), strict=True)
    )
    X = reference.data.X_test
    guess, right = np.asarray(subject.predict(X)), reference.predict(X)
    facts["predictions"] = guess.shape == right.shape and guess.dtype.kind == right.dtype.kind
    facts["prediction_distance"] = distance(
        [guess if workload.task == "regression" else subject.predict_proba(X)],
        [right if workload.task == "regression" else reference.predict_proba(X)],
    )

    subject.reset(start_weights(workload.layers))
    subject.train()
    compiled = subject.compilations()
    first = subject.get_weights()
    facts["silent"] = subject.losses == []
    facts["counted"] = [int(subject.steps), int(subject.samples_seen)]
    facts["train_distance"] = distance(first, reference.get_weights())
    subject.reset(start_weights(workload.layers))
    subject.train()
    facts["compiled_again"] = (subject.compilations() or 0) - (compiled or 0)
    facts["compiles"] = compiled
    facts["reset_distance"] = distance(subject.get_weights(), first)
    return facts


def main(names):
    report = {}
    for name in names:
        system = baselines.system(name)
        report[name] = {recipe: examine(system, recipe) for recipe in recipes_of(name)}
        report[name]["gflops"] = made(system, BASE).gemm_gflops()
    print("\n" + json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1:])
