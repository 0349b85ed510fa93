"""Every system keeps the contract in training: the conformance suite finds no fault.

The whole suite as a command, with its processes and its trial, is in test_conform.py; there, in
the slow tests, those that compile or train for seconds pass the checks that are left out here.
"""

from importlib.util import find_spec

import pytest

import baselines
from benchmarks.measure.conformance_data import RECIPES, choose_workload

PARITY = [  # in processes of one framework each
    ("numpy", ("mapicx",)),
    ("torch", ("torch-eager", "torch-fused", "torch-manual", "torch-compile")),
    ("tensorflow", ("tf-function", "tf-xla", "tf-loop", "keras-fit", "keras-fit-tuned")),
    ("sklearn", ("sklearn-mlp",)),
    ("jax", ("jax-jit", "jax-scan", "keras-fit-jax")),
]
SLOW = {"sklearn-mlp-lbfgs", "gradient-boosting", "hist-gradient-boosting"}  # to train
TRAINING = [
    ("numpy", ("mapicx", "mapicx-again", "majority-class", "bayes-rule")),
    (
        "sklearn",
        (
            *("sklearn-mlp", "logistic-regression", "knn"),
            *("svm-rbf", "svm-rbf-tuned", "random-forest"),
        ),
    ),
]


def examine(group, processes, name, examined):
    framework, names = next(process for process in processes if name in process[1])
    if find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    return examined(group, names)[name]


def list_names(processes):
    return [name for _, names in processes for name in names]


def test_every_system_is_examined():
    elsewhere = {"numpy-plain", "mapicx-0.1.0"}  # test_conform.py, test_original_system.py
    elsewhere |= set(baselines.CACHED)  # the same code as another system's
    family = {name: baselines.system(name).family for name in baselines.BUILT_IN}
    networks = {name for name in family if family[name] == "network"}
    assert networks == {*list_names(PARITY)} | elsewhere
    others = {name for name in family if family[name] in ("classical", "bound")}
    assert others == SLOW | {*list_names(TRAINING)} - {"mapicx", "mapicx-again", "sklearn-mlp"}


@pytest.mark.parametrize("name", list_names(PARITY))
def test_networks_do_the_mathematics_of_numpy_plain(name, examined):
    found = examine("parity", PARITY, name, examined)
    assert found["parity"] == []
    assert 0.1 < found["gflops"] < 1e5


@pytest.mark.parametrize("name", list_names(TRAINING))
def test_training_keeps_the_contract(name, examined):
    found = examine("training", TRAINING, name, examined)
    assert "memory" in found, "the checks were not made to their end"
    assert {check: faults for check, faults in found.items() if faults} == {}


def test_only_three_networks_refuse_a_recipe():
    for name in baselines.BUILT_IN:
        system = baselines.system(name)
        refuses = name in ("sklearn-mlp", "keras-fit-jax", "mapicx-0.1.0")
        if system.family == "network" and not refuses:
            assert not any(system.supports(choose_workload(recipe)) for recipe in RECIPES), name
