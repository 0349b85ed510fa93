"""torch-eager, -fused, -manual and -compile: PyTorch as its tutorial, and as an expert, writes it.

Full-batch data are tensors made once; a DataLoader for 300 rows would cost more than the step.
"""

from __future__ import annotations

import math
from itertools import pairwise

from baselines._base import Network, gflops


class _Torch(Network):
    """Model, data and prediction; the variants below differ in how they take a step."""

    requires = ("torch",)

    def load(self):
        global np, torch
        import numpy as np
        import torch

        torch.set_num_threads(self.threads)
        if torch.get_num_interop_threads() != self.threads:  # may be set once in a process
            torch.set_num_interop_threads(self.threads)

    def build(self, data, weights):
        recipe = self.workload
        activation = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}
        layers = []
        for n_in, n_out in pairwise(recipe.layers):
            layers += [torch.nn.Linear(n_in, n_out), activation[recipe.activation]()]
            if recipe.dropout > 0:
                layers.append(torch.nn.Dropout(recipe.dropout))
        last = len(layers) - (2 if recipe.dropout > 0 else 1)
        self.model = torch.nn.Sequential(*layers[:last]).to(getattr(torch, self.dtype))
        self.linear = [layer for layer in self.model if isinstance(layer, torch.nn.Linear)]
        self.data = data
        self.X = torch.from_numpy(data.X_train)
        self.y = torch.from_numpy(data.y_train)
        if recipe.loss != "cce":
            self.y = self.y.to(self.X.dtype)[:, None]
        cost = torch.nn.functional
        self.criterion = {
            "cce": cost.cross_entropy,
            "bce": cost.binary_cross_entropy_with_logits,
            "mse": cost.mse_loss,
        }[recipe.loss]
        self.make_optimizer()
        self.reset(weights)

    def reset(self, weights):
        torch.manual_seed(self.seed)
        with torch.no_grad():
            for layer, W, b in zip(self.linear, weights[::2], weights[1::2], strict=True):
                layer.weight.copy_(torch.from_numpy(W.T))
                layer.bias.copy_(torch.from_numpy(b))
        self.reset_optimizer()

    def train(self, record=False):
        self.steps, self.samples_seen, self.losses = 0, 0, []
        self.model.train()
        for epoch in range(self.workload.epochs):
            for rows in self.data.batches(epoch):
                if isinstance(rows, slice):
                    X, y = self.X[rows], self.y[rows]
                else:
                    index = torch.from_numpy(rows)
                    X, y = self.X[index], self.y[index]
                loss = self.step(X, y)
                if record:
                    self.losses.append(loss.detach())
                self.steps += 1  # torch.optim.SGD counts no steps itself; Adam's is checked
                self.samples_seen += len(X)
        self.check_steps()

    def outputs(self, X):
        self.model.eval()
        with torch.inference_mode():
            return self.model(torch.from_numpy(X)).numpy()

    def get_weights(self):
        pairs = ((layer.weight.T, layer.bias) for layer in self.linear)
        return [array.detach().numpy().copy() for pair in pairs for array in pair]

    def gemm_gflops(self):
        a = torch.rand(1024, 1024)
        out = torch.empty_like(a)
        return gflops(lambda: torch.mm(a, a, out=out))


