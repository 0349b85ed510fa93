"""Every network system does the mathematics of numpy-plain, and starts anew when it is reset."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from subject import RECIPES, recipes_of, tolerance, workload_of

import baselines

PROCESSES = [  # of one framework each
    ("numpy", ("mapicx", "mapicx-again")),
    ("torch", ("torch-eager", "torch-fused", "torch-manual", "torch-compile")),
    ("tensorflow", ("tf-function", "tf-xla", "tf-loop", "keras-fit", "keras-fit-tuned")),
    ("sklearn", ("sklearn-mlp",)),
    ("jax", ("jax-jit", "jax-scan", "keras-fit-jax")),
]
EXAMINED = [name for _, names in PROCESSES for name in names]


@pytest.fixture
def facts(request, examined):
    framework, names = next(p for p in PROCESSES if request.param in p[1])
    if find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    return request.param, examined(names)[request.param]


systems = pytest.mark.parametrize("facts", EXAMINED, indirect=True)


def supported(facts):
    name, report = facts
    for recipe in recipes_of(name):
        if "unsupported" not in report[recipe]:
            yield name, recipe, report[recipe]


def own_order(name, recipe):
    return baselines.system(name).own_order and workload_of(recipe).shuffle


def test_every_network_system_is_examined():
    networks = {n for n in baselines.BUILT_IN if baselines.system(n).family == "network"}
    elsewhere = {"numpy-plain", "mapicx-0.1.0"}  # the reference; test_original_system.py
    assert networks == ({*EXAMINED} | elsewhere) - {"mapicx-again"}


@systems
def test_losses_before_each_update_agree_with_plain(facts):
    for _, recipe, fact in supported(facts):
        assert fact["losses"] == fact["expected"][0], recipe
        assert fact["loss_distance"] <= tolerance(recipe), recipe


@systems
def test_final_weights_agree_with_plain(facts):
    for _, recipe, fact in supported(facts):
        assert fact["shapes"], recipe
        assert fact["weight_distance"] <= tolerance(recipe), recipe


@systems
def test_training_without_a_record_is_the_same_training(facts):
    for name, recipe, fact in supported(facts):
        assert fact["silent"], recipe
        if own_order(name, recipe):
            assert fact["train_distance"] > tolerance(recipe), f"{recipe}: not shuffled"
        else:
            assert fact["train_distance"] <= tolerance(recipe), recipe


@systems
def test_predictions_agree_with_plain(facts):
    for _, recipe, fact in supported(facts):
        assert fact["predictions"], recipe
        assert fact["prediction_distance"] <= 10 * tolerance(recipe), recipe


@systems
def test_steps_and_samples_are_counted(facts):
    for _, recipe, fact in supported(facts):
        assert fact["recorded"] == fact["counted"] == fact["expected"], recipe


@systems
def test_reset_starts_anew_and_compiles_nothing(facts):
    for _, recipe, fact in supported(facts):
        assert fact["reset_distance"] == 0, recipe
        assert fact["compiled_again"] == 0, recipe


@systems
def test_what_a_system_does_not_support_it_says_in_a_few_words(facts):
    name, report = facts
    reasons = [report[r].get("unsupported", "none") for r in recipes_of(name)]
    assert all(0 < len(reason) < 60 for reason in reasons)


@systems
def test_speed_of_the_frameworks_own_product_is_plausible(facts):
    assert 0.1 < facts[1]["gflops"] < 1e5


def test_only_three_networks_refuse_a_recipe():
    for name in baselines.BUILT_IN:
        system = baselines.system(name)
        refuses = name in ("sklearn-mlp", "keras-fit-jax", "mapicx-0.1.0")
        if system.family == "network" and not refuses:
            assert not any(system.supports(workload_of(recipe)) for recipe in RECIPES), name
