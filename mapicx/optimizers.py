"""The optimizers, in order of increasing complexity. Each sees the network as one vector w."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mapicx.replay import Tape
from mapicx.targets import check_number

# The update goes through the vector in slices that stay in the cache with state and scratch space:
# Adam on 5.8 million parameters takes 7.2 ms this way, 10.4 ms in whole passes.
SLICE = 65_536


class Optimizer:
    """What all share: the learning rate and its decay, weight decay, clipping, the slices.

    The learning rate of an update is lr_t = lr / (1 + decay * t), t = `iterations` done before it.
    weight_decay adds weight_decay * w to the gradient g of weights, not of biases. clipnorm is the
    largest Euclidean norm of the gradient; a longer one is scaled down to it, before weight decay.
    Raises ValueError for options out of range.
    """

    n_states = 0  # vectors that the rule remembers
    decoupled = False
    _tape: Tape | None = None
    _bound: Any = None

    def __init__(self, lr: float, decay: float, *, weight_decay=0.0, clipnorm=None, **rule: Any):
        self.options = {"lr": lr, "decay": decay, "weight_decay": weight_decay, **rule}
        for name, value in self.options.items():
            least = 1e-300 if name in ("lr", "epsilon") else 0
            check_number(name, value, least, math.inf if name in NOT_FRACTIONS else 1)
        self.options["clipnorm"] = check_number("clipnorm", clipnorm or math.inf, 1e-300)
        self.lr, self.decay, self.weight_decay = lr, decay, weight_decay
        vars(self).update(self.options)
        self.reset()

    def reset(self) -> None:
        """Forget all updates, as if new."""
        self.iterations = 0
        self.state: list[Any] = []
        self._bound = None

    @property
    def current_lr(self) -> float:
        """The learning rate of the next update."""
        return self.lr / (1 + self.decay * self.iterations)

    def step(self, parameters: Any, gradients: Any, decays: Any = True) -> None:
        """Update the vector `parameters` in place; `decays` marks those that weight decay acts on.

        Raises FloatingPointError, with nothing changed, if the gradient or the step is too large.
        """
        if self._bound is not parameters:
            self._bind(parameters)
        lr, norm_squared = self.current_lr, float(gradients.dot(gradients))
        # Bounded gradients and steps keep the weights finite, whatever follows.
        if not norm_squared * max(1.0, lr * lr) < self._limit:
            raise FloatingPointError("the gradient is not finite, or too large for its data type")
        if self.clipnorm:
            self._clip.fill(min(1.0, self.clipnorm / max(math.sqrt(norm_squared), 1e-300)))
        self._lr.fill(lr)
        self.set_scalars(lr)
        if self._tape is None:
            self._state_calls(tape := Tape(), parameters, gradients, decays)
            self._tape = tape
        else:
            self._tape.replay()
        self.iterations += 1

    def _bind(self, parameters: Any) -> None:
        """Make the state for a vector; what belonged to another vector is forgotten."""
        if self._bound is not None:
            self.reset()
        if not self.state:
            self.state = [np.zeros_like(parameters) for _ in range(self.n_states)]
        # 0-d arrays are the fastest scalars: 0.3 us a call instead of 0.6.
        self._lr, self._clip, self._scale, self._shift = map(
            np.array, [parameters.dtype.type()] * 4
        )
        self._limit = float(np.finfo(parameters.dtype).max)
        self._bound, self._tape = parameters, None

    def _state_calls(self, call: Callable, parameters: Any, gradients: Any, decays: Any) -> None:
        decays = np.multiply(decays, np.full_like(parameters, self.weight_decay))
        scratch = np.empty((2, min(SLICE, parameters.size)), parameters.dtype)
        for start in range(0, parameters.size, SLICE):
            part = slice(start, start + SLICE)
            w, g, *state = (vector[part] for vector in (parameters, gradients, *self.state))
            s, new_g = scratch[:, : w.size]
            if self.clipnorm:
                call(np.multiply, g, self._clip, new_g)
                g = new_g
            if self.weight_decay:
                call(np.multiply, w, decays[part], s)
                if self.decoupled:
                    call(np.multiply, s, self._lr, s)
                    call(np.subtract, w, s, w)
                else:
                    call(np.add, g, s, new_g)
                    g = new_g
            self.rule_calls(call, w, g, s, *state)

    def set_scalars(self, lr: float) -> None:
        """Set what else changes from update to update."""

    rule_calls: Callable[..., None]  # the update of w by its gradient g, with scratch space s

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name[0] != "_"}

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{type(self).__name__}({options})"


class SGD(Optimizer):
    """v = momentum v - lr_t g, w += v; nesterov: w += momentum v - lr_t g (Sutskever 2013)."""

    def __init__(self, lr=0.01, decay=0.0, momentum=0.0, *, nesterov=False, **common: Any) -> None:
        super().__init__(lr, decay, momentum=momentum, nesterov=bool(nesterov), **common)
        self.n_states = 1 if momentum else 0

    def rule_calls(self, call: Callable, w: Any, g: Any, s: Any, v: Any = None) -> None:
        call(np.multiply, g, self._lr, s)
        if v is None or self.nesterov:
            call(np.subtract, w, s, w)
        if v is not None:
            momentum = np.array(self.momentum, w.dtype)
            call(np.multiply, v, momentum, v)
            call(np.subtract, v, s, v)
            if self.nesterov:
                call(np.multiply, v, momentum, s)
            call(np.add, w, s if self.nesterov else v, w)


class Adam(Optimizer):
    """m, v: running means of g, g^2; w -= lr_t m_hat / (sqrt(v_hat) + epsilon).

    Kingma and Ba 2015, Algorithm 1. The state holds m / (1 - beta_1) and v / (1 - beta_2), which
    saves two passes of ten; all factors and corrections are folded into two scalars.
    """

    n_states = 2

    def __init__(self, lr=1e-3, decay=0.0, *, beta_1=0.9, beta_2=0.999, epsilon=1e-8, **common):
        super().__init__(lr, decay, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **common)

    def set_scalars(self, lr: float) -> None:
        k = self.iterations + 1
        self.set_folded(lr * (1 - self.beta_1) / (1 - self.beta_1**k), 1 - self.beta_2**k)

    def set_folded(self, rate: float, correction: float) -> None:
        """Fold so that scale * m / (sqrt(v) + shift) is the step, for m and v as they are held."""
        root = math.sqrt((1 - self.beta_2) / correction)
        self._scale.fill(rate / root)
        self._shift.fill(self.epsilon / root)

    def rule_calls(self, call: Callable, w: Any, g: Any, s: Any, m: Any, v: Any) -> None:
        call(np.multiply, m, np.array(self.beta_1, w.dtype), m)
        call(np.add, m, g, m)
        call(np.multiply, g, g, s)
        call(np.multiply, v, np.array(self.beta_2, w.dtype), v)
        call(np.add, v, s, v)
        call(np.sqrt, v, s)
        call(np.add, s, self._shift, s)
        call(np.divide, m, s, s)
        call(np.multiply, s, self._scale, s)
        call(np.subtract, w, s, w)


class AdamW(Adam):
    """Adam with w -= lr_t weight_decay w before each update (Loshchilov and Hutter 2019)."""

    decoupled = True

    def __init__(self, *arguments: Any, weight_decay: float = 0.01, **options: Any) -> None:
        super().__init__(*arguments, weight_decay=weight_decay, **options)


class RMSprop(Adam):
    """v = rho v + (1 - rho) g^2, w -= lr_t g / (sqrt(v) + epsilon) (Tieleman and Hinton 2012).

    Adam with beta_1 = 0, beta_2 = rho and no correction of the mean for the number of updates.
    """

    def __init__(self, lr=1e-3, decay=0.0, *, rho=0.9, epsilon=1e-7, **common: Any) -> None:
        super().__init__(lr, decay, beta_1=0.0, beta_2=rho, epsilon=epsilon, **common)
        self.options = {"rho": rho, **self.options}
        del self.options["beta_1"], self.options["beta_2"]

    def set_scalars(self, lr: float) -> None:
        self.set_folded(lr, 1.0)


NOT_FRACTIONS = ("lr", "decay", "weight_decay", "epsilon", "nesterov")
OPTIMIZERS = {kind.__name__.lower(): kind for kind in (SGD, RMSprop, Adam, AdamW)}
