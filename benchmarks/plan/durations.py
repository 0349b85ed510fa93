"""How long trials will take: a guess from durations.toml, then this run's own rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from baselines.contract import Workload
from benchmarks.plan.trials import Trial
from benchmarks.plan.workloads import read_table

TABLE = read_table("durations.toml")
REPEATS = {"time": 4.0, "memory": 1.0, "accuracy": 1.0, "parity": 0.1}  # trainings per trial
WARM_LIMIT_S = 6.0  # the worker begins no warm repetition after 5 s
FRAMEWORKS = {
    "torch": "torch",
    "keras": "tensorflow",
    "tf": "tensorflow",
    "sklearn": "sklearn",
    "jax": "jax",
    "svm": "sklearn",
    "knn": "sklearn",
    "random": "sklearn",
    "gradient": "sklearn",
    "logistic": "sklearn",
    "numpy": "numpy",
    "mapicx": "mapicx",
}
NETWORK = 2 * 64 + 64 * 64 + 64 * 3  # products of the spiral's network, per row
ROWS = 300


class Durations:
    """Expected seconds of trials. What has been seen replaces the guess."""

    def __init__(self, workloads: Mapping[str, Workload]) -> None:
        self._workloads = workloads
        self._seen: dict[tuple[str, str, int, str], float] = {}

    def observe(self, trial: Trial, seconds: float) -> None:
        """Remember how long a trial of this kind took, from start to row on disk."""
        self._seen[_kind(trial)] = max(seconds, self._seen.get(_kind(trial), 0.0))

    def expect(self, trials: Iterable[Trial]) -> float:
        """Seconds that these trials will take, one after the other."""
        return sum(self._seen.get(_kind(trial)) or self._guess(trial) for trial in trials)

    def find_dear(self, trials: Iterable[Trial]) -> dict[str, float]:
        """Seconds of the systems that take most, the dearest first: together half of all."""
        spent: dict[str, float] = {}
        for trial in trials:
            spent[trial.system] = spent.get(trial.system, 0.0) + self.expect([trial])
        dear: dict[str, float] = {}
        for name in sorted(spent, key=lambda name: (-spent[name], name)):
            if sum(dear.values()) >= sum(spent.values()) / 2:
                break
            dear[name] = spent[name]
        return dear

    def _guess(self, trial: Trial) -> float:
        framework = FRAMEWORKS.get(trial.system.split("-")[0], "default")
        start = TABLE["start"].get(framework, TABLE["start"]["default"])
        if trial.system == "torch-compile":
            start += TABLE["start"]["compile"]
        step = TABLE["step"].get(trial.system, TABLE["step"].get(framework, 0.0))
        if trial.family != "network":
            step = 0.0
        work = self._workloads[trial.workload]
        size = sum(a * b for a, b in zip(work.layers, work.layers[1:], strict=False)) / NETWORK
        rows = min(work.batch_size or work.train_rows, work.train_rows)
        steps = work.epochs * -(-work.train_rows // rows)
        training = step * steps * max(0.3, size * rows / ROWS)
        again = min((REPEATS[trial.measure] - 1) * training, WARM_LIMIT_S + training)
        return start + (training + again if trial.measure == "time" else training)


def _kind(trial: Trial) -> tuple[str, str, int, str]:
    return trial.system, trial.workload, trial.threads, trial.measure
