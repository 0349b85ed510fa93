"""jax-jit and jax-scan: pure functions of (parameters, state), compiled by XLA.

Parameters and state are donated, so that a step updates them in place.
"""

from __future__ import annotations

import os

from baselines._base import Network, gflops, import_numpy


def import_jax(threads, dtype):
    """JAX on the CPU with a number of threads, computing in this dtype."""
    import_numpy(threads)
    # JAX has no call for the number of threads; XLA's CPU client takes it from here, once.
    os.environ["NPROC"] = str(threads)
    if threads == 1:
        flags = os.environ.get("XLA_FLAGS", "").split()
        flags = [*flags, "--xla_cpu_multi_thread_eigen=false"]
        os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys(flags))
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", dtype == "float64")
    return jax


class Program:
    """The functions of one recipe. One per process: networks that share it compile nothing anew."""

    def __init__(self, recipe):
        self.recipe, self.is_adam = recipe, recipe.optimizer == "adam"
        self.activation = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}[
            recipe.activation
        ]
        self.forward = jax.jit(self.logits)
        self.step = jax.jit(self.update, donate_argnums=0)
        self.loop = jax.jit(self.epochs, donate_argnums=0)

    def logits(self, parameters, X, key=None):
        for W, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            X = self.activation(X @ W + b)
            if key is not None:
                key, mask_key = jax.random.split(key)
                keep = jax.random.bernoulli(mask_key, 1 - self.recipe.dropout, X.shape)
                X = jnp.where(keep, X / (1 - self.recipe.dropout), 0)
        return X @ parameters[-2] + parameters[-1]

    def loss(self, parameters, X, y, key):
        z = self.logits(parameters, X, key)
        if self.recipe.loss == "mse":
            return jnp.mean((z[:, 0] - y) ** 2)
        if self.recipe.loss == "bce":
            return jnp.mean(jax.nn.softplus(z[:, 0]) - y * z[:, 0])
        log_p = jax.nn.log_softmax(z)
        return -jnp.mean(jnp.take_along_axis(log_p, y[:, None], axis=1))

    def update(self, carry, X, y, rows=None):
        """One step on all rows or on `rows`: the next carry and the loss before it."""
        recipe = self.recipe
        parameters, ms, vs, t, key = carry
        if rows is not None:
            X, y = X[rows], y[rows]
        mask_key = None
        if key is not None:
            key, mask_key = jax.random.split(key)
        loss, grads = jax.value_and_grad(self.loss)(parameters, X, y, mask_key)
        lr = recipe.lr / (1 + recipe.decay * t.astype(X.dtype))
        t = t + 1
        if recipe.l2:
            pairs = zip(grads, parameters, strict=True)
            grads = [g + recipe.l2 * p if p.ndim == 2 else g for g, p in pairs]
        if self.is_adam:
            ms = [m + (1 - recipe.beta_1) * (g - m) for m, g in zip(ms, grads, strict=True)]
            vs = [v + (1 - recipe.beta_2) * (g * g - v) for v, g in zip(vs, grads, strict=True)]
            m_scale = lr / (1 - recipe.beta_1 ** t.astype(X.dtype))
            v_scale = 1 / (1 - recipe.beta_2 ** t.astype(X.dtype))
            parameters = [
                p - m_scale * m / (jnp.sqrt(v * v_scale) + recipe.epsilon)
                for p, m, v in zip(parameters, ms, vs, strict=True)
            ]
        else:
            ms = [recipe.momentum * m - lr * g for m, g in zip(ms, grads, strict=True)]
            parameters = [p + m for p, m in zip(parameters, ms, strict=True)]
        return (parameters, ms, vs, t, key), loss

    def epochs(self, carry, X, y, order):
        """All steps; `order` (epochs, rows) holds the rows of each epoch, or is None."""
        recipe = self.recipe
        if order is None:
            step = lambda carry, _: self.update(carry, X, y)  # noqa: E731
            return jax.lax.scan(step, carry, length=recipe.epochs)
        size, full = recipe.batch_size, recipe.train_rows // recipe.batch_size

        def epoch(carry, rows):
            step = lambda carry, rows: self.update(carry, X, y, rows)  # noqa: E731
            carry, losses = jax.lax.scan(step, carry, rows[: full * size].reshape(full, size))
            if rows.shape[0] > full * size:  # shapes are static: the short batch is its own step
                carry, loss = step(carry, rows[full * size :])
                losses = jnp.append(losses, loss)
            return carry, losses

        return jax.lax.scan(epoch, carry, order)


_PROGRAMS: dict[str, Program] = {}


def find_program(recipe):
    """The program of a recipe; made when first asked for."""
    return _PROGRAMS.setdefault(repr(recipe), Program(recipe))


class Jit(Network):
    """JAX's step as one compiled function, called from a Python loop."""

    name = "jax-jit"
    requires = ("jax",)

    def load(self):
        global jax, jnp, np
        jax = import_jax(self.threads, self.dtype)
        import jax.numpy as jnp
        import numpy as np

    def build(self, data, weights):
        self.data = data
        self.X = jnp.asarray(data.X_train)
        self.y = jnp.asarray(data.y_train)
        self.program = find_program(self.workload)
        self.reset(weights)

    def reset(self, weights):
        weights = [jnp.array(w) for w in weights]
        zeros = [jnp.zeros_like(w) for w in weights]
        moments = [jnp.zeros_like(w) for w in weights] if self.program.is_adam else []
        key = jax.random.key(self.seed) if self.workload.dropout else None
        self.carry = (weights, zeros, moments, jnp.zeros((), "int32"), key)

    @property
    def parameters(self):
        return self.carry[0]

    def train(self, record=False):
        self.losses, step = [], self.program.step
        for epoch in range(self.workload.epochs):
            for rows in self.data.batches(epoch):
                rows = None if isinstance(rows, slice) else rows
                self.carry, loss = step(self.carry, self.X, self.y, rows)
                if record:
                    self.losses.append(loss)
        self.finish()

    def finish(self):
        jax.block_until_ready(self.carry)  # JAX returns before its work is done
        self.count(self.carry[3])

    def outputs(self, X):
        return np.asarray(self.program.forward(self.parameters, X))

    def compilations(self):
        return self.program.step._cache_size()

    def gemm_gflops(self):
        return jax_gflops()


def jax_gflops():
    """The speed of JAX's own matrix product."""
    import jax

    a = jax.random.uniform(jax.random.key(0), (1024, 1024), dtype="float32")
    product = jax.jit(jax.numpy.matmul)
    return gflops(lambda: product(a, a).block_until_ready())


class Scan(Jit):
    """JAX's whole training as one compiled program."""

    name = "jax-scan"

    def train(self, record=False):
        self.losses, order = [], None
        if self.workload.batch_size is not None:
            epochs = range(self.workload.epochs)
            order = np.stack([np.concatenate(self.data.batches(e)) for e in epochs])
        self.carry, losses = self.program.loop(self.carry, self.X, self.y, order)
        if record:
            self.losses = list(losses.ravel())
        self.finish()

    def compilations(self):
        return self.program.loop._cache_size()
