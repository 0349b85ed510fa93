"""mapicx and its A/A twin: this repository's engine, as a user of `Mapicx` calls it."""

from __future__ import annotations

from itertools import pairwise

from baselines._base import NumpyNetwork

LOSSES = {
    "cce": "categorical_crossentropy",
    "bce": "binary_crossentropy",
    "mse": "mean_squared_error",
}
OUTPUTS = {"cce": "Softmax", "bce": "Sigmoid", "mse": None}


class Engine(NumpyNetwork):
    """This repository's engine: Mapicx.fit, as its users call it."""

    name = "mapicx"
    requires = ("mapicx", "numpy")
    own_order = True

    def load(self):
        super().load()
        global mapicx, np
        import numpy as np

        import mapicx

    def build(self, data, weights):
        recipe = self.workload
        self.data = data
        self.model = mapicx.Mapicx(seed=self.seed, dtype=self.dtype)
        sizes = list(pairwise(recipe.layers))
        for n_in, n_out in sizes[:-1]:
            self.model.add(n_in, n_out, layer="Dense", activation=recipe.activation)
            if recipe.dropout > 0:
                self.model.add(0, 0, layer="Dropout", rate=recipe.dropout)
        self.model.add(*sizes[-1], layer="Dense", activation=OUTPUTS[recipe.loss])
        shared = {"lr": recipe.lr, "decay": recipe.decay, "weight_decay": recipe.l2}
        if recipe.optimizer == "sgd":
            self.optimizer = mapicx.SGD(momentum=recipe.momentum, **shared)
        else:
            self.optimizer = mapicx.Adam(
                beta_1=recipe.beta_1, beta_2=recipe.beta_2, epsilon=recipe.epsilon, **shared
            )
        self.model.compile(optimizer=self.optimizer, loss=LOSSES[recipe.loss], metrics=())
        self.model.set_weights(weights)

    def reset(self, weights):
        self.optimizer.reset()
        self.model.set_weights(weights)
        # The network goes on with its generator; a fresh training starts with a fresh one.
        fresh = np.random.default_rng(self.seed)
        self.model.network.rng.bit_generator.state = fresh.bit_generator.state

    def train(self, record=False):
        self.losses = []
        if record and self.workload.batch_size is not None:
            self.train_batch_by_batch()
        else:
            # On the class, at each call: what is measured is Mapicx.fit itself.
            history = mapicx.Mapicx.fit(
                self.model, self.data.X_train, self.data.y_train, epochs=self.workload.epochs,
                batch_size=self.workload.batch_size, shuffle=self.workload.shuffle, verbose=False,
            )  # fmt: skip
            if record:  # full batches: an epoch's loss is its step's
                self.losses = list(history.history["loss"])
        self.count(self.optimizer.iterations)

    def train_batch_by_batch(self):
        """fit reports the mean over an epoch; this gives the loss of each step."""
        X, y = self.data.X_train, self.data.y_train
        for epoch in range(self.workload.epochs):
            for rows in self.data.batches(epoch):
                self.losses.append(self.model.train_on_batch(X[rows], y[rows]))

    def predict(self, X):
        if self.workload.loss == "mse":
            return self.model.predict(X)[:, 0]
        return self.model.predict_classes(X)

    def predict_proba(self, X):
        if self.workload.loss == "mse":
            return None
        probabilities = self.model.predict(X)
        if self.workload.loss == "bce":
            return np.concatenate([1 - probabilities, probabilities], axis=1)
        return probabilities

    def get_weights(self):
        return [w.reshape(-1) if i % 2 else w for i, w in enumerate(self.model.get_weights())]


class EngineAgain(Engine):
    """The same engine under another name: how far apart two equal systems are measured."""

    name = "mapicx-again"
    family = "control"
