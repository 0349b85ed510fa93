"""bayes-rule and majority-class: the best and the least that a classifier can be asked for."""

from __future__ import annotations

from baselines._base import Base, import_numpy

# Data sets with a known P(class | x).
POSTERIOR_KNOWN = ("spiral", "two-spirals", "moons", "circles", "xor", "linear")


class _Bound(Base):
    family = "bound"
    requires = ("numpy",)

    def load(self):
        global np
        np = import_numpy(self.threads)

    def build(self, data, weights=None):
        self.data = data


class BayesRule(_Bound):
    """The most probable class at each point: no classifier does better on fresh points."""

    name = "bayes-rule"

    @classmethod
    def supports(cls, workload):
        if workload.task == "classification" and workload.dataset in POSTERIOR_KNOWN:
            return None
        return "P(class | x) is unknown"

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X):
        posterior = self.data.posterior(X)
        if posterior is None:
            raise ValueError(f"{self.workload.dataset} came without a posterior")
        return posterior


class MajorityClass(_Bound):
    """The most frequent class whatever the input; the training mean for regression."""

    name = "majority-class"

    def train(self, record=False):
        y = self.data.y_train
        if self.workload.task == "regression":
            self.mean = y.mean()
        else:
            self.frequencies = np.bincount(y, minlength=self.data.n_classes) / len(y)

    def predict(self, X):
        if self.workload.task == "regression":
            return np.full(len(X), self.mean)
        return np.full(len(X), self.frequencies.argmax())

    def predict_proba(self, X):
        if self.workload.task == "regression":
            return None
        return np.tile(self.frequencies, (len(X), 1))
