"""Check what the contract requires of training, on small workloads in this process.

Each check yields a sentence for every fault it finds: what was seen, and what to change.
"""

from __future__ import annotations

import dataclasses
import functools
import gc
import hashlib
import itertools
from collections.abc import Iterator
from typing import Any

from baselines.contract import Workload
from benchmarks.errors import describe_error
from benchmarks.measure.conformance_data import (
    TASKS,
    SampleData,
    choose_workload,
    gets_weights,
    prepare_system,
    start_weights,
)
from benchmarks.measure.memory import read_memory
from benchmarks.measure.score import check_values

WARM_UP, REPEATS = 5, 10  # trainings before the first memory reading, and between readings
# The network has 264,707 parameters; a copy kept at each reset adds up to 10 MiB in 10 resets.
MEMORY_LAYERS, MEMORY_LIMIT = (2, 512, 512), 5 * 2**20
MEMORY_ROWS = 512  # for other systems, whose models grow with the data


@functools.cache
def _train_first(system: Any, task: str) -> tuple[Any, str, bool]:
    """Train on a task; return the object, its fingerprint, and whether the data are intact.

    Cached, because training may compile for seconds.
    """
    workload = choose_workload(TASKS[task])
    data = SampleData(workload, dtype="float32")
    before = _digest_data(data)
    trained = prepare_system(
        system, workload, dtype="float32", data=data if system.requires else None
    )
    trained.train()
    return trained, _fingerprint(trained, workload), _digest_data(data) == before


def check_training(system: Any) -> Iterator[str]:
    """Check on each supported task that it trains, predicts, and leaves the data unchanged."""
    for task in _list_tasks(system):
        trained, _, is_intact = _train_first(system, task)
        workload = choose_workload(TASKS[task])
        if gets_weights(system):
            steps, rows = _count_updates(workload)
            if (trained.steps, trained.samples_seen) != (steps, rows):
                yield (
                    f"{task}: steps and samples_seen are {trained.steps} and {trained.samples_seen}"
                    f" after {steps} updates of {rows} rows; set them from the framework's counters"
                )
        compiled = trained.compilations()
        if compiled is not None and type(compiled) is not int:
            yield f"{task}: compilations() gives {compiled!r}; return a whole number or None"
        if system.requires:
            yield from (f"{task}: {fault}" for fault in _check_answers(trained, workload))
        if not is_intact:
            yield f"{task}: training changed the data that it was given; work on a copy"


def _check_answers(system: Any, workload: Workload) -> Iterator[str]:
    """Check predictions of many rows, of one row, and of the same rows again."""
    import numpy as np

    data = SampleData(workload, dtype="float32")
    classes = data.n_classes
    for X in (data.X_test, data.X_test[:1]):
        predicted = system.predict(X)
        if predicted is None:
            if system.family != "control":
                yield "predict() gives None; return labels or values, shape (n,)"
            return
        try:
            values = check_values(predicted, (len(X),), f"predict() of {len(X)} rows")
            if classes and not set(np.unique(values)) <= set(range(classes)):
                yield (
                    f"predict() gives labels {np.unique(values).tolist()[:9]}; expected whole"
                    f" numbers from 0 to {classes - 1}"
                )
            proba = system.predict_proba(X)
            if proba is not None and classes:
                proba = check_values(proba, (len(X), classes), f"predict_proba() of {len(X)} rows")
                if proba.min() < 0 or abs(proba.sum(axis=1) - 1).max() > 1e-3:
                    yield "rows of predict_proba() do not sum to 1; return probabilities, or None"
            elif proba is not None:
                yield "predict_proba() of a regression is not None; return None"
        except Exception as error:
            yield f"{describe_error(error)}; return labels or values as numbers, shape (n,)"
            return
        if not np.array_equal(values, np.asarray(system.predict(X))):
            yield "predict() of the same rows differs the second time; it must change nothing"


def check_reset(system: Any) -> Iterator[str]:
    """Check that training after reset() gives the same result and compiles nothing again."""
    for task in _list_tasks(system) if system.requires else ():
        trained, first, _ = _train_first(system, task)
        compiled, workload = trained.compilations(), choose_workload(TASKS[task])
        _reset(trained, workload)
        trained.train()
        if _fingerprint(trained, workload) != first:
            yield (
                f"{task}: the training after reset() ends elsewhere than the first; reset() must"
                " bring back weights, optimizer state, counters and the seed"
            )
        if compiled is not None and trained.compilations() > compiled:
            yield (
                f"{task}: reset() and train() compiled {trained.compilations() - compiled} times"
                " more; fill the same arrays again instead of making new ones"
            )


