"""sklearn-mlp and sklearn-mlp-lbfgs: scikit-learn's own networks, trained by their own fit."""

from __future__ import annotations

import math
import warnings

from baselines._base import Network, import_numpy, numpy_gflops
from baselines.classical import choose_options


class _Mlp(Network):
    """What both share: which workloads scikit-learn can express, and prediction."""

    requires = ("scikit-learn",)

    @classmethod
    def supports(cls, workload):
        if workload.dropout > 0:
            return "no dropout"
        if workload.loss == "cce" and workload.layers[-1] == 2:
            return "one logistic output"
        if workload.loss == "mse" and workload.layers[-1] > 1:
            return "another gradient than the mean over several outputs"
        return None

    def load(self):
        global np, neural_network
        np = import_numpy(self.threads)
        from sklearn import neural_network
        from sklearn.exceptions import ConvergenceWarning

        # It trains for as many epochs as it is told to; that it would go on is no news.
        warnings.filterwarnings("ignore", category=ConvergenceWarning)

    def estimator(self, **options):
        activation = {"sigmoid": "logistic"}.get(self.workload.activation, self.workload.activation)
        kind = "MLPRegressor" if self.workload.loss == "mse" else "MLPClassifier"
        return getattr(neural_network, kind)(
            hidden_layer_sizes=self.workload.layers[1:-1], activation=activation,
            random_state=self.seed, **options,
        )  # fmt: skip

    def predict(self, X):
        return self.model.predict(X)

    def predict_proba(self, X):
        return None if self.workload.loss == "mse" else self.model.predict_proba(X)

    def get_weights(self):
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [array.copy() for pair in pairs for array in pair]

    def gemm_gflops(self):
        return numpy_gflops()


class Mlp(_Mlp):
    """scikit-learn's MLP by SGD or Adam: one call of fit, from given weights."""

    name = "sklearn-mlp"
    own_order = True

    @classmethod
    def supports(cls, workload):
        if workload.decay:
            return "no learning rate that decays with each update"
        if workload.l2 and workload.batch_size and workload.train_rows % workload.batch_size:
            # Its penalty is divided by the rows of the batch, so fewer rows are regularised more.
            return "L2 weighs a short last batch more"
        return super().supports(workload)

    def build(self, data, weights):
        recipe = self.workload
        self.data = data
        self.batch_size = recipe.batch_size or recipe.train_rows
        # MLPRegressor minimises half the mean squared error. Its gradient is half of ours, so the
        # rate is twice ours for SGD, and for Adam, which divides by the gradient's size, epsilon
        # is half of ours. The penalty must be halved with the gradient.
        self.scale = 2 if recipe.loss == "mse" else 1
        rate = recipe.lr * (self.scale if recipe.optimizer == "sgd" else 1)
        self.model = self.estimator(
            solver=recipe.optimizer, learning_rate_init=rate, momentum=recipe.momentum,
            nesterovs_momentum=False, beta_1=recipe.beta_1, beta_2=recipe.beta_2,
            epsilon=recipe.epsilon / self.scale, alpha=self.alpha(self.batch_size),
            batch_size=self.batch_size, shuffle=recipe.shuffle, max_iter=recipe.epochs,
            tol=0.0, n_iter_no_change=math.inf,
        )  # fmt: skip
        # One step makes the arrays that warm_start then begins with.
        options = {} if recipe.loss == "mse" else {"classes": np.arange(data.n_classes)}
        first = slice(self.batch_size)  # a batch may lack a class, which warm_start would refuse
        self.model.partial_fit(data.X_train[first], data.y_train[first], **options)
        self.reset(weights)

    def alpha(self, rows):
        """Its penalty is alpha / 2 / rows * W**2: this alpha gives the gradient l2 * W."""
        return self.workload.l2 * rows / self.scale

    def reset(self, weights):
        model = self.model
        for arrays, values in ((model.coefs_, weights[::2]), (model.intercepts_, weights[1::2])):
            for array, value in zip(arrays, values, strict=True):
                array[...] = value
        if hasattr(model, "_optimizer"):
            del model._optimizer  # fit makes a new one, partial_fit would go on with the old
        model.n_iter_, model.t_, model.loss_curve_ = 0, 0, []
        model.best_loss_, model._no_improvement_count = math.inf, 0

    def train(self, record=False):
        self.losses = []
        if record:
            self.train_batch_by_batch()
        else:
            self.model.warm_start = True  # fit goes on with the arrays that reset has filled
            try:
                self.model.fit(self.data.X_train, self.data.y_train)
            except ValueError as error:  # "Solver produced non-finite parameter weights"
                if "non-finite" not in str(error):
                    raise
                raise FloatingPointError(str(error)) from None
            self.model.warm_start = False
            self.steps = self.model.n_iter_ * -(-self.workload.train_rows // self.batch_size)
        self.samples_seen = int(self.model.t_)

    def train_batch_by_batch(self):
        """loss_curve_ holds means over an epoch, penalty included: step and take it off."""
        model, self.steps = self.model, 0
        for epoch in range(self.workload.epochs):
            for rows in self.data.batches(epoch):
                X, y = self.data.X_train[rows], self.data.y_train[rows]
                model.batch_size, model.alpha = len(X), self.alpha(len(X))
                penalty = model.alpha / 2 / len(X) * sum((W**2).sum() for W in model.coefs_)
                model.partial_fit(X, y)
                self.losses.append(self.scale * (model.loss_ - penalty))
                self.steps += model.n_iter_  # of this call alone
        model.batch_size, model.alpha = self.batch_size, self.alpha(self.batch_size)


class MlpLbfgs(_Mlp):
    """What scikit-learn advises for small data sets: its MLP by L-BFGS, other work."""

    name = "sklearn-mlp-lbfgs"
    family = "classical"

    def __init__(self, workload, **arguments):
        super().__init__(workload, **arguments)
        self.options = choose_options(self.name, workload)

    def build(self, data, weights=None):
        self.data = data
        self.model = self.estimator(solver="lbfgs", **self.options)

    def reset(self, weights):
        pass  # fit starts anew

    def train(self, record=False):
        self.model.fit(self.data.X_train, self.data.y_train)

    def get_weights(self):
        return None
