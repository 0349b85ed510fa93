"""naive-bayes: scikit-learn's GaussianNB as a system that the benchmarks can measure."""


class NaiveBayes:
    name = "naive-bayes"  # as in pyproject.toml
    family = "classical"  # a network trains `workload.layers` from given weights instead
    requires = ("scikit-learn",)  # what load() imports, as pip names it
    own_order = False

    def __init__(self, workload, *, seed, threads, dtype):
        self.workload, self.seed = workload, seed
        self.steps, self.samples_seen, self.losses = 0, 0, []

    @classmethod
    def supports(cls, workload):
        return "no regression" if workload.task == "regression" else None

    def load(self):  # timed as import
        global GaussianNB
        from sklearn.naive_bayes import GaussianNB

    def build(self, data, weights=None):  # timed as build
        self.data = data
        self.reset(weights)

    def reset(self, weights):
        self.model = GaussianNB()

    def train(self, record=False):  # timed as training
        self.model.fit(self.data.X_train, self.data.y_train)

    def predict(self, X):  # timed as prediction
        return self.model.predict(X)

    def predict_proba(self, X):
        return self.model.predict_proba(X)

    def get_weights(self):
        return None  # networks only

    def compilations(self):
        return None  # nothing is ever compiled
