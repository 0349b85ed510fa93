"""keras-fit, -tuned and -jax: one call of `model.fit`, as Keras' documentation teaches it.

keras-fit and keras-fit-tuned run on TensorFlow, keras-fit-jax on JAX. All leave mixing the rows to
Keras when the workload shuffles.
"""

from __future__ import annotations

import os

from baselines._base import Network, gflops
from baselines.jax_loops import import_jax, jax_gflops


class KerasFit(Network):
    """Keras on TensorFlow as in the beginner's guide: Sequential, compile, fit; no progress bar."""

    name = "keras-fit"
    requires = ("tensorflow", "keras")
    own_order = True
    backend = "tensorflow"
    jit_compile = False  # what "auto" means on TensorFlow and a CPU, said explicitly

    def load(self):
        global keras, np
        self.import_backend()
        os.environ["KERAS_BACKEND"] = self.backend  # read once, when keras is imported
        import keras
        import numpy as np

        if keras.backend.backend() != self.backend:
            raise ImportError(f"Keras runs on {keras.backend.backend()}, not on {self.backend}")
        keras.config.set_floatx(self.dtype)

    def import_backend(self):
        global tf
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(self.threads)
        tf.config.threading.set_inter_op_parallelism_threads(self.threads)

    def build(self, data, weights):
        recipe = self.workload
        self.data, self.traces = data, 0
        keras.utils.set_random_seed(self.seed)
        l2 = keras.regularizers.L2(recipe.l2 / 2) if recipe.l2 else None  # its gradient is 2*l2*W
        layers = [keras.Input((recipe.layers[0],))]
        for width in recipe.layers[1:-1]:
            layers.append(
                keras.layers.Dense(width, activation=recipe.activation, kernel_regularizer=l2)
            )
            if recipe.dropout > 0:
                layers.append(keras.layers.Dropout(recipe.dropout))
        layers.append(keras.layers.Dense(recipe.layers[-1], kernel_regularizer=l2))
        self.model = keras.Sequential(layers)
        self.count_traces()
        self.compile()
        self.model.optimizer.build(self.model.trainable_variables)
        # What a new training must find: step counter, moments, dropout's seeds.
        state = [*self.model.optimizer.variables, *self.model.non_trainable_variables]
        self.fresh = [(variable, variable.numpy()) for variable in state]
        self.convert_data()
        self.reset(weights)

    def count_traces(self):
        """Keras hides what it compiles; what is traced runs this Python code once per trace."""
        train_step = self.model.train_step

        def traced_step(*arguments):  # (data) on TensorFlow, (state, data) on JAX
            self.traces += 1
            return train_step(*arguments)

        self.model.train_step = traced_step

    def compile(self):
        recipe = self.workload
        rate = recipe.lr
        if recipe.decay:
            rate = keras.optimizers.schedules.InverseTimeDecay(recipe.lr, 1, recipe.decay)
        if recipe.optimizer == "sgd":
            optimizer = keras.optimizers.SGD(rate, momentum=recipe.momentum)
        else:
            optimizer = keras.optimizers.Adam(
                rate, beta_1=recipe.beta_1, beta_2=recipe.beta_2, epsilon=recipe.epsilon
            )
        loss = {
            "cce": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "bce": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
            "mse": lambda: keras.losses.MeanSquaredError(),
        }[recipe.loss]()
        self.model.compile(optimizer, loss, jit_compile=self.jit_compile, **self.compile_options())

    def compile_options(self):
        return {}

    def convert_data(self):
        self.X, self.y = self.data.X_train, self.data.y_train
        if self.workload.loss != "cce":
            self.y = self.y.astype(self.dtype)[:, None]

    def reset(self, weights):
        keras.utils.set_random_seed(self.seed)  # fit draws its orders from the global seed
        for variable, value in self.fresh:
            variable.assign(value)
        for variable, value in zip(self.model.trainable_variables, weights, strict=True):
            variable.assign(value)

    def train(self, record=False):
        self.losses = []
        if record:
            self.train_recorded()
        else:
            self.fit()
        self.count(self.model.optimizer.iterations.numpy())

    def fit(self):
        recipe = self.workload
        self.model.fit(
            self.X, self.y, batch_size=recipe.batch_size or recipe.train_rows,
            epochs=recipe.epochs, shuffle=recipe.shuffle, verbose=0,
        )  # fmt: skip

    def train_recorded(self):
        """Keras' own step, batch by batch: fit reports means over an epoch, with the L2 penalty."""
        for epoch in range(self.workload.epochs):
            for rows in self.data.batches(epoch):
                penalty = float(sum(self.model.losses))
                loss = self.model.train_on_batch(self.X[rows], self.y[rows])
                self.losses.append(loss - penalty)

    def outputs(self, X):
        return self.model.predict(X, verbose=0)

    def get_weights(self):
        return [np.array(v) for v in self.model.trainable_variables]

    def compilations(self):
        return self.traces

    def gemm_gflops(self):
        a = keras.random.uniform((1024, 1024), dtype="float32")
        return gflops(lambda: keras.ops.matmul(a, a))


class KerasFitTuned(KerasFit):
    """Keras' fit on one data set in memory, many steps per call into TensorFlow.

    The whole training is one "epoch" of a repeated data set: Keras makes a new iterator for each
    epoch, which takes 60 ms where a step on 2-64-64-3 with 300 rows takes 0.5 ms.
    """

    name = "keras-fit-tuned"
    # jit_compile stays False: XLA takes 1.7 s to compile and gains nothing on 2-64-64-3.
    steps_per_execution = 50

    def compile_options(self):
        return {"steps_per_execution": self.steps_per_execution}

    def convert_data(self):
        super().convert_data()
        self.tensors = (tf.constant(self.X), tf.constant(self.y))

    def reset(self, weights):
        super().reset(weights)
        recipe = self.workload
        if recipe.batch_size is None:
            rows = tf.data.Dataset.from_tensors(self.tensors)
        else:
            rows = tf.data.Dataset.from_tensor_slices(self.tensors)
            if recipe.shuffle:  # a data set that was shuffled before goes on with other orders
                rows = rows.shuffle(recipe.train_rows, seed=self.seed)
            rows = rows.batch(recipe.batch_size)
        self.rows = rows.repeat(recipe.epochs).prefetch(tf.data.AUTOTUNE)

    def fit(self):
        self.model.fit(self.rows, epochs=1, shuffle=False, verbose=0)

    def outputs(self, X):
        return self.model.predict_on_batch(X)


class KerasFitJax(KerasFit):
    """The program of keras-fit, word for word, on Keras' JAX backend."""

    name = "keras-fit-jax"
    requires = ("jax", "keras")
    backend = "jax"
    jit_compile = True  # what "auto" means on JAX, said explicitly

    @classmethod
    def supports(cls, workload):
        # On JAX keras.ops.mean, which these losses use, computes in float32 whatever the dtype.
        # Adam's tolerance covers that, SGD's does not.
        if workload.optimizer == "sgd" and workload.loss != "cce":
            return "means in float32, so parity cannot be shown"
        return None

    def import_backend(self):
        import_jax(self.threads, self.dtype)

    def gemm_gflops(self):
        return jax_gflops()
