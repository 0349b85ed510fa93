"""numpy-plain: a neural network as a textbook writes it, at most 80 lines, no cleverness.

The reference that every other network must agree with, and a place to start reading.
"""

from baselines._base import NumpyNetwork, import_numpy

ACTIVATIONS = {  # name -> (function of z, its derivative as a function of its own result a)
    "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0),
    "tanh": (lambda z: np.tanh(z), lambda a: 1 - a**2),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
}


class Plain(NumpyNetwork):
    name = "numpy-plain"

    def load(self):
        global np
        np = import_numpy(self.threads)

    def reset(self, weights):
        self.parameters = [np.array(w, self.dtype) for w in weights]  # W1, b1, W2, b2, ...
        self.state = [(np.zeros_like(p), np.zeros_like(p)) for p in self.parameters]
        self.rng = np.random.default_rng(self.seed)

    def train(self, record=False):
        self.steps, self.samples_seen, self.losses = 0, 0, []
        for epoch in range(self.workload.epochs):
            for rows in self.data.batches(epoch):
                X, y = self.data.X_train[rows], self.data.y_train[rows]
                loss, delta = self.loss(self.outputs(X, training=True), y)
                if record:
                    self.losses.append(loss)
                self.update(self.backward(delta))
                self.samples_seen += len(X)

    def outputs(self, X, training=False):
        self.inputs, self.slopes = [X], []  # of each layer; of each hidden activation
        activate, slope = ACTIVATIONS[self.workload.activation]
        for W, b in zip(self.parameters[:-2:2], self.parameters[1:-2:2], strict=True):
            a, keep = activate(self.inputs[-1] @ W + b), 1.0
            if training and self.workload.dropout > 0:  # inverted: the mean stays as it is
                keep = self.rng.random(a.shape) >= self.workload.dropout
                keep = keep.astype(self.dtype) / (1 - self.workload.dropout)
            self.inputs.append(a * keep)
            self.slopes.append(slope(a) * keep)
        return self.inputs[-1] @ self.parameters[-2] + self.parameters[-1]

    def loss(self, z, y):
        if self.workload.loss == "mse":
            return np.mean((z - y[:, None]) ** 2), 2 * (z - y[:, None]) / z.size
        if self.workload.loss == "bce":
            z = np.hstack([np.zeros_like(z), z])  # one logistic output: softmax of (0, z)
        log_p = z - z.max(axis=1, keepdims=True)
        log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        delta = (np.exp(log_p) - np.eye(z.shape[1], dtype=z.dtype)[y]) / len(z)
        return -np.mean(log_p[np.arange(len(z)), y]), delta[:, -self.workload.layers[-1] :]

    def backward(self, delta):
        grads = [self.inputs[-1].T @ delta, delta.sum(axis=0)]
        for i in reversed(range(len(self.slopes))):
            delta = delta @ self.parameters[2 * i + 2].T * self.slopes[i]
            grads = [self.inputs[i].T @ delta, delta.sum(axis=0), *grads]
        return grads

    def update(self, grads):
        recipe = self.workload
        lr = recipe.lr / (1 + recipe.decay * self.steps)
        self.steps = t = self.steps + 1
        for p, g, (m, v) in zip(self.parameters, grads, self.state, strict=True):
            g = g + recipe.l2 * p * (p.ndim == 2)  # weights, not biases
            if recipe.optimizer == "sgd":
                m[:] = recipe.momentum * m - lr * g
                p += m
            else:
                m[:] = recipe.beta_1 * m + (1 - recipe.beta_1) * g
                v[:] = recipe.beta_2 * v + (1 - recipe.beta_2) * g**2
                m_hat, v_hat = m / (1 - recipe.beta_1**t), v / (1 - recipe.beta_2**t)
                p -= lr * m_hat / (np.sqrt(v_hat) + recipe.epsilon)
