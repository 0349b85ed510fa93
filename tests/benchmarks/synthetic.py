"""Plausible rows and run folders without measuring anything, for tests of analysis and report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.record.frame import join_parity
from benchmarks.record.schema import FIELDS, validate
from benchmarks.record.store import Store

CEILING = 0.910
NASTY = "a|b<i>=`c`</script>*d*_e_[f](g)# h"  # the name of a system that means harm
CONTROLS = ("matmul-only", "matmul-only-torch", "mapicx-again")
WORKLOAD = {
    "name": "spiral",
    "task": "classification",
    "dataset": "spiral",
    "dataset_args": {"samples": 100, "classes": 3},
    "train_rows": 300,
    "test_rows": 30000,
    "layers": [2, 64, 64, 3],
    "activation": "relu",
    "dropout": 0.0,
    "optimizer": "adam",
    "lr": 0.02,
    "momentum": 0.0,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "decay": 0.0,
    "l2": 0.001,
    "epochs": 300,
    "batch_size": None,
    "shuffle": False,
}
# system: family, start + import s, training s, peak MiB, test accuracy
SYSTEMS = {
    "mapicx": ("network", 0.15, 0.05, 40, 0.865),
    "numpy-plain": ("network", 0.14, 0.12, 41, 0.865),
    "torch-eager": ("network", 1.6, 0.25, 230, 0.865),
    "torch-fused": ("network", 1.6, 0.15, 231, 0.865),
    "keras-fit": ("network", 4.2, 3.0, 520, 0.865),
    "tf-loop": ("network", 4.1, 0.9, 510, 0.865),
    "sklearn-mlp": ("network", 0.9, 0.30, 110, 0.865),
    "svm-rbf-tuned": ("classical", 0.9, 0.01, 105, 0.868),
    "logistic-regression": ("classical", 0.9, 0.01, 104, 0.413),
    "bayes-rule": ("bound", 0.15, 0.0, 38, 0.910),
    "majority-class": ("bound", 0.15, 0.0, 38, 0.333),
    "noop": ("control", 0.05, 0.0, 12, None),
    "sleep": ("control", 0.05, 0.1, 12, None),
    "mapicx-again": ("control", 0.15, 0.05, 40, 0.865),
}


def rows(
    blocks: int = 6,
    systems: dict[str, tuple] | None = None,
    *,
    workload: str = "spiral",
    run_id: str = "20260102T030405-synthetic",
    memory_blocks: int = 3,
    noise: float = 0.02,
    seed: int = 0,
    parity: bool = True,
    **override: Any,
) -> list[dict[str, Any]]:
    """Rows of parity, time and memory trials; `override` replaces fields of every row."""
    rng = np.random.default_rng(seed)
    systems = SYSTEMS if systems is None else systems
    made: list[dict[str, Any]] = []
    common = {
        "run_id": run_id,
        "machine_id": "machine-a",
        "workload": workload,
        "workload_digest": "d1",
        "recipe": "relu-adam-cce-l2",
        "threads": 1,
        "dtype": "float32",
        "status": "ok",
        "exit_code": 0,
        "system_version": "1.0",
        "system_digest": "d2",
        "started_at": "2026-01-02T03:04:05Z",
    }

    def add(system: str, measure: str, block: int, **fields: Any) -> None:
        row = common | {
            "trial_id": f"{system}-{workload}-{measure}-{block}",
            "system": system,
            "family": systems[system][0],
            "measure": measure,
            "block": block,
            "seed": block,
            "order": len(made),
        }
        made.append(validate(row | fields | override))

    for system, (family, *_) in systems.items():
        if parity and family == "network":
            add(system, "parity", 0, parity_max_abs=1e-13, comparable=True, gemm_gflops=60.0)
    for block in range(blocks):
        luck = rng.normal(0, 0.008)
        for system, (family, begin, train, peak, accuracy) in systems.items():
            score: dict[str, Any] = {}
            if accuracy is not None:
                wobble = 0.0 if family == "bound" else luck + rng.normal(0, 0.001)
                score = {"accuracy_test": accuracy + wobble, "accuracy_train": accuracy + 0.01}
                score |= {"loss_test": 0.4, "loss_train": 0.35, "ceiling": CEILING}
            if family == "network" or system == "mapicx-again":
                score |= {"parameters": 4547, "steps": 300, "samples_seen": 90000}
            factor = np.exp(rng.normal(0, noise))
            harness = {"time_bare_s": 0.02, "time_record_s": 0.001} if system == "noop" else {}
            add(system, "time", block, **score, **harness, **_times(begin * factor, train * factor))
            if block < memory_blocks:
                add(system, "memory", block, **score, **_memory(peak * 2**20, rng))
    return made


def _times(begin: float, train: float) -> dict[str, float]:
    return {
        "time_start_s": 0.03,
        "time_import_s": begin,
        "time_data_s": 0.001,
        "time_build_s": 0.002,
        "time_train_cold_s": train * 1.1,
        "time_train_warm_s": train,
        "time_step_warm_s": train / 300,
        "time_predict_s": 0.002,
        "time_predict_one_s": 2e-5,
        "time_exit_s": 0.01,
        "time_total_s": begin + train * 1.1 + 0.045,
        "cpu_s": begin + train,
    }


def _memory(peak: float, rng: np.random.Generator) -> dict[str, int]:
    peak = peak + rng.integers(0, 2**18)
    return {
        "memory_import_peak_bytes": int(peak * 0.7),
        "memory_import_anon_bytes": int(peak * 0.3),
        "memory_import_file_bytes": int(peak * 0.4),
        "memory_build_peak_bytes": int(peak * 0.8),
        "memory_train_peak_bytes": int(peak),
        "memory_train_increment_bytes": int(peak * 0.2),
        "memory_peak_bytes": int(peak),
        "memory_sampled_peak_bytes": int(peak * 0.99),
    }


def frame(made: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as `benchmarks.load` gives them, parity joined."""
    table = pd.DataFrame(
        {n: pd.Series([row[n] for row in made], dtype=f.dtype) for n, f in FIELDS.items()}
    )
    return join_parity(table)


