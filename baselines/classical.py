"""Classifiers and regressors without gradient steps, from scikit-learn.

All but svm-rbf, which shows the defaults, have tuned values; see TUNED.
"""

from __future__ import annotations

from importlib import import_module

from baselines._base import Base, import_numpy, numpy_gflops

TUNED = {
    "sklearn-mlp-lbfgs": {"alpha": 1e-2, "max_iter": 400},
    "logistic-regression": {"C": 1.0},
    "knn": {"n_neighbors": 5},
    "svm-rbf-tuned": {"C": 10.0, "gamma": 10.0},
    "random-forest": {"n_estimators": 200},
    "gradient-boosting": {"n_estimators": 200},
}


class _Classical(Base):
    """An estimator of scikit-learn; steps and samples_seen stay 0, there are none to compare."""

    family = "classical"
    requires = ("scikit-learn",)
    module: str
    classifier: str
    regressor: str | None = None
    parallel = False  # takes n_jobs

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
        options = {}
        if self.workload.task == "classification":  # what TUNED was chosen for
            options = dict(TUNED.get(self.name, {}))
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
    name = "logistic-regression"
    module, classifier = "linear_model", "LogisticRegression"


class NearestNeighbours(_Classical):
    name = "knn"
    module, classifier, regressor = "neighbors", "KNeighborsClassifier", "KNeighborsRegressor"
    parallel = True


class SvmRbf(_Classical):
    """scikit-learn's defaults, untouched."""

    name = "svm-rbf"
    module, classifier, regressor = "svm", "SVC", "SVR"


class SvmRbfTuned(SvmRbf):
    name = "svm-rbf-tuned"
    regressor = None  # without tuned values it would be svm-rbf once more


class RandomForest(_Classical):
    name = "random-forest"
    module, classifier, regressor = "ensemble", "RandomForestClassifier", "RandomForestRegressor"
    parallel = True


class GradientBoosting(_Classical):
    name = "gradient-boosting"
    module = "ensemble"
    classifier, regressor = "GradientBoostingClassifier", "GradientBoostingRegressor"
