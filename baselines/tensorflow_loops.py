"""tf-function, tf-xla and tf-loop: TensorFlow without Keras, its step traced once.

The updates are TensorFlow's fused kernels (ResourceApplyAdam and ResourceApplyKerasMomentum), one
per array. Written out in tensors, the same step takes 200 us instead of 150 us in a loop.
"""

from __future__ import annotations

from baselines._base import Network, gflops


class Function(Network):
    """TensorFlow's step as one tf.function, called from a Python loop."""

    name = "tf-function"
    requires = ("tensorflow",)
    jit_compile = False

    def load(self):
        global np, tf
        import numpy as np
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(self.threads)
        tf.config.threading.set_inter_op_parallelism_threads(self.threads)

    def build(self, data, weights):
        recipe = self.workload
        self.data = data
        self.X = tf.constant(data.X_train)
        if recipe.loss == "cce":
            self.y = tf.constant(data.y_train.astype("int32"))
        else:
            self.y = tf.constant(data.y_train.astype(self.dtype)[:, None])
        self.activation = {"relu": tf.nn.relu, "tanh": tf.tanh, "sigmoid": tf.sigmoid}[
            recipe.activation
        ]
        self.parameters = [tf.Variable(w) for w in weights]
        self.m = [tf.Variable(tf.zeros_like(w)) for w in weights]
        self.v = [tf.Variable(tf.zeros_like(w)) for w in weights] if self.is_adam else []
        self.iterations = tf.Variable(0, dtype=tf.int64)
        self.make_functions()
        self.reset(weights)

    @property
    def is_adam(self):
        return self.workload.optimizer == "adam"

    def make_functions(self):
        # XLA compiles every shape, so there each shape is a trace of its own and is counted.
        rows = None if self.jit_compile else [tf.TensorSpec([None], tf.int64)]
        self.step = tf.function(
            lambda: self.update(self.X, self.y), input_signature=[], jit_compile=self.jit_compile
        )
        self.step_rows = tf.function(
            self.update_rows, input_signature=rows, jit_compile=self.jit_compile
        )
        self.forward = tf.function(
            self.logits, input_signature=[tf.TensorSpec([None, self.X.shape[1]], self.X.dtype)]
        )
        self.functions = [self.step, self.step_rows]

    def reset(self, weights):
        tf.random.set_seed(self.seed)
        for parameter, value in zip(self.parameters, weights, strict=True):
            parameter.assign(value)
        for variable in (*self.m, *self.v, self.iterations):
            variable.assign(tf.zeros_like(variable))

    def logits(self, X, dropout=0.0):
        for W, b in zip(self.parameters[:-2:2], self.parameters[1:-2:2], strict=True):
            X = self.activation(tf.matmul(X, W) + b)
            if dropout > 0:
                X = tf.nn.dropout(X, dropout)
        return tf.matmul(X, self.parameters[-2]) + self.parameters[-1]

    def loss(self, z, y):
        if self.workload.loss == "cce":
            return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, z))
        if self.workload.loss == "bce":
            return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, z))
        return tf.reduce_mean(tf.math.squared_difference(z, y))

    def update_rows(self, rows):
        return self.update(tf.gather(self.X, rows), tf.gather(self.y, rows))

    def update(self, X, y):
        """One step; returns the loss before it."""
        recipe = self.workload
        with tf.GradientTape() as tape:
            loss = self.loss(self.logits(X, recipe.dropout), y)
        grads = tape.gradient(loss, self.parameters)
        t = tf.cast(self.iterations.assign_add(1), X.dtype)
        lr = tf.constant(recipe.lr, X.dtype)
        if recipe.decay:
            lr = lr / (1 + recipe.decay * (t - 1))
        for i, (p, g) in enumerate(zip(self.parameters, grads, strict=True)):
            if recipe.l2 and p.shape.rank == 2:
                g = g + recipe.l2 * p
            if self.is_adam:
                tf.raw_ops.ResourceApplyAdam(
                    var=p.handle, m=self.m[i].handle, v=self.v[i].handle, grad=g, lr=lr,
                    beta1=recipe.beta_1, beta2=recipe.beta_2, epsilon=recipe.epsilon,
                    beta1_power=tf.pow(tf.constant(recipe.beta_1, X.dtype), t),
                    beta2_power=tf.pow(tf.constant(recipe.beta_2, X.dtype), t),
                )  # fmt: skip
            elif recipe.momentum:
                tf.raw_ops.ResourceApplyKerasMomentum(  # v = momentum*v - lr*g; w += v
                    var=p.handle, accum=self.m[i].handle, lr=lr, grad=g, momentum=recipe.momentum
                )
            else:
                tf.raw_ops.ResourceApplyGradientDescent(var=p.handle, alpha=lr, delta=g)
        return loss

    def train(self, record=False):
        self.losses, self.samples_seen = [], 0
        for epoch in range(self.workload.epochs):
            for rows in self.data.batches(epoch):
                full = isinstance(rows, slice)
                loss = self.step() if full else self.step_rows(rows)
                if record:
                    self.losses.append(loss)
        self.count(self.iterations.numpy())

    def outputs(self, X):
        return self.forward(X).numpy()

    def compilations(self):
        return sum(f.experimental_get_tracing_count() for f in self.functions)

    def gemm_gflops(self):
        a = tf.random.uniform((1024, 1024))
        return gflops(lambda: tf.matmul(a, a))


class Xla(Function):
    """TensorFlow's step compiled by XLA, called from a Python loop."""

    name = "tf-xla"
    jit_compile = True


class Loop(Function):
    """TensorFlow's whole training as one call into a tf.function.

    Not compiled by XLA: on 2-64-64-3 with 300 rows that is 150 us instead of 175 us a step, and
    half a second of compiling.
    """

    name = "tf-loop"

    def make_functions(self):
        super().make_functions()
        recipe = self.workload
        self.batch = recipe.batch_size or recipe.train_rows
        order = tf.TensorSpec([recipe.epochs, None], tf.int64)
        self.loop = tf.function(lambda order: self.epochs(order, False), input_signature=[order])
        self.loop_recorded = tf.function(
            lambda order: self.epochs(order, True), input_signature=[order]
        )
        self.functions = [self.loop]

    def epochs(self, order, record):
        """All steps; `order` (epochs, rows) holds the rows of each epoch, none for full batches."""
        rows, epochs = self.workload.train_rows, self.workload.epochs
        per_epoch = -(-rows // self.batch)
        losses = tf.TensorArray(self.X.dtype, size=epochs * per_epoch if record else 0)
        for step in tf.range(epochs * per_epoch):
            if self.workload.batch_size is None:
                loss = self.update(self.X, self.y)
            else:
                start = step % per_epoch * self.batch
                loss = self.update_rows(order[step // per_epoch, start : start + self.batch])
            if record:
                losses = losses.write(step, loss)
        return losses.stack() if record else step

    def train(self, record=False):
        self.losses = []
        epochs = self.workload.epochs
        if self.workload.batch_size is None:
            order = np.empty((epochs, 0), "int64")
        else:
            order = np.stack([np.concatenate(self.data.batches(e)) for e in range(epochs)])
        if record:
            self.losses = list(self.loop_recorded(order))
        else:
            self.loop(order)
        self.count(self.iterations.numpy())
