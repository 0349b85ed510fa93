"""Check what the contract requires of a system's class, before anything is trained.

Each check yields a sentence for every fault it finds: what was seen, and what to change.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from baselines import plug_ins
from baselines.contract import System
from benchmarks.errors import describe_error
from benchmarks.measure.conformance_data import TASKS, choose_workload

METHODS = (
    "__init__", "supports", "load", "build", "train", "reset", "predict", "predict_proba",
    "get_weights", "compilations",
)  # fmt: skip
MAX_REFUSAL_LENGTH = 60  # characters, so that it fits a table cell


def check_attributes(system: Any) -> Iterator[str]:
    """Check the attributes that describe the system, and the counters of an object."""
    yield from plug_ins.find_class_faults(system)
    if type(getattr(system, "own_order", None)) is not bool:
        yield "own_order is not True or False; write own_order = False unless train() shuffles"
    made = _construct(system)
    for name, kind in (("steps", int), ("samples_seen", int)):
        if not isinstance(getattr(made, name, None), kind):
            yield f"{name} is missing; set it to 0 in __init__ and by each train()"
    if not hasattr(made, "losses"):
        yield "losses is missing; set it to [] in __init__ and at the start of train()"


def check_methods(system: Any) -> Iterator[str]:
    """Check that every method of the contract can be called as the harness calls it."""
    for name in METHODS:
        method = getattr(system, name, None)
        if not callable(method):
            yield f"the method {name}() is missing; baselines/contract.py says what it does"
            continue
        asked = inspect.signature(getattr(System, name)).parameters.values()
        named = {p.name: p for p in asked if p.kind is p.KEYWORD_ONLY or p.name == "record"}
        places = [p for p in asked if p.name not in named]
        if inspect.ismethod(method):  # a class method is bound to its first argument
            places = places[1:] if places[0].name in ("self", "cls") else places
        try:
            inspect.signature(method).bind(*places, **named)
        except TypeError as error:
            call = ", ".join([*(p.name for p in places[1:]), *(f"{key}=..." for key in named)])
            yield f"{name}() cannot be called as {name}({call}): {error}"


def check_supports(system: Any) -> Iterator[str]:
    """Check that supports() returns None or a reason for each task."""
    if not isinstance(inspect.getattr_static(system, "supports", None), classmethod):
        yield "supports is not a class method; write @classmethod above it"
        return
    answers = {task: system.supports(choose_workload(name)) for task, name in TASKS.items()}
    for task, answer in answers.items():
        if answer is None:
            continue
        if not isinstance(answer, str) or not answer.strip():
            yield (
                f"supports() of {task} gives {answer!r}; return None for a workload that can be"
                ' trained, else the reason in a few words, such as "no dropout"'
            )
        elif len(answer) > MAX_REFUSAL_LENGTH:
            yield (
                f"the reason {answer!r} is longer than {MAX_REFUSAL_LENGTH} characters; shorten it"
            )
    if all(isinstance(answer, str) for answer in answers.values()):
        yield f"supports() refuses {', '.join(TASKS)}; a system must take one of them"


def check_imports(system: Any) -> Iterator[str]:
    """Check that no requirement is imported yet: only load() may do that, because it is timed."""
    system.supports(choose_workload("sgd-relu"))
    _construct(system)
    own = system.__module__.partition(".")[0]
    early = sorted({name.partition(".")[0] for name in sys.modules} & _modules_of(system) - {own})
    if early:
        yield (
            f"importing the class, supports() and __init__ import {', '.join(early)}; import in"
            " load(), so that it is timed and a missing package is found"
        )


def check_missing(system: Any) -> Iterator[str]:
    """Check that load() raises ImportError, and nothing else, without its requirements."""
    hide_modules(_modules_of(system) - {system.__module__.partition(".")[0]})
    try:
        _construct(system).load()
    except ImportError:
        return
    except Exception as error:
        yield (
            f"without {', '.join(system.requires)} load() raises {describe_error(error)}; let the"
            " ImportError through, so that the row says `unavailable`"
        )
    else:
        if system.requires:
            yield (
                f"load() works without {', '.join(system.requires)}; import in load() what is"
                " required, and name in `requires` what is imported"
            )


def hide_modules(names: Iterable[str]) -> None:
    """Make these modules impossible to import in this process."""
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]


def _construct(system: Any) -> Any:
    return system(choose_workload("sgd-relu"), seed=0, threads=1, dtype="float32")


def _modules_of(system: Any) -> set[str]:
    """Return the top-level modules of the distributions that a system requires."""
    from benchmarks.measure.dependencies import ALTERNATIVES, canonicalize_name, list_owners

    required: set[str] = set(map(canonicalize_name, system.requires))
    required |= {ALTERNATIVES[name] for name in required & ALTERNATIVES.keys()}
    known = {module for module, owners in list_owners().items() if owners & required}
    return known | required & {"mapicx"}  # which is imported from the checkout