def run_folder(
    results: Path, made: list[dict[str, Any]], name: str = "", arrays: bool = False, **extra: Any
) -> Path:
    """A run folder as the harness writes it, with these rows."""
    run = results / (name or (made[0]["run_id"] if made else "20260102T030405-empty"))
    trials = ["trial_id", "system", "family", "workload", "seed", "threads", "measure", "dtype"]
    trials += ["block", "order", "recipe", "workload_digest"]
    store = Store(run)
    store.create(
        {
            "plan": [row["trial_id"] for row in made],
            "trials": [{key: row[key] for key in trials} for row in made],
            "command": "python -m benchmarks.run",
            "suite": "spiral",
            "preset": "quick",
            "created_at": "2026-01-02T03:04:05Z",
            "environment": {"cpu": "a processor", "cores": 2, "python": {"version": "3.11"}},
            "versions": {"numpy": "2.4.6"},
            "seeds": [0, 1, 2],
            "order": "shuffled",
            "digests": {"suites.toml": "abc"},
            "skipped": [],
            "warnings": [],
            "machine_id": "machine-a",
            "workloads": {"spiral": WORKLOAD},
            "budget_s": 600,
            "margins": {"accuracy": 0.01},
        }
        | extra
    )
    for row in made:
        store.append(row)
    if arrays:
        _write_arrays(store, made)
    return run


def _write_arrays(store: Store, made: list[dict[str, Any]]) -> None:
    axis = np.linspace(-1, 1, 20)
    x, y = np.meshgrid(axis, axis)
    angle = np.arctan2(y, x).ravel()[:, None] - np.array([0, 2, 4])
    proba = np.exp(np.cos(angle))
    proba /= proba.sum(axis=1, keepdims=True)
    for row in made:
        if row["family"] == "control" or row["block"]:
            continue
        if row["measure"] == "time":
            kept = {"grid_x": axis, "grid_y": axis}
            if row["system"] == "svm-rbf-tuned":
                kept["grid_labels"] = proba.argmax(axis=1)
            else:
                kept["grid_proba"] = proba
            if row["family"] == "network":
                kept["losses"] = 1.1 * np.exp(-np.arange(300) / 80)
            np.savez(store.array_path(row["trial_id"]), **kept)
        if row["measure"] == "memory":
            seconds = np.linspace(0, 1, 50)
            kept = {"memory_s": seconds, "memory_bytes": row["memory_peak_bytes"] * seconds**0.3}
            np.savez(store.array_path(row["trial_id"]), **kept)


def scaling_rows(
    blocks: int = 7,
    widths: tuple[int, ...] = (16, 32, 64, 128, 256),
    noise: float = 0.02,
    products: bool = False,
) -> tuple[list, dict]:
    """Rows along the axis width, and the workloads of its run.json.

    Steps in µs: mapicx as many as units; torch 20 + 0.8 * width, so the two are even at 100
    units; tf three times mapicx; jax half of it. Products: half of mapicx's step, of torch's
    0.6 * width, so that the rests are even at 67 units; nearly the whole of tf's step.
    """
    made, workloads = [], {}
    for width in widths:
        name = f"scaling-width-{width}"
        workloads[name] = WORKLOAD | {"name": name, "layers": [64, width, width, 10]}
        step = {"mapicx": width, "torch-eager": 20 + 0.8 * width, "torch-fused": 30 + 0.8 * width}
        step |= {"tf-function": 3 * width, "jax-jit": width / 2}
        if products:
            step |= {"matmul-only": width / 2, "matmul-only-torch": 0.6 * width}
            step |= {"matmul-only-tensorflow": 2.99 * width, "mapicx-again": width}
        systems = {
            s: ("control" if s.startswith(CONTROLS) else "network", 0.1, us * 300e-6, 40, None)
            for s, us in step.items()
        }
        made += rows(
            blocks, systems, workload=name, memory_blocks=0, parity=False, noise=noise, seed=width
        )
    return made, workloads


def sweep_rows(blocks: int = 6, shapes: int = 2, slower: float = 2.0) -> tuple[list, dict]:
    """Rows of a step-time sweep, and the workloads of its run.json.

    Steps: mapicx 100 µs, NumPy's products 40, torch-eager `slower` times mapicx, jax-scan half.
    """
    step = {"mapicx": 100, "torch-eager": 100 * slower, "torch-fused": 120 * slower, "jax-scan": 50}
    step |= {"matmul-only": 40, "matmul-only-torch": 30, "mapicx-again": 100}
    made, workloads = [], {}
    for number in range(shapes):
        for optimizer in ("sgd", "adam"):
            name = f"step-2-{64 * 8**number}-3-b300-{optimizer}"
            layers = [2, 64 * 8**number, 3]
            workloads[name] = WORKLOAD | {"name": name, "optimizer": optimizer, "layers": layers}
            systems = {
                system: ("control" if system in CONTROLS else "network", 0.1, us * 300e-6, 40, None)
                for system, us in step.items()
            }
            made += rows(blocks, systems, workload=name, memory_blocks=0, parity=False)
    return made, workloads