class Eager(_Torch):
    """The training loop of PyTorch's tutorial, run operation by operation."""

    name = "torch-eager"
    fused = False

    def make_optimizer(self):
        recipe = self.workload
        groups = [{"params": list(self.model.parameters())}]
        if recipe.l2:  # weight_decay would otherwise act on the biases too
            groups = [
                {"params": [layer.weight for layer in self.linear], "weight_decay": recipe.l2},
                {"params": [layer.bias for layer in self.linear], "weight_decay": 0.0},
            ]
        # None leaves the choice to torch, which takes the loop over tensors on a CPU.
        fused = True if self.fused else None
        if recipe.optimizer == "sgd":
            self.optimizer = torch.optim.SGD(
                groups, lr=recipe.lr, momentum=recipe.momentum, fused=fused
            )
        else:
            betas = (recipe.beta_1, recipe.beta_2)
            self.optimizer = torch.optim.Adam(
                groups, lr=recipe.lr, betas=betas, eps=recipe.epsilon, fused=fused
            )

    def reset_optimizer(self):
        self.optimizer.state.clear()
        for group in self.optimizer.param_groups:
            group["lr"] = self.workload.lr
            if self.workload.optimizer == "sgd":
                group["momentum"] = self.workload.momentum

    def step(self, X, y):
        if self.workload.decay:
            self.decay()
        loss = self.criterion(self.model(X), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def decay(self):
        """The learning rate of this step.

        torch keeps `buf = momentum*buf + g; w -= lr*buf`, the others `v = momentum*v - lr*g;
        w += v`. With v = -lr*buf they agree if the momentum is scaled by the last rate over
        this one: 4e-16 over 150 steps, where the unscaled form is 1e-2 away.
        """
        lr = self.workload.lr / (1 + self.workload.decay * self.steps)
        for group in self.optimizer.param_groups:
            if self.workload.optimizer == "sgd":
                group["momentum"] = self.workload.momentum * group["lr"] / lr
            group["lr"] = lr

    def check_steps(self):
        for state in self.optimizer.state.values():
            if "step" in state and int(state["step"]) != self.steps:
                raise RuntimeError(f"Adam counted {int(state['step'])} steps, not {self.steps}")


class Fused(Eager):
    """PyTorch's training loop with one kernel for the whole update."""

    name = "torch-fused"
    fused = True


class Manual(_Torch):
    """Autograd, and the update by hand: a few calls, each for all arrays at once.

    Constructing an optimizer of torch imports torch._dynamo, which takes a second and more; this
    is for a program that cannot wait.
    """

    name = "torch-manual"

    def make_optimizer(self):
        self.parameters = list(self.model.parameters())  # W1, b1, W2, b2, ...
        self.m = [torch.zeros_like(p) for p in self.parameters]
        self.v = [torch.zeros_like(p) for p in self.parameters]

    def reset_optimizer(self):
        torch._foreach_zero_([*self.m, *self.v])

    def step(self, X, y):
        loss = self.criterion(self.model(X), y)
        grads = torch.autograd.grad(loss, self.parameters)
        with torch.no_grad():
            self.update(grads)
        return loss

    def update(self, grads):
        recipe, t = self.workload, self.steps + 1
        lr = recipe.lr / (1 + recipe.decay * self.steps)
        if recipe.l2:
            torch._foreach_add_(grads[::2], self.parameters[::2], alpha=recipe.l2)
        if recipe.optimizer == "adam":
            torch._foreach_lerp_(self.m, grads, 1 - recipe.beta_1)
            torch._foreach_mul_(self.v, recipe.beta_2)
            torch._foreach_addcmul_(self.v, grads, grads, 1 - recipe.beta_2)
            scale = torch._foreach_sqrt(self.v)
            torch._foreach_div_(scale, math.sqrt(1 - recipe.beta_2**t))
            torch._foreach_add_(scale, recipe.epsilon)
            rate = lr / (1 - recipe.beta_1**t)
            torch._foreach_addcdiv_(self.parameters, self.m, scale, -rate)
        elif recipe.momentum:
            torch._foreach_mul_(self.m, recipe.momentum)
            torch._foreach_add_(self.m, grads, alpha=-lr)
            torch._foreach_add_(self.parameters, self.m)
        else:
            torch._foreach_add_(self.parameters, grads, alpha=-lr)

    def check_steps(self):
        pass  # the loop's own count is the one that the update uses


class Compiled(_Torch):
    """PyTorch's whole step, update included, as one compiled graph of tensors.

    `torch.compile(optimizer.step)` breaks the graph, and `loss.backward()` runs outside of it:
    650 us a step on 2-64-64-3 with 300 rows, where this form takes 260 us.
    """

    name = "torch-compile"

    def load(self):
        super().load()
        # Without this a step that is recompiled too often runs eagerly, and nobody is told.
        torch._dynamo.config.fail_on_recompile_limit_hit = True

    def make_optimizer(self):
        self.parameters = dict(self.model.named_parameters())
        for p in self.parameters.values():
            p.requires_grad_(False)  # torch.func differentiates by its argument
        self.m = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        self.v = {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        # A tensor, because a number would be compiled in; of shape (1,), because torch 2.13 loses
        # the in-place update of a float64 scalar in a compiled graph.
        self.t = torch.zeros(1, dtype=getattr(torch, self.dtype))
        # Two shapes, the batch and a short last one: compiled once each, not "dynamic" for both.
        self.compiled = torch.compile(self.whole_step, fullgraph=True, dynamic=False)

    def reset_optimizer(self):
        self.t.zero_()
        for array in (*self.m.values(), *self.v.values()):
            array.zero_()

    def loss(self, parameters, X, y):
        return self.criterion(torch.func.functional_call(self.model, parameters, (X,)), y)

    def whole_step(self, X, y):
        recipe = self.workload
        grads, loss = torch.func.grad_and_value(self.loss)(self.parameters, X, y)
        lr = recipe.lr / (1 + recipe.decay * self.t)
        self.t.add_(1)
        for name, p in self.parameters.items():
            g, m, v = grads[name], self.m[name], self.v[name]
            if recipe.l2 and p.ndim == 2:
                g = g + recipe.l2 * p
            if recipe.optimizer == "sgd":
                m.copy_(recipe.momentum * m - lr * g)
                p.add_(m)
            else:
                m.lerp_(g, 1 - recipe.beta_1)
                v.lerp_(g * g, 1 - recipe.beta_2)
                v_hat = v / (1 - recipe.beta_2**self.t)
                rate = lr / (1 - recipe.beta_1**self.t)
                p.sub_(rate * m / (v_hat.sqrt() + recipe.epsilon))
        return loss

    def step(self, X, y):
        return self.compiled(X, y)

    def check_steps(self):
        self.steps = int(self.t)

    def compilations(self):
        return torch._dynamo.utils.counters["stats"]["unique_graphs"]


class CompiledCached(Compiled):
    """torch-compile as it starts the second time: what was compiled lies in torch's cache."""

    name = "torch-compile-cached"