def check_determinism(system: Any) -> Iterator[str]:
    """Check that another object with the same seed gives the same result, to the last bit."""
    for task in _list_tasks(system) if system.requires else ():
        _, first, _ = _train_first(system, task)
        workload = choose_workload(TASKS[task])
        other = prepare_system(system, workload, dtype="float32")
        other.train()
        if _fingerprint(other, workload) != first:
            yield (
                f"{task}: two objects with the same seed end in different results; seed the"
                " framework's generator with `seed` in build() and reset(), and no global one"
            )


def take_fingerprints(system: Any) -> dict[str, str]:
    """Return a hash of the first training's result, by task."""
    return {task: _train_first(system, task)[1] for task in _list_tasks(system)}


def check_record(system: Any) -> Iterator[str]:
    """Check that recording gives one finite loss per step, and not recording gives none."""
    import numpy as np

    if system.family != "network":
        return
    task = _list_tasks(system)[0]
    trained, workload = _train_first(system, task)[0], choose_workload(TASKS[task])
    _reset(trained, workload)
    trained.train(record=True)
    losses = [float(loss) for loss in trained.losses]
    steps, _ = _count_updates(workload)
    if len(losses) != steps:
        yield f"losses holds {len(losses)} numbers after {steps} updates; append one at each"
    elif not np.isfinite(losses).all():
        yield "losses holds a number that is not finite; give the data loss before each update"
    _reset(trained, workload)
    trained.train()
    if list(trained.losses):
        yield "losses is not empty after train(record=False); recording costs time, so clear it"


def check_divergence(system: Any) -> Iterator[str]:
    """Check that a diverging training ends in values that show it, or in FloatingPointError."""
    import numpy as np

    if system.family != "network":
        return
    workload = choose_workload(TASKS[_list_tasks(system)[0]])
    trained = prepare_system(system, dataclasses.replace(workload, lr=1e30), dtype="float32")
    try:
        trained.train()
    except FloatingPointError:
        return
    except Exception as error:
        yield (
            f"a training that diverges raises {describe_error(error)}; raise FloatingPointError,"
            " so that the row says `diverged`"
        )
        return
    if all(np.isfinite(array).all() for array in trained.get_weights()):
        yield (
            "at a learning rate of 1e30 all weights are finite; pass on the workload's lr, and do"
            " not replace what is not finite"
        )


def check_memory(system: Any) -> Iterator[str]:
    """Check that trainings after reset() do not make the process larger."""
    if not system.requires:
        return
    workload = choose_workload(TASKS[_list_tasks(system)[0]])
    if system.family == "network":
        layers = (*MEMORY_LAYERS, workload.layers[-1])
        workload = dataclasses.replace(workload, layers=layers, epochs=2)
    else:
        workload = dataclasses.replace(workload, train_rows=MEMORY_ROWS)
    trained = prepare_system(system, workload, dtype="float32")
    readings = []
    for repeats in (WARM_UP, REPEATS, REPEATS):
        for _ in range(repeats):
            _reset(trained, workload)
            trained.train()
        gc.collect()
        readings.append(read_memory()["resident"] or 0)
    # The allocator grows now and then; memory that is never released makes it grow each time.
    grown = min(after - before for before, after in itertools.pairwise(readings))
    if grown > MEMORY_LIMIT:
        yield (
            f"{REPEATS} trainings after reset() made the process {grown / 2**20:.0f} MiB larger;"
            " let go of old models, histories and closures"
        )


def _reset(system: Any, workload: Workload) -> None:
    """Reset as the harness does between two trainings."""
    system.reset(start_weights(workload, dtype="float32") if gets_weights(system) else None)


def _list_tasks(system: Any) -> list[str]:
    """List the tasks that the system supports."""
    return [task for task, name in TASKS.items() if system.supports(choose_workload(name)) is None]


def _count_updates(workload: Workload) -> tuple[int, int]:
    """Count the updates of a whole training, and the rows that they see."""
    per_epoch = -(-workload.train_rows // (workload.batch_size or workload.train_rows))
    return workload.epochs * per_epoch, workload.epochs * workload.train_rows


def _fingerprint(system: Any, workload: Workload) -> str:
    """Hash everything that a training determines, to the last bit."""
    import numpy as np

    answers = system.predict(SampleData(workload, dtype="float32").X_test)
    arrays = [*(system.get_weights() or ()), *([] if answers is None else [answers])]
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


def _digest_data(data: SampleData) -> list[bytes]:
    return [getattr(data, name).tobytes() for name in ("X_train", "y_train", "X_test", "y_test")]
