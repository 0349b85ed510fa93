"""The systems under test: one file per framework, behind the contract of contract.py.

    baselines.system("torch-eager")    the class of one system; only its file is imported
    baselines.systems()                every class that loads, by name

A package adds systems through entry points of the group `mapicx.baselines`.
"""

from __future__ import annotations

import warnings
from importlib import import_module

# name -> (module, class). Reading this table imports nothing.
BUILT_IN = {
    "mapicx": ("baselines.engine", "Engine"),
    "numpy-plain": ("baselines.plain", "Plain"),
    "torch-eager": ("baselines.pytorch", "Eager"),
    "torch-fused": ("baselines.pytorch", "Fused"),
    "torch-manual": ("baselines.pytorch", "Manual"),
    "torch-compile": ("baselines.pytorch", "Compiled"),
    "torch-compile-cached": ("baselines.pytorch", "CompiledCached"),
    "keras-fit": ("baselines.keras_fit", "KerasFit"),
    "keras-fit-tuned": ("baselines.keras_fit", "KerasFitTuned"),
    "keras-fit-jax": ("baselines.keras_fit", "KerasFitJax"),
    "tf-function": ("baselines.tensorflow_loops", "Function"),
    "tf-xla": ("baselines.tensorflow_loops", "Xla"),
    "tf-loop": ("baselines.tensorflow_loops", "Loop"),
    "sklearn-mlp": ("baselines.sklearn_mlp", "Mlp"),
    "jax-jit": ("baselines.jax_loops", "Jit"),
    "jax-scan": ("baselines.jax_loops", "Scan"),
    "sklearn-mlp-lbfgs": ("baselines.sklearn_mlp", "MlpLbfgs"),
    "logistic-regression": ("baselines.classical", "LogisticRegression"),
    "knn": ("baselines.classical", "NearestNeighbours"),
    "svm-rbf": ("baselines.classical", "SvmRbf"),
    "svm-rbf-tuned": ("baselines.classical", "SvmRbfTuned"),
    "random-forest": ("baselines.classical", "RandomForest"),
    "gradient-boosting": ("baselines.classical", "GradientBoosting"),
    "hist-gradient-boosting": ("baselines.classical", "HistGradientBoosting"),
    "bayes-rule": ("baselines.bounds", "BayesRule"),
    "majority-class": ("baselines.bounds", "MajorityClass"),
    "noop": ("baselines.controls", "Noop"),
    "sleep": ("baselines.controls", "Sleep"),
    "allocate": ("baselines.controls", "Allocate"),
    "matmul": ("baselines.controls", "Matmul"),
    "matmul-only": ("baselines.products", "NumpyProducts"),
    "matmul-only-torch": ("baselines.products", "TorchProducts"),
    "matmul-only-tensorflow": ("baselines.products", "TensorFlowProducts"),
    "matmul-only-jax": ("baselines.products", "JaxProducts"),
    "dense-loops": ("baselines.loops", "Loops"),
    "dense-vectorised": ("baselines.loops", "Vectorised"),
    "mapicx-0.1.0": ("baselines.original", "Original"),
    "mapicx-again": ("baselines.engine", "EngineAgain"),
}

# Planned only when named, by `--systems all`, or by a suite that lists them.
OPTIONAL = ("torch-compile-cached", "keras-fit-jax", "mapicx-0.1.0")

# Their compile cache is filled once, before what is timed, and kept for the run.
CACHED = ("torch-compile-cached",)

# Controls that train a network all the same, so they get start weights as networks do.
TWINS = ("mapicx-again",)


def plug_in_names() -> list[str]:
    """Names of the systems that other installed packages add."""
    # Imported late, here and below: metadata would take a fifth of the start of each timed process.
    from baselines.plug_ins import find_entry_points

    return sorted(find_entry_points().keys() - BUILT_IN.keys())


def names() -> list[str]:
    """Every system's name, built-in ones first, without importing any of them."""
    return [*BUILT_IN, *plug_in_names()]


def system(name: str) -> type:
    """The class of one system.

    LookupError for an unknown name. A plug-in raises whatever its module raises, TypeError if its
    class breaks the contract, and ImportError if what it requires is not installed.
    """
    if name in BUILT_IN:
        module, attribute = BUILT_IN[name]
        return getattr(import_module(module), attribute)
    if name not in plug_in_names():
        raise LookupError(f"there is no system {name!r}; known are {', '.join(names())}")
    from baselines.plug_ins import load_class

    return load_class(name)


def systems() -> dict[str, type]:
    """Every system that loads; one that does not is reported as a warning, never raised."""
    loaded = {}
    for name in names():
        try:
            loaded[name] = system(name)
        except Exception as error:
            warnings.warn(f"system {name!r} does not load: {error}", stacklevel=2)
    return loaded
