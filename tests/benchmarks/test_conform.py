"""The conformance suite: sound systems pass, and every kind of fault is found and explained."""

from __future__ import annotations

import numpy as np
import pytest

import baselines
from baselines.plain import Plain
from benchmarks.measure import conformance_checks as training
from benchmarks.measure import conformance_class as classes
from benchmarks.measure.conformance_parity import compare_recipes
from tests.benchmarks.processes import PLUGIN


class Sound(Plain):
    """numpy-plain under another name, for the faults below to differ from."""

    name = "sound"


class Misspelt(Sound):
    family = "clasical"


class RequiresNothing(Sound):
    requires = ()


class RequiresText(Sound):
    requires = "numpy"


class NoReset(Sound):
    reset = None


class NoRecord(Sound):
    def train(self):
        pass


class YesToAll(Sound):
    @classmethod
    def supports(cls, workload):
        return True


class PlainSupports(Sound):
    def supports(self, workload):
        return None


class NeverLoads(Sound):
    def load(self):
        pass


class SwallowsImportError(Sound):
    def load(self):
        raise RuntimeError("no NumPy here")


CLASS_FAULTS = [
    (classes.check_attributes, Misspelt, "write one of network, classical, bound, control"),
    (classes.check_attributes, RequiresNothing, "handed no data; name what load() imports"),
    (classes.check_attributes, RequiresText, "write a tuple of distributions"),
    (classes.check_methods, NoReset, "the method reset() is missing"),
    (classes.check_methods, NoRecord, "train() cannot be called as train(record=...)"),
    (classes.check_supports, YesToAll, "gives True; return None for a workload that can be"),
    (classes.check_supports, PlainSupports, "write @classmethod above it"),
]


class Forgetful(Sound):
    """Momentum survives a reset."""

    def reset(self, weights):
        state = getattr(self, "state", None)
        super().reset(weights)
        self.state = state or self.state

    def update(self, grads):
        super().update(grads)
        self.state[0][0][:] += 1e-3


class Compiles(Sound):
    count_of_compilations = 0

    def reset(self, weights):
        super().reset(weights)
        self.count_of_compilations += 1

    def compilations(self):
        return self.count_of_compilations


class Unseeded(Sound):
    def reset(self, weights):
        noise = np.random.default_rng().normal(size=weights[0].shape)
        if not hasattr(self, "noise"):  # drawn once, so that reset() alone finds nothing
            self.noise = 1e-3 * noise
        super().reset([weights[0] + self.noise, *weights[1:]])


class AlwaysRecords(Sound):
    def train(self, record=False):
        super().train(record=True)


class HidesDivergence(Sound):
    def get_weights(self):
        return [np.nan_to_num(weights) for weights in super().get_weights()]


class RaisesItsOwn(Sound):
    def train(self, record=False):
        with np.errstate(all="ignore"):
            super().train(record)
        if not np.isfinite(self.parameters[0]).all():
            raise ValueError("non-finite weights")


class Hoards(Sound):
    def reset(self, weights):
        # Much, because a large process finds some MiB in what it has freed before.
        self.hoard = [*getattr(self, "hoard", []), [np.tile(w, (16, 1)) for w in weights]]
        super().reset(weights)


class OnePercentOff(Sound):
    def update(self, grads):
        super().update([1.01 * gradient for gradient in grads])


class CountsFromOne(Sound):
    def predict(self, X):
        return super().predict(X) + 1


class Columns(Sound):
    def predict(self, X):
        return super().predict(X)[:, None]


class Logits(Sound):
    def predict_proba(self, X):
        return None if self.workload.loss == "mse" else 2 * super().predict_proba(X)


class ScalesInPlace(Sound):
    def build(self, data, weights=None):
        data.X_train *= 0.5
        super().build(data, weights)


class CountsNothing(Sound):
    def train(self, record=False):
        super().train(record)
        self.steps = 0


TRAINING_FAULTS = [
    (training.check_training, CountsFromOne, "expected whole numbers from 0 to 2"),
    (training.check_training, Columns, "has shape (16, 1); expected (16,)"),
    (training.check_training, Logits, "do not sum to 1"),
    (training.check_training, ScalesInPlace, "training changed the data that it was given"),
    (training.check_training, CountsNothing, "steps and samples_seen are 0 and 1280 after 20"),
    (training.check_reset, Forgetful, "reset() must bring back weights, optimizer state"),
    (training.check_reset, Compiles, "compiled 1 times more"),
    (training.check_determinism, Unseeded, "seed the framework's generator with `seed`"),
    (training.check_record, AlwaysRecords, "losses is not empty after train(record=False)"),
    (training.check_divergence, HidesDivergence, "at a learning rate of 1e30"),
    (training.check_divergence, RaisesItsOwn, "raise FloatingPointError"),
    (training.check_memory, Hoards, "let go of old models, histories and closures"),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("check", "system", "words"), CLASS_FAULTS + TRAINING_FAULTS)
def test_a_fault_is_found_by_its_check_and_the_sentence_says_what_to_change(check, system, words):
    assert list(check(Sound)) == []
    found = list(check(system))
    assert any(words in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("system", "words"),
    [(NeverLoads, "load() works without numpy"), (SwallowsImportError, "no NumPy here")],
)
def test_a_load_that_does_not_miss_what_is_missing_is_found(system, words, monkeypatch):
    monkeypatch.setattr(classes, "hide_modules", lambda names: None)  # this process needs NumPy
    (found,) = classes.check_missing(system)
    assert words in found


def test_parity_names_the_step_from_which_on_a_network_differs():
    assert list(compare_recipes(Sound, ["adam-tanh", "shuffled"])) == []
    found = list(compare_recipes(OnePercentOff, ["sgd-relu"]))
    assert "first at step 1" in found[0] and "look at the gradient, the optimizer" in found[0]


def test_the_reference_passes_and_what_is_unknown_gets_the_nearest_name(command):
    done = command("benchmarks.conform", "numpy-plain")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok   ") == len(done.stdout.splitlines()) - 1 == 14
    assert done.stdout.endswith("numpy-plain keeps the contract.\n")
    for arguments, words in (
        (["numpy-plane"], "did you mean numpy-plain"),
        (["numpy-plain", "--recipes", "adam"], "did you mean mse-adam"),
    ):
        done = command("benchmarks.conform", *arguments)
        assert done.returncode == 2 and words in done.stderr


@pytest.mark.faults
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fault-exit", "exit code 3; a system must raise exceptions and never end the process"),
        ("fault-hang", "did not end within 4 s"),
        ("fault-import", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_system_that_ends_its_process_fails_one_check_and_the_command_goes_on(
    command, name, words
):
    done = command("benchmarks.conform", name, "--timeout", 4, PYTHONPATH=PLUGIN)
    assert done.returncode == 1, done.stderr
    assert words in done.stdout
    assert f"{name} does not keep the contract" in done.stdout
    assert "Not checked until that is fixed" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in baselines.BUILT_IN if n not in baselines.OPTIONAL])
def test_every_built_in_system_passes_the_command(command, name):
    done = command("benchmarks.conform", name, "--recipes", "decay-batches,adam-tanh", timeout=900)
    assert done.returncode == 0, done.stdout
