"""Check that a network does the mathematics of numpy-plain, by recipe, in float64, in this process.

This covers more than the parity trial of a run, which takes only a workload's own recipe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import baselines
from benchmarks.measure.conformance_data import choose_workload, prepare_system, start_weights
from benchmarks.measure.parity import choose_tolerance, find_largest_difference


def compare_recipes(system: Any, recipes: Sequence[str]) -> Iterator[str]:
    """Yield sentences about every recipe in which a network differs from numpy-plain."""
    for recipe in recipes:
        if system.supports(choose_workload(recipe)) is None:
            for fault in _compare_recipe(system, recipe):
                yield f"recipe {recipe}: {fault}"


def _compare_recipe(system: Any, recipe: str) -> Iterator[str]:
    workload = choose_workload(recipe)
    tolerance = choose_tolerance(workload)
    reference = prepare_system(baselines.system("numpy-plain"), workload)
    reference.train(record=True)
    subject = prepare_system(system, workload)
    subject.train(record=True)
    yield from _compare_training(subject, reference, tolerance)
    yield from _compare_predictions(subject, reference, 10 * tolerance)

    subject.reset(start_weights(workload))
    subject.train()
    distance = find_largest_difference(subject.get_weights(), reference.get_weights())
    if system.own_order and workload.shuffle:
        if distance <= tolerance:
            yield (
                "own_order is True, and yet the rows came in the order of data.batches();"
                " write own_order = False"
            )
    elif distance > tolerance:
        yield (
            f"train() without record ends {distance:.1e} away from numpy-plain's weights; take the"
            " rows of data.batches(epoch) in their order"
        )
    if _count(subject) != _count(reference):
        yield _describe_counts("train()", subject, reference)
    first, compiled = subject.get_weights(), subject.compilations() or 0
    subject.reset(start_weights(workload))
    subject.train()
    if find_largest_difference(subject.get_weights(), first) > 0:
        yield "a second training after reset() ends elsewhere; reset() must bring everything back"
    if (subject.compilations() or 0) > compiled:
        yield "a second training after reset() compiled again; keep the same objects"


def _compare_training(subject: Any, reference: Any, tolerance: float) -> Iterator[str]:
    """Compare losses, final weights and counters of a recorded training."""
    if _count(subject) != _count(reference):
        yield _describe_counts("train(record=True)", subject, reference)
    ours, theirs = [float(loss) for loss in subject.losses], reference.losses
    if len(ours) != len(theirs):
        yield f"{len(ours)} losses after {len(theirs)} updates; append one before each update"
    elif (distance := find_largest_difference([ours], [theirs])) > tolerance:
        pairs = enumerate(zip(ours, theirs, strict=True))
        first = next(i for i, (a, b) in pairs if not abs(a - b) <= tolerance)
        yield (
            f"the loss differs from numpy-plain's by up to {distance:.1e} (allowed {tolerance:g}),"
            f" first at step {first}: {ours[first]:.6g} instead of {theirs[first]:.6g}; "
            + (
                "look at the loss, the start weights and the dtype"
                if first == 0
                else "look at the gradient, the optimizer, l2 and decay"
            )
        )
    weights, expected = subject.get_weights(), reference.get_weights()
    shapes = [(w.shape, str(w.dtype)) for w in weights]
    expected_shapes = [(w.shape, str(w.dtype)) for w in expected]
    if shapes != expected_shapes:
        yield f"get_weights() gives {shapes}; expected {expected_shapes}"
    elif (distance := find_largest_difference(weights, expected)) > tolerance:
        yield f"the last weights differ from numpy-plain's by {distance:.1e}, not {tolerance:g}"


def _compare_predictions(subject: Any, reference: Any, tolerance: float) -> Iterator[str]:
    X = reference.data.X_test
    if reference.workload.task == "regression":
        what, ours, theirs = "predict", subject.predict(X), reference.predict(X)
    else:
        what = "predict_proba"
        ours, theirs = subject.predict_proba(X), reference.predict_proba(X)
    if (distance := find_largest_difference([ours], [theirs])) > tolerance:
        yield f"{what}() differs from numpy-plain's by {distance:.1e}; dropout must be off in it"


def _count(system: Any) -> tuple[int, int]:
    return int(system.steps), int(system.samples_seen)


def _describe_counts(call: str, subject: Any, reference: Any) -> str:
    return (
        f"after {call} (steps, samples_seen) are {_count(subject)}; expected {_count(reference)}:"
        " set them from the framework's own counters"
    )
