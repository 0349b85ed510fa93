"""Classifiers and regressors without gradient steps, from scikit-learn.

All but svm-rbf, which shows the defaults, have values tuned for each workload; see tuned.toml.
"""

from __future__ import annotations

import functools
from importlib import import_module
from pathlib import Path
from typing import Any

from baselines._base import Base, import_numpy, numpy_gflops
from baselines.contract import Workload

TUNED = Path(__file__).with_name("tuned.toml")


@functools.cache
def read_tuned() -> dict[str, Any]:
    """tuned.toml: the runs that chose the values as `runs`, and the values by workload."""
    import tomllib  # on first use: sklearn-mlp has no tuned values and does not pay for it

    return tomllib.loads(TUNED.read_text(encoding="utf-8"))


def choose_options(name: str, workload: Workload) -> dict[str, Any]:
    """The options of a system on a workload; {} are the library's defaults."""
    if workload.task != "classification":
        return {}
    table = read_tuned()
    values = table.get(workload.name) or table.get(workload.dataset) or {}
    return dict(values.get(name, {}))


class _Classical(Base):
    """An estimator of scikit-learn; steps and samples_seen stay 0, there are none to compare."""

    family = "classical"
    requires = ("scikit-learn",)
    module: str
    classifier: str
    regressor: str | None = None
    parallel = False  # takes n_jobs

    def __init__(self, workload, **arguments):
        super().__init__(workload, **arguments)
        self.options = choose_options(self.name, workload)

    @classmethod
    def supports(cls, workload):
        if workload.task == "regression" and cls.regressor is None:
            return "classification only"
        return None

    def load(self):
        import_numpy(self.threads)
        kind = self.regressor if self.workload.task == "regression" else self.classifier
        self.estimator = getattr(import_module(f"sklearn.{self.module}"), kind)

    def build(self, data, weights=None):
        self.data = data
        options = dict(self.options)
        if self.parallel and self.threads > 1:
            options["n_jobs"] = self.threads
        if "random_state" in self.estimator().get_params():
            options["random_state"] = self.seed
        self.model = self.estimator(**options)

    def train(self, record=False):
        self.model.fit(self.data.X_train, self.data.y_train)  # starts anew each time

    def predict(self, X):
        return self.model.predict(X)

    def predict_proba(self, X):
        # SVC has none: probability=True would train it five times more.
        return self.model.predict_proba(X) if hasattr(self.model, "predict_proba") else None

    def gemm_gflops(self):
        return numpy_gflops()


class LogisticRegression(_Classical):
    """scikit-learn's logistic regression, regularisation tuned."""

    name = "logistic-regression"
    module, classifier = "linear_model", "LogisticRegression"


class NearestNeighbours(_Classical):
    """scikit-learn's k nearest neighbours, k tuned."""

    name = "knn"
    module, classifier, regressor = "neighbors", "KNeighborsClassifier", "KNeighborsRegressor"
    parallel = True


class SvmRbf(_Classical):
    """scikit-learn's support vectors with an RBF kernel, defaults untouched."""

    name = "svm-rbf"
    module, classifier, regressor = "svm", "SVC", "SVR"


class SvmRbfTuned(SvmRbf):
    """scikit-learn's support vectors with an RBF kernel, C and gamma tuned."""

    name = "svm-rbf-tuned"

    @classmethod
    def supports(cls, workload):
        return None if choose_options(cls.name, workload) else "no tuned values: svm-rbf once more"


class RandomForest(_Classical):
    """scikit-learn's random forest, tuned."""

    name = "random-forest"
    module, classifier, regressor = "ensemble", "RandomForestClassifier", "RandomForestRegressor"
    parallel = True


class GradientBoosting(_Classical):
    """scikit-learn's gradient boosting, tuned."""

    name = "gradient-boosting"
    module = "ensemble"
    classifier, regressor = "GradientBoostingClassifier", "GradientBoostingRegressor"


class HistGradientBoosting(_Classical):
    """Boosting over binned features, which scikit-learn advises from some 10,000 rows on."""

    name = "hist-gradient-boosting"
    module = "ensemble"
    classifier, regressor = "HistGradientBoostingClassifier", "HistGradientBoostingRegressor"
